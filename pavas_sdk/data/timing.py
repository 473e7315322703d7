"""The one place that moves a per-frame signal to another time grid.

Times are float64 seconds on the video's clock. Frame indices never cross a boundary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["grid_times", "hold_index", "mid_times", "nearest_exact_index", "nearest_index"]


def grid_times(duration_s: float, rate_hz: float) -> NDArray[np.float64]:
    """Return k / rate for every k with k / rate < duration, shape (ceil(duration * rate),).

    A tolerance of 1e-6 frames keeps 8.0 s at 25 Hz at 200 entries whatever the rounding. At
    least one entry is returned.
    """
    count = max(1, int(np.ceil(duration_s * rate_hz - 1e-6)))
    return np.arange(count, dtype=np.float64) / rate_hz


def mid_times(times_s: ArrayLike) -> NDArray[np.float64]:
    """Return the middles between neighbouring times, shape (T - 1,)."""
    times = np.asarray(times_s, dtype=np.float64)
    return 0.5 * (times[1:] + times[:-1])


def nearest_index(source_times_s: ArrayLike, target_times_s: ArrayLike) -> NDArray[np.int64]:
    """Return for each target time the index of the nearest source time, shape (N,).

    Ties go to the later one ("nearest-exact" when both grids are uniform).

    Args:
        source_times_s: Increasing times, shape (L,), at least one.
        target_times_s: Any times, shape (N,).

    Raises:
        InputError: ``source_times_s`` is empty.
    """
    source = np.asarray(source_times_s, dtype=np.float64)
    target = np.asarray(target_times_s, dtype=np.float64)
    if source.size == 0:
        raise InputError("cannot resample a signal without samples")
    right = np.searchsorted(0.5 * (source[1:] + source[:-1]), target, side="right")
    return np.asarray(right, dtype=np.int64)


def hold_index(source_times_s: ArrayLike, target_times_s: ArrayLike) -> NDArray[np.int64]:
    """Return for each target the last source at or before it (the first one if none is).

    This is how a display shows a video; a tolerance of 1e-6 s absorbs time-base rounding.
    """
    source = np.asarray(source_times_s, dtype=np.float64)
    target = np.asarray(target_times_s, dtype=np.float64)
    if source.size == 0:
        raise InputError("cannot sample a video without frames")
    index = np.searchsorted(source, target + 1e-6, side="right") - 1
    return np.asarray(np.clip(index, 0, source.size - 1), dtype=np.int64)


def nearest_exact_index(source_length: int, target_length: int) -> NDArray[np.int64]:
    """Return floor((i + 0.5) * source / target) computed in float32, shape (target_length,).

    float32 is part of the definition: torch's ``nearest-exact`` interpolation uses it, and in
    float64 some ties fall the other way (192 -> 345: positions 57 and 172).
    """
    ratio = np.float32(np.float32(source_length) / np.float32(target_length))
    position = (np.arange(target_length, dtype=np.float32) + np.float32(0.5)) * ratio
    index = np.floor(position).astype(np.int64)
    return np.minimum(index, source_length - 1)


def resample(
    values: NDArray[Any], source_times_s: ArrayLike, target_times_s: ArrayLike
) -> NDArray[Any]:
    """Return ``values`` (L, ...) at the target times, nearest in time, shape (N, ...).

    Nearest rather than linear: a missing value (NaN) stays where it is, and an abrupt change of
    speed stays abrupt.
    """
    return values[nearest_index(source_times_s, target_times_s)]
