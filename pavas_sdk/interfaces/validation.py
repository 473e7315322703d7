"""Is what a component returned what its interface promises? Pure functions, one per interface.

Each returns the answer in plain form (a list or a dict) or raises `ContractError` with the name of
the component, the values, and what was expected. The value types validate themselves on
construction (shapes, ranges, increasing times); here it is their relation to the question that counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from pavas_sdk.data import MaskTrack, MassEstimate, MovingObject, Reconstruction, Trajectory
from pavas_sdk.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = [
    "check_masks",
    "check_masses",
    "check_objects",
    "check_reconstruction",
    "check_trajectories",
]

T = TypeVar("T")

TIME_TOLERANCE_S = 1e-3


def check_objects(objects: Any, *, who: str = "the detector") -> list[MovingObject]:
    """Check what a `MovingObjectDetector` returned.

    Args:
        objects: Its answer.
        who: Name of the component for the message.

    Raises:
        ContractError: No sequence of `MovingObject`, or ids that repeat.
    """
    if isinstance(objects, str | Mapping) or not isinstance(objects, Sequence):
        _broken(who, f"returned {type(objects).__name__}", "a sequence of MovingObject")
    for entry in objects:
        if not isinstance(entry, MovingObject):
            _broken(who, f"returned a {type(entry).__name__} among the objects", "MovingObject")
    ids = [entry.object_id for entry in objects]
    repeated = sorted({object_id for object_id in ids if ids.count(object_id) > 1})
    if repeated:
        _broken(who, f"gave the ids {repeated} to several objects", "unique ids")
    return list(objects)


def check_masses(
    masses: Any, object_ids: Iterable[int], *, who: str = "the mass estimator"
) -> dict[int, MassEstimate]:
    """Check what a `MassEstimator` returned for ``object_ids``.

    Args:
        masses: Its answer.
        object_ids: Ids it was asked for.
        who: Name of the component for the message.

    Raises:
        ContractError: No mapping of `MassEstimate`, an invented id, or a key that is not the id.
    """
    return _by_id(masses, MassEstimate, object_ids, who)


def check_masks(
    masks: Any,
    object_ids: Iterable[int],
    *,
    duration_s: float | None = None,
    size: tuple[int, int] | None = None,
    who: str = "the segmenter",
) -> dict[int, MaskTrack]:
    """Check what a `Segmenter` returned for ``object_ids``.

    Args:
        masks: Its answer.
        object_ids: Ids it was asked for.
        duration_s: Length of the clip, when times are to be checked against it.
        size: Height and width of the video, when the masks' aspect is to be checked.
        who: Name of the component for the message.

    Raises:
        ContractError: No mapping of `MaskTrack`, invented ids, tracks of different times or
            sizes, empty tracks, times outside the clip, another aspect.
    """
    tracks = _by_id(masks, MaskTrack, object_ids, who)
    first: MaskTrack | None = None
    for object_id, track in tracks.items():
        where = f"track {object_id}"
        if track.masks.size == 0:
            _broken(who, f"returned {where} of shape {track.masks.shape}", "at least one frame")
        _check_times(track.times_s, duration_s, f"{who}: {where}")
        first = first or track
        if track.masks.shape != first.masks.shape or not np.array_equal(
            track.times_s, first.times_s
        ):
            _broken(
                who,
                f"returned tracks of different times or sizes: {first.masks.shape} and "
                f"{track.masks.shape}",
                "one set of times and one size for all tracks",
            )
    if first is not None and size is not None:
        _check_aspect(first.masks.shape[1:], size, who)
    return tracks


def check_reconstruction(
    reconstruction: Any,
    *,
    masks: Mapping[int, MaskTrack] | None = None,
    duration_s: float | None = None,
    who: str = "the reconstructor",
) -> Reconstruction:
    """Check what a `Reconstructor` returned.

    Args:
        reconstruction: Its answer.
        masks: The masks it was given; then their times are the times it must use.
        duration_s: Length of the clip, when times are to be checked against it.
        who: Name of the component for the message.

    Raises:
        ContractError: No `Reconstruction`, no frames, times other than the masks' or outside the
            clip, points that are not finite where confidence is above 0, negative or NaN
            confidence, poses that are not finite.
    """
    if not isinstance(reconstruction, Reconstruction):
        _broken(who, f"returned {type(reconstruction).__name__}", "Reconstruction")
    if reconstruction.points_m.size == 0:
        shape = reconstruction.points_m.shape
        _broken(who, f"returned points of shape {shape}", "at least one frame and pixel")
    _check_times(reconstruction.times_s, duration_s, who)
    for track in (masks or {}).values():
        times = reconstruction.times_s
        if times.shape != track.times_s.shape or not np.allclose(
            times, track.times_s, rtol=0, atol=TIME_TOLERANCE_S
        ):
            _broken(
                who,
                f"returned {times.size} frames at {_span(times)}",
                f"the masks' {track.times_s.size} frames at {_span(track.times_s)}",
            )
        break
    confidence = reconstruction.confidence
    if not (confidence >= 0).all():
        _broken(who, "returned negative or NaN confidence", "0 (unknown) or more")
    known = reconstruction.points_m[confidence > 0]
    if not np.isfinite(known).all():
        count = int((~np.isfinite(known).all(axis=-1)).sum())
        _broken(who, f"returned {count} points that are NaN or infinite", "confidence 0 there")
    if not np.isfinite(reconstruction.camera_to_world).all():
        _broken(who, "returned camera poses that are not finite", "finite 4 x 4 matrices")
    return reconstruction


def check_trajectories(
    trajectories: Any,
    object_ids: Iterable[int],
    *,
    duration_s: float | None = None,
    time_scale: float | None = None,
    who: str = "the velocity estimator",
) -> dict[int, Trajectory]:
    """Check what a `VelocityEstimator` returned for ``object_ids``.

    Args:
        trajectories: Its answer.
        object_ids: Ids it was asked for.
        duration_s: Length of the clip, when times are to be checked against it.
        time_scale: The slow-motion factor it was given, when it is to be checked.
        who: Name of the component for the message.

    Raises:
        ContractError: No mapping of `Trajectory`, invented ids, times (also of impacts) outside the
            clip, another time scale.
    """
    paths = _by_id(trajectories, Trajectory, object_ids, who)
    for object_id, path in paths.items():
        where = f"trajectory {object_id}"
        if time_scale is not None and path.time_scale != time_scale:
            _broken(who, f"returned {where} with time_scale {path.time_scale:g}", f"{time_scale:g}")
        _check_times(path.times_s, duration_s, f"{who}: {where}")
        for hit in path.impacts or ():
            if hit.time_s < 0 or (duration_s is not None and hit.time_s > duration_s):
                _broken(
                    who, f"returned {where} with an impact at {hit.time_s:g} s", "one in the clip"
                )
    return paths


def _by_id(answer: Any, wanted: type[T], object_ids: Iterable[int], who: str) -> dict[int, T]:
    """The answer as a dict, after checking its keys and types."""
    if not isinstance(answer, Mapping):
        _broken(who, f"returned {type(answer).__name__}", f"a mapping of id to {wanted.__name__}")
    asked = sorted(set(object_ids))
    invented = sorted((key for key in answer if key not in asked), key=repr)
    if invented:
        _broken(who, f"invented the object ids {invented}", f"ids among {asked}")
    for key, value in answer.items():
        if not isinstance(value, wanted):
            _broken(who, f"returned {type(value).__name__} for object {key}", wanted.__name__)
        own = getattr(value, "object_id", key)
        if own != key:
            _broken(who, f"returned object {own} under the key {key}", "the object's own id")
    return dict(answer)


def _check_times(times_s: NDArray[np.float64], duration_s: float | None, who: str) -> None:
    if duration_s is None or times_s.size == 0:
        return
    if times_s[0] < -TIME_TOLERANCE_S or times_s[-1] > duration_s + TIME_TOLERANCE_S:
        _broken(who, f"returned times at {_span(times_s)}", f"times within 0 to {duration_s:.3f} s")


def _check_aspect(have: tuple[int, ...], size: tuple[int, int], who: str) -> None:
    (height, width), (full_height, full_width) = have, size
    # Both sides are whole pixels, so each may be off by one from the exact ratio.
    wanted = height * full_width / full_height
    slack = 1.0 + full_width / full_height
    if height > full_height or width > full_width or abs(wanted - width) > slack:
        _broken(
            who,
            f"returned masks of {height} x {width} pixels",
            f"the aspect of the video's {full_height} x {full_width}, not enlarged",
        )


def _span(times_s: NDArray[np.float64]) -> str:
    return f"{times_s[0]:.3f} to {times_s[-1]:.3f} s" if times_s.size else "no time"


def _broken(who: str, what: str, expected: str) -> NoReturn:
    raise ContractError(
        f"{who} {what}; its interface asks for {expected}. "
        "Check a component with: pavas plugins check NAME"
    )
