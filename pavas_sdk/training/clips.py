"""What training needs of a clip, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import Audio, MaskTrack, PhysicsEstimate, Video

__all__ = ["Contacts", "Take", "TrainingClip"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contacts:
    """The moments at which something audible happens.

    Attributes:
        times_s: (I,), seconds.
        energy_change_j: (I,), kinetic-energy change of the body that lost or gained most.
        object_ids: (I,), that body.
    """

    times_s: NDArray[np.float64]
    energy_change_j: NDArray[np.float64]
    object_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Take:
    """One sound of a clip with the physics that made it.

    The same picture may have several takes: hollow or solid, an object looks the same, but it
    weighs and sounds different.

    Attributes:
        audio: Mono, in the level that the world gave it (never normalised).
        physics: True masses and speeds.
        contacts: True contacts.
        prompt: A sentence about it; may be empty.
    """

    audio: Audio
    physics: PhysicsEstimate
    contacts: Contacts
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingClip:
    """A clip with everything that is known about it.

    Attributes:
        seed: What it was made from.
        video: The picture.
        masks: Mask track per object id.
        takes: At least one.
        action: Name of what happens.
        surface: Name of the floor.
        materials: Name per object id.
        sizes_m: Largest half extent per object id.
    """

    seed: int
    video: Video
    masks: Mapping[int, MaskTrack]
    takes: tuple[Take, ...]
    action: str
    surface: str
    materials: Mapping[int, str] = field(default_factory=dict)
    sizes_m: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: No take, or takes of different sets of objects.
        """
        if not self.takes:
            raise InputError(f"clip {self.seed} has no take; a training clip needs at least one")
        ids = [tuple(entry.object_id for entry in take.physics) for take in self.takes]
        if len(set(ids)) != 1:
            raise InputError(f"the takes of clip {self.seed} have different objects: {ids}")
