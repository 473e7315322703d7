"""The frames that a model is shown, with their true times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource

__all__ = ["Clip", "sample_clip"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """Frames evenly spread over a clip.

    Attributes:
        frames: uint8, (N, H, W, 3).
        times_s: float64, (N,), when each is shown, on the video's clock.
        fps: Frames per second of these frames: one over the time between two.
        duration_s: Of the whole clip.
        time_scale: How many times slower than life the video plays.
    """

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    fps: float
    duration_s: float
    time_scale: float

    @property
    def slow_motion(self) -> str:
        """A sentence for the prompt; empty at normal speed."""
        if self.time_scale == 1.0:
            return ""
        return (
            f" It is slow motion: everything happens {self.time_scale:g} times slower than in "
            "reality."
        )


def sample_clip(video: FrameSource, *, fps: float, max_frames: int, max_pixels: int) -> Clip:
    """Read the frames that a model is shown.

    Each stands for an equal part of the clip and is taken from the middle of it, so that the time
    between two is the same whatever the video's own frame times are.

    Args:
        video: The clip.
        fps: Frames per second, at most.
        max_frames: How many, at most.
        max_pixels: Pixels of a frame, at most; larger ones are shrunk while reading.
    """
    count = int(np.clip(round(video.duration_s * fps), 1, max_frames))
    if count > 1:
        count -= count % 2  # the model takes frames in pairs
    step_s = video.duration_s / count
    times = (np.arange(count, dtype=np.float64) + 0.5) * step_s
    pixels = video.height * video.width
    longer = max(video.height, video.width)
    side = math.floor(longer * math.sqrt(max_pixels / pixels)) if pixels > max_pixels else None
    shown = video.frames_at(times, max_side=side)
    return Clip(
        frames=shown.frames,
        times_s=shown.times_s,
        fps=1.0 / step_s,
        duration_s=video.duration_s,
        time_scale=video.time_scale,
    )
