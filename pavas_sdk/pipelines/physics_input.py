"""The forms in which a user gives physics: nothing, an estimate, a file, a dictionary, "none"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.data.documents import read_json
from pavas_sdk.errors import FormatError, InputError, PhysicsInputError
from pavas_sdk.physics import Overrides, load_overrides

if TYPE_CHECKING:
    from pavas_sdk.data import FrameSource, MaskTrack

__all__ = ["PhysicsInput", "PhysicsRequest", "check_fits", "read_physics"]

PhysicsInput: TypeAlias = PhysicsEstimate | str | Path | Mapping[str, Any] | None
"""What ``physics=`` takes, for one video."""


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


def read_physics(physics: PhysicsInput) -> PhysicsRequest:
    """Return what ``physics=`` means.

    Args:
        physics: None (estimate everything), a `PhysicsEstimate`, the path of its JSON or of a
            document of overrides, either document as a dictionary, or ``"none"`` (empty tokens).

    Raises:
        FormatError: A document is malformed or newer than this version reads.
        PhysicsInputError: A value in it is impossible.
        InputError: Another type.
    """
    if physics is None:
        return PhysicsRequest()
    if isinstance(physics, PhysicsEstimate):
        return PhysicsRequest(given=physics)
    if isinstance(physics, str) and physics == "none":
        return PhysicsRequest(disabled=True)
    if isinstance(physics, str | Path):
        return _from_file(Path(physics).expanduser())
    if isinstance(physics, Mapping):
        return _from_document(dict(physics))
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


def _from_file(path: Path) -> PhysicsRequest:
    if not path.exists():
        raise FormatError(
            f"no such physics file: {path}; make one with: pavas estimate VIDEO -o {path.name}, "
            'or use physics="none" for no physics'
        )
    data = read_json(path)
    if isinstance(data, dict) and _is_overrides(data):
        return PhysicsRequest(overrides=load_overrides(path))
    return PhysicsRequest(given=PhysicsEstimate.load(path))


def _from_document(data: dict[str, Any]) -> PhysicsRequest:
    if _is_overrides(data):
        return PhysicsRequest(overrides=load_overrides(data))
    return PhysicsRequest(given=PhysicsEstimate.from_json(data))


def _is_overrides(data: dict[str, Any]) -> bool:
    return "format" not in data and bool({"masses_kg", "speeds"} & set(data))
