"""The one place that moves a per-frame signal to another time grid.

Times are float64 seconds on the video's clock. Frame indices never cross a boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data._validation import positive
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ReferenceClip",
    "grid_times",
    "hold_index",
    "mid_times",
    "nearest_exact_index",
    "nearest_index",
    "reference_clip",
    "reference_frame_clock",
]


def grid_times(duration_s: float, rate_hz: float) -> NDArray[np.float64]:
    """Return k / rate for every k with k / rate < duration, shape (ceil(duration * rate),).

    A tolerance of 1e-6 frames keeps 8.0 s at 25 Hz at 200 entries whatever the rounding. At
    least one entry is returned.

    Raises:
        InputError: The duration is not finite, or the rate not finite and above 0.
    """
    rate_hz = positive("rate_hz", rate_hz)
    if not np.isfinite(duration_s):
        raise InputError(f"duration_s must be finite, got {duration_s}")
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

    Raises:
        InputError: ``source_times_s`` is empty.
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

    Raises:
        InputError: ``source_length`` is below 1.
    """
    if source_length < 1:
        raise InputError("cannot resample a signal without samples")
    ratio = np.float32(np.float32(source_length) / np.float32(target_length))
    position = (np.arange(target_length, dtype=np.float32) + np.float32(0.5)) * ratio
    index = np.floor(position).astype(np.int64)
    return np.asarray(np.minimum(index, source_length - 1), dtype=np.int64)


def reference_frame_clock(
    frame_times_s: ArrayLike, rate_hz: float, end_s: float
) -> NDArray[np.int64]:
    """Return which source frame the MMAudio reference shows at each tick of ``rate_hz``.

    Every tick takes the first frame at or after it, never the nearest. The clock advances by
    repeated addition of 1 / rate, whose rounding is part of the definition: at 25 Hz a source of
    25 frames per second runs one frame late after 0.7 s.

    Args:
        frame_times_s: Presentation times in display order, (T,). Frames before 0 and after
            ``end_s`` do not count; one exactly at ``end_s`` does.
        rate_hz: Ticks per second.
        end_s: Requested end, seconds.

    Returns:
        Indices into ``frame_times_s``, one per tick up to the last frame.

    Raises:
        InputError: ``rate_hz`` is not positive.
    """
    if not rate_hz > 0:
        raise InputError(f"rate_hz must be positive, got {rate_hz}")
    period = 1.0 / rate_hz
    tick = 0.0
    shown: list[int] = []
    for index, time in enumerate(np.asarray(frame_times_s, dtype=np.float64).tolist()):
        if not 0 <= time <= end_s:
            continue
        while time >= tick:
            shown.append(index)
            tick += period
    return np.asarray(shown, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceClip:
    """What the MMAudio reference keeps of a video.

    Attributes:
        duration_s: Requested end, shortened to what both frame rates cover.
        clip_index: Source frames for the visual encoder, 8 per second.
        sync_index: Source frames for the synchronisation encoder, 25 per second.
    """

    duration_s: float
    clip_index: NDArray[np.int64]
    sync_index: NDArray[np.int64]


def reference_clip(
    frame_times_s: ArrayLike,
    end_s: float,
    *,
    clip_rate_hz: float = 8.0,
    sync_rate_hz: float = 25.0,
) -> ReferenceClip:
    """Sample a video as the MMAudio reference does, and cut both rates to one duration.

    The counts are truncated products in double precision, so that a clip may lose one more frame
    than it must (29 frames at 25 Hz keep 28): lengths then agree with the reference.

    Args:
        frame_times_s: Presentation times in display order, (T,).
        end_s: Requested end, seconds.
        clip_rate_hz: Rate of the visual encoder.
        sync_rate_hz: Rate of the synchronisation encoder.
    """
    clip = reference_frame_clock(frame_times_s, clip_rate_hz, end_s)
    sync = reference_frame_clock(frame_times_s, sync_rate_hz, end_s)
    duration_s = min(float(end_s), clip.size / clip_rate_hz, sync.size / sync_rate_hz)
    return ReferenceClip(
        duration_s=duration_s,
        clip_index=clip[: int(clip_rate_hz * duration_s)],
        sync_index=sync[: int(sync_rate_hz * duration_s)],
    )
