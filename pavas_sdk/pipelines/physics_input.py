"""The forms in which a user gives physics: nothing, an estimate, a file, a dictionary, "none"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.data.documents import read_json
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError, FormatError, InputError, PhysicsInputError
from pavas_sdk.physics import Overrides, load_overrides
from pavas_sdk.physics.overrides import MOST_MASS_KG

if TYPE_CHECKING:
    from pavas_sdk.data import FrameSource, MaskTrack
    from pavas_sdk.pipelines.arguments import ClipKind, PhysicsInput

__all__ = ["PhysicsRequest", "check_fits", "checked_plausible", "read_physics"]

MOST_SPEED_M_S = 3e8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhysicsRequest:
    """What is wanted for one video.

    Attributes:
        given: An estimate to use as it is; None means estimate.
        overrides: Masses and speeds by hand, on top of the estimate that is made.
        disabled: Use the adapter's empty tokens, whatever moves.
    """

    given: PhysicsEstimate | None = None
    overrides: Overrides | None = None
    disabled: bool = False

    @property
    def needs_estimator(self) -> bool:
        """Whether the estimator must run."""
        return self.given is None and not self.disabled

    def check_fits(self, source: FrameSource, masks: Mapping[int, MaskTrack] | None) -> None:
        """Check that a given estimate, and masks for it, belong to a video; see `check_fits`."""
        if self.given is not None:
            check_fits(self.given, source, masks)


def read_physics(
    physics: PhysicsInput,
    *,
    kind: ClipKind = "video",
    can_estimate: bool = True,
    is_used: bool = True,
) -> PhysicsRequest:
    """Return what ``physics=`` means.

    Args:
        physics: None (estimate everything), a `PhysicsEstimate`, the path of its JSON or of a
            document of overrides, either document as a dictionary, or ``"none"`` (empty tokens).
        kind: What the sound is made for. Without a video there is nothing to estimate: a given
            estimate, or no physics.
        can_estimate: Whether there is an estimator.
        is_used: Whether there is an adapter; without one, nothing need be estimated.

    Raises:
        FormatError: A document is malformed or newer than this version reads.
        PhysicsInputError: A value in it is impossible.
        InputError: Another type; or physics that needs a video where there is none.
        ConfigurationError: An estimator is needed, and there is none.
    """
    request = _read(physics)
    if kind != "video":
        return _without_video(request, kind)
    if request.needs_estimator and not can_estimate:
        if not is_used and request.overrides is None:
            return PhysicsRequest(disabled=True)
        raise ConfigurationError(
            "this pipeline has no physics estimator and no physics was given; pass physics= (an "
            'estimate, its JSON file, or "none"), or load the pipeline with its estimator'
        )
    return request


def _without_video(request: PhysicsRequest, kind: ClipKind) -> PhysicsRequest:
    if request.overrides is not None or (request.given is not None and kind == "text"):
        raise InputError(
            f"physics needs {'pictures' if kind == 'text' else 'a video, or a whole estimate'}; "
            'leave it out, or pass physics="none"'
        )
    return request if request.given is not None else PhysicsRequest(disabled=True)


def _read(physics: PhysicsInput) -> PhysicsRequest:
    if physics is None:
        return PhysicsRequest()
    if isinstance(physics, PhysicsEstimate):
        return PhysicsRequest(given=physics)
    if isinstance(physics, str) and physics == "none":
        return PhysicsRequest(disabled=True)
    if isinstance(physics, str | Path):
        return _from_file(expanded(physics))
    if isinstance(physics, Mapping):
        data = dict(physics)
        if not {"format", "objects"} & set(data):  # by hand: what it may hold is told
            return PhysicsRequest(overrides=load_overrides(data))
        return _from_document(data)
    raise InputError(
        f"physics must be a PhysicsEstimate, a path, a dictionary, None or 'none', got "
        f"{type(physics).__name__}"
    )


def check_fits(
    physics: PhysicsEstimate, source: FrameSource, masks: Mapping[int, MaskTrack] | None
) -> None:
    """Check that a given estimate and given masks belong to a video.

    Raises:
        PhysicsInputError: The durations differ by more than half a second and 5 %, or a mask's
            id is not in the estimate.
    """
    difference = abs(physics.duration_s - source.duration_s)
    if difference > max(0.5, 0.05 * source.duration_s):
        raise PhysicsInputError(
            f"this physics is of a clip of {physics.duration_s:.2f} s, the video has "
            f"{source.duration_s:.2f} s; give the estimate of this video, or leave physics out to "
            "make one"
        )
    unknown = sorted(set(masks or {}) - {entry.object_id for entry in physics})
    if unknown:
        ids = [entry.object_id for entry in physics]
        raise PhysicsInputError(
            f"masks are given for objects {unknown}, but the physics has {ids or 'no object'}"
        )


def checked_plausible(physics: PhysicsEstimate) -> PhysicsEstimate:
    """Return an estimate whose numbers can be ones of this world, and of its own clip.

    Raises:
        PhysicsInputError: A mass above a million million kilograms, a speed above that of light, or times
            far outside the clip.
    """
    slack_s = max(10.0, physics.duration_s)
    for entry in physics:
        where = f"object {entry.object_id} ({entry.object.short_label})"
        if entry.mass_kg is not None and entry.mass_kg > MOST_MASS_KG:
            raise PhysicsInputError(
                f"{where} weighs {entry.mass_kg:g} kg; expected at most {MOST_MASS_KG:g}"
            )
        for speeds in (entry.speed_m_s, entry.velocity_m_s):
            fastest = 0.0 if speeds is None else float(np.nanmax(np.abs(speeds), initial=0.0))
            if fastest > MOST_SPEED_M_S:
                raise PhysicsInputError(
                    f"{where} moves at {fastest:g} m/s; expected at most {MOST_SPEED_M_S:g}"
                )
        times = entry.speed_times_s
        if times.size and (times[0] < -slack_s or times[-1] > physics.duration_s + slack_s):
            raise PhysicsInputError(
                f"{where} has speeds from {times[0]:g} to {times[-1]:g} s; the clip lasts "
                f"{physics.duration_s:g} s: give times_s on its clock"
            )
    return physics


def _from_file(path: Path) -> PhysicsRequest:
    if not path.exists():
        raise FormatError(
            f"no such physics file: {path}; make one with: pavas estimate VIDEO -o {path.name}, "
            'or use physics="none" for no physics'
        )
    data = read_json(path)
    try:
        if isinstance(data, dict) and _is_overrides(data):
            return PhysicsRequest(overrides=load_overrides(data))
        return PhysicsRequest(given=checked_plausible(PhysicsEstimate.from_json(data)))
    except (FormatError, PhysicsInputError) as err:
        raise type(err)(f"{path}: {err}") from err


def _from_document(data: dict[str, object]) -> PhysicsRequest:
    if _is_overrides(data):
        return PhysicsRequest(overrides=load_overrides(data))
    return PhysicsRequest(given=checked_plausible(PhysicsEstimate.from_json(data)))


def _is_overrides(data: dict[str, object]) -> bool:
    return "format" not in data and bool({"labels", "masses_kg", "speeds"} & set(data))
