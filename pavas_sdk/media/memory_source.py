"""A video in memory, read like a file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Video
from pavas_sdk.data.frames import SourceFacts
from pavas_sdk.data.timing import grid_times, hold_index
from pavas_sdk.errors import MediaError
from pavas_sdk.media.arguments import (
    checked_number,
    checked_side,
    checked_times,
    checked_window,
)
from pavas_sdk.media.file_facts import MIN_SIDE_PX
from pavas_sdk.media.pixels import shrink

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["MemorySource"]


class MemorySource(SourceFacts):
    """A `Video` in memory as a `pavas_sdk.data.FrameSource`; its first frame is at time 0."""

    def __init__(self, video: Video) -> None:
        """Wrap ``video``; nothing is copied.

        Raises:
            MediaError: A side has fewer than 16 pixels.
        """
        if min(video.height, video.width) < MIN_SIDE_PX:
            raise MediaError(
                f"the video is {video.width} x {video.height} pixels; at least "
                f"{MIN_SIDE_PX} x {MIN_SIDE_PX} are needed to see anything move"
            )
        self._video = video
        self._times_s = video.times_s - video.times_s[0]

    @property
    def source(self) -> str | None:
        """Where the video came from, or None."""
        return self._video.source

    @property
    def duration_s(self) -> float:
        """Seconds, to the end of the last frame."""
        return self._video.duration_s

    @property
    def frame_rate_hz(self) -> float:
        """Frames per second, from the median time between frames."""
        return self._video.fps

    @property
    def height(self) -> int:
        """Pixels."""
        return self._video.height

    @property
    def width(self) -> int:
        """Pixels."""
        return self._video.width

    @property
    def time_scale(self) -> float:
        """How many times slower than life the video plays."""
        return self._video.time_scale

    @property
    def frame_times_s(self) -> NDArray[np.float64]:
        """Times at which frames appear, (T,)."""
        return np.array(self._times_s, dtype=np.float64)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the video, in plain words."""
        if len(self._video) == 1:
            return ("only one frame: a still picture, nothing can be seen to move",)
        return ()

    def fingerprint(self) -> str:
        """Return a SHA-256 of the frames and their times, as hexadecimal digits."""
        video = self._video
        digest = hashlib.sha256(json.dumps([video.frames.shape, video.duration_s]).encode())
        digest.update(self._times_s.tobytes())
        digest.update(np.ascontiguousarray(video.frames).data)
        return digest.hexdigest()

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the frames that appear in [start_s, end_s), or a grid of them at ``fps``.

        When none appears within the window, the one shown then is returned, at ``start_s``.

        Raises:
            InputError: An empty window, or one that begins behind the end.
        """
        start, end = checked_window(start_s, end_s, self.duration_s)
        if fps is not None:
            times = start + grid_times(end - start, checked_number("fps", fps, above=0.0))
            return self.frames_at(times, max_side=max_side)
        inside = np.flatnonzero((self._times_s >= start - 1e-6) & (self._times_s < end - 1e-6))
        times = self._times_s[inside]
        if inside.size == 0:
            inside, times = hold_index(self._times_s, np.asarray([start])), np.asarray([start])
        return self._pick(inside, times, end, max_side)

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given increasing times, (N,) seconds.

        Raises:
            InputError: The times are empty, not finite or do not increase.
        """
        times = checked_times(times_s)
        step = float(np.median(np.diff(times))) if times.size > 1 else 1.0 / self.frame_rate_hz
        return self._pick(
            hold_index(self._times_s, times), times, float(times[-1]) + step, max_side
        )

    def _pick(
        self,
        index: NDArray[np.int64],
        times: NDArray[np.float64],
        end_s: float,
        max_side: int | None,
    ) -> Video:
        needed, position = np.unique(index, return_inverse=True)
        whole = needed.size == len(self._video)
        frames = shrink(
            self._video.frames if whole else self._video.frames[needed], checked_side(max_side)
        )
        return Video(
            frames=frames if needed.size == index.size else frames[position],
            times_s=times,
            source=self.source,
            end_s=end_s,
            time_scale=self.time_scale,
        )
