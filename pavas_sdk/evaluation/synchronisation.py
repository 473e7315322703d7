"""DeSync: how far sound and picture are apart in time, as Synchformer hears and sees it.

Conventions
-----------
Video at 25 frames per second in segments of 16 frames every 8, sound at 16 kHz in segments of 10240
samples every 5120. The first 14 segments of both and the last 14 are each compared: 21 logits for
offsets from -2 to 2 s. The largest is taken (no expectation), and DeSync is the mean absolute
offset over clips and both windows, seconds: 0 is best, 2 the worst that can be seen.

A clip below 4.8 s has fewer than 14 segments and cannot be compared. Silence has some largest logit
too, so a silent clip gets an arbitrary value: count silent clips beside this metric.

Source: Viertola et al. 2024 (the metric), Iashin et al. 2024 (Synchformer), as MMAudio's tool
computes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "SEGMENTS_COMPARED",
    "SyncWindows",
    "desync",
    "offset_grid_s",
    "offsets_s",
    "sync_windows",
]

SEGMENTS_COMPARED = 14
CLASSES = 21
LARGEST_S = 2.0
FRAME_RATE_HZ, SEGMENT_FRAMES, STEP_FRAMES = 25, 16, 8
SAMPLE_RATE_HZ, SEGMENT_SAMPLES, STEP_SAMPLES = 16000, 10240, 5120


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncWindows:
    """What is compared of a clip.

    Attributes:
        video_frames: Frames at 25 per second.
        audio_samples: Samples at 16 kHz.
        video_segments: Whole segments of 0.64 s, every 0.32 s.
        audio_segments: The same of the sound.
        first: Segments (start, end) of the first window.
        last: Of the last window.
        comparable: Whether there are 14 segments of both.
    """

    video_frames: int
    audio_samples: int
    video_segments: int
    audio_segments: int
    first: tuple[int, int]
    last: tuple[int, int]
    comparable: bool


def sync_windows(length_s: float) -> SyncWindows:
    """Return which segments of a clip of ``length_s`` seconds are compared."""
    frames, samples = int(FRAME_RATE_HZ * length_s), int(SAMPLE_RATE_HZ * length_s)
    video = max(0, (frames - SEGMENT_FRAMES) // STEP_FRAMES + 1)
    audio = max(0, (samples - SEGMENT_SAMPLES) // STEP_SAMPLES + 1)
    segments = min(video, audio)
    compared = min(SEGMENTS_COMPARED, segments)
    return SyncWindows(
        video_frames=frames,
        audio_samples=samples,
        video_segments=video,
        audio_segments=audio,
        first=(0, compared),
        last=(segments - compared, segments),
        comparable=segments >= SEGMENTS_COMPARED,
    )


def offset_grid_s(classes: int = CLASSES) -> NDArray[np.float64]:
    """Return the offsets that the logits stand for, (classes,), seconds."""
    return np.linspace(-LARGEST_S, LARGEST_S, classes)


def offsets_s(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the most likely offsets, seconds; the last axis of ``logits`` is gone.

    Raises:
        InputError: No classes, or logits that are not finite.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim < 1 or values.shape[-1] < 2 or not np.isfinite(values).all():
        raise InputError(f"expected finite logits (..., classes), got shape {values.shape}")
    return np.asarray(offset_grid_s(values.shape[-1])[values.argmax(axis=-1)])


def desync(logits: ArrayLike) -> float:
    """Return the mean absolute offset over clips and windows, seconds; lower is better.

    Args:
        logits: Synchformer's comparison of the first and the last window of every clip,
            (clips, windows, classes).

    Raises:
        InputError: Another shape, no clips, or logits that are not finite.
    """
    values = np.asarray(logits)
    if values.ndim != 3 or not values.size:
        raise InputError(f"logits have shape {values.shape}, expected (clips, windows, classes)")
    return float(np.abs(offsets_s(values)).mean())
