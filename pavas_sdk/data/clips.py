"""A clip with its truth: what simulation makes, and training, evaluation and checks take.

Whatever a clip comes from, a simulated world, a recording with a truth file or a drawing of discs,
this is the one type for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data._validation import positive
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data.audio import Audio
    from pavas_sdk.data.geometry import Reconstruction
    from pavas_sdk.data.objects import MaskTrack, MovingObject
    from pavas_sdk.data.physics import PhysicsEstimate
    from pavas_sdk.data.video import FrameSource, Video

__all__ = ["Contact", "LabelledClip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A known moment at which something is touched, and may be heard.

    Attributes:
        time_s: When, on the video's clock.
        object_id: Object whose kinetic energy changed most, or None: not known, or no object of
            the clip (something that stays where it is).
        energy_change_j: |1/2 m (v_after^2 - v_before^2)| of that body in joules, or NaN when not
            known exactly.
    """

    time_s: float
    object_id: int | None = None
    energy_change_j: float = float("nan")

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: A time that is not finite, or an energy that is negative or infinite.
        """
        if not np.isfinite(self.time_s):
            raise InputError(f"a contact needs a finite time in seconds, got {self.time_s}")
        if self.energy_change_j < 0 or np.isinf(self.energy_change_j):
            raise InputError(
                f"energy_change_j of the contact at {self.time_s} s must be 0 or more, or NaN "
                f"where it is not known, got {self.energy_change_j}"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledClip:
    """A clip with everything that is known to be true about it.

    Attributes:
        clip_id: Unique within a set: the seed of a simulated clip, the name of a recorded one.
        source: The picture, as components are given it.
        physics: True masses and speeds of its objects. Where a mass is only known to lie between
            a and b: ``mass_kg`` sqrt(a b) and ``mass_log_std`` ln(b / a) / 2.
        audio: The true sound, in the level that the world gave it (never normalised), or None.
        contacts: All known contacts; kept in order of time.
        unscored_s: Stretches (start, end) in seconds in which what is heard is not to be judged.
        masks: True mask track by object id; objects may have none.
        reconstruction: True geometry, or None.
        prompt: What a person would say about it; may be empty.
        action: Name of what happens ("drop"), its sound class; may be empty.
        surface: Name of the floor; may be empty.
        materials: Material by object id, of the objects whose material is known.
        sizes_m: Largest half extent by object id, metres, of the objects whose size is known.
    """

    clip_id: int | str
    source: FrameSource
    physics: PhysicsEstimate
    audio: Audio | None = None
    contacts: tuple[Contact, ...] = ()
    unscored_s: tuple[tuple[float, float], ...] = ()
    masks: Mapping[int, MaskTrack] = field(default_factory=dict)
    reconstruction: Reconstruction | None = None
    prompt: str = ""
    action: str = ""
    surface: str = ""
    materials: Mapping[int, str] = field(default_factory=dict)
    sizes_m: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: Masks, contacts, materials or sizes of objects that ``physics`` does not
                have, a mask under the id of another object, a size that is not positive, or a
                stretch that ends before it begins.
        """
        where = f"of clip {self.clip_id}"
        ids = {entry.object_id for entry in self.physics}
        named = {contact.object_id for contact in self.contacts} - {None}
        for what, found in (
            ("masks", set(self.masks)),
            ("contacts", named),
            ("materials", set(self.materials)),
            ("sizes_m", set(self.sizes_m)),
        ):
            if found - ids:
                raise InputError(
                    f"{what} {where} name the objects {sorted(found - ids, key=str)}, its physics "
                    f"has {sorted(ids)}"
                )
        for object_id, track in self.masks.items():
            if track.object_id != object_id:
                raise InputError(
                    f"masks {where} have the track of object {track.object_id} under {object_id}"
                )
        for object_id, size_m in self.sizes_m.items():
            positive(f"sizes_m[{object_id}] {where}", size_m)
        for start_s, end_s in self.unscored_s:
            if not 0 <= start_s < end_s < float("inf"):
                raise InputError(
                    f"unscored_s {where} must be stretches (start, end) with 0 <= start < end, "
                    f"got ({start_s}, {end_s})"
                )
        in_order = tuple(sorted(self.contacts, key=lambda contact: contact.time_s))
        object.__setattr__(self, "contacts", in_order)

    @property
    def objects(self) -> tuple[MovingObject, ...]:
        """Its objects, in the order of ``physics``."""
        return tuple(entry.object for entry in self.physics)

    @property
    def video(self) -> Video:
        """All frames, read into memory now."""
        return self.source.read()

    @property
    def true_audio(self) -> Audio:
        """``audio``, where it is needed.

        Raises:
            InputError: The clip has none.
        """
        if self.audio is None:
            raise InputError(f"clip {self.clip_id} has no true sound (audio is None)")
        return self.audio

    def is_scored(self, time_s: float) -> bool:
        """Return whether a sound at ``time_s`` is to be judged."""
        return not any(start_s <= time_s < end_s for start_s, end_s in self.unscored_s)
