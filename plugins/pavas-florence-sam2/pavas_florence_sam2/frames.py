"""The video as windows of frames, read when their turn comes, never whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource

__all__ = ["FrameWindow", "FrameWindows", "grounding_times"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameWindow:
    """Neighbouring frames of a video.

    Attributes:
        frames: uint8, (N, H, W, 3).
        times_s: float64, (N,).
    """

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]

    def index_at(self, time_s: float) -> int:
        """Return the frame that is shown at a time, the first one before that."""
        return max(0, int(np.searchsorted(self.times_s, time_s + 1e-6, side="right")) - 1)


class FrameWindows:
    """Reads the windows of a video, each when its turn comes.

    Args:
        video: The clip.
        window_frames: About so many frames per window.
        max_rate_hz: Frames per second, at most; a faster video is sampled on a grid.
        max_side: Longer side of the frames in pixels, at most.
    """

    def __init__(
        self, video: FrameSource, *, window_frames: int, max_rate_hz: float, max_side: int
    ) -> None:
        self._video = video
        self._max_side = max_side
        rate = video.frame_rate_hz
        self._fps = None if rate <= 1.02 * max_rate_hz else max_rate_hz
        self._window_s = window_frames / (self._fps or rate)
        self.count = max(1, math.ceil(video.duration_s / self._window_s - 1e-6))

    def read(self, index: int) -> FrameWindow:
        """Return a window. Read again it is the same."""
        start_s = index * self._window_s
        end_s = min((index + 1) * self._window_s, self._video.duration_s)
        part = self._video.read(start_s, end_s, fps=self._fps, max_side=self._max_side)
        return FrameWindow(frames=part.frames, times_s=part.times_s)

    def forwards(self) -> Iterator[tuple[int, FrameWindow]]:
        """Yield every window with its number."""
        for index in range(self.count):
            yield index, self.read(index)

    def holding(self, time_s: float) -> int:
        """Return the number of the window in which a time lies."""
        return min(self.count - 1, max(0, math.floor(time_s / self._window_s + 1e-9)))


def grounding_times(duration_s: float, frame_rate_hz: float, count: int) -> list[float]:
    """Return when to look for objects: first the start, then the end, then ever finer between.

    Args:
        duration_s: Of the clip.
        frame_rate_hz: Of the video; two times are never the same frame.
        count: How many times, at most.
    """
    last_s = max(0.0, duration_s - 1.0 / frame_rate_hz)
    count = min(count, 1 + math.floor(last_s * frame_rate_hz + 1e-6))
    even = [last_s * k / (count - 1) for k in range(count)] if count > 1 else [0.0]
    order = [0]
    while len(order) < count:
        # the one farthest from all that are chosen
        left = [k for k in range(count) if k not in order]
        order.append(max(left, key=lambda k: (min(abs(k - other) for other in order), -k)))
    return [even[k] for k in order]
