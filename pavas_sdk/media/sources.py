"""Anything that delivers frames, from whatever the user has."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import FrameSource, Video
from pavas_sdk.data.timing import grid_times, hold_index
from pavas_sdk.errors import InputError, MediaError
from pavas_sdk.media.pixels import shrink
from pavas_sdk.media.video_file import MIN_SIDE_PX, open_video

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["MemorySource", "as_source"]


class MemorySource:
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
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the video, in plain words."""
        if len(self._video) == 1:
            return ("only one frame: a still picture, nothing can be seen to move",)
        return ()

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
        end = self.duration_s if end_s is None else min(float(end_s), self.duration_s)
        if not (math.isfinite(start_s) and 0.0 <= start_s < end):
            raise InputError(
                f"nothing to read between {start_s} and {end_s} s: the video has "
                f"{self.duration_s:.3f} s; expected 0 <= start_s < end_s"
            )
        if fps is not None:
            if not (math.isfinite(fps) and fps > 0):
                raise InputError(f"fps must be a finite number above 0, got {fps!r}")
            return self.frames_at(start_s + grid_times(end - start_s, fps), max_side=max_side)
        inside = np.flatnonzero((self._times_s >= start_s - 1e-6) & (self._times_s < end - 1e-6))
        times = self._times_s[inside]
        if inside.size == 0:
            inside, times = hold_index(self._times_s, np.asarray([start_s])), np.asarray([start_s])
        return self._pick(inside, times, end, max_side)

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given increasing times, (N,) seconds.

        Raises:
            InputError: The times are empty, not finite or do not increase.
        """
        times = np.array(times_s, dtype=np.float64)
        if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all():
            raise InputError(f"times_s must be finite seconds, shape (N,), got {times_s!r:.80}")
        step = float(np.median(np.diff(times))) if times.size > 1 else 1.0 / self.frame_rate_hz
        return self._pick(
            hold_index(self._times_s, times), times, float(times[-1]) + step, max_side
        )

    def _pick(
        self, index: np.ndarray, times: np.ndarray, end_s: float, max_side: int | None
    ) -> Video:
        if max_side is not None and (int(max_side) != max_side or max_side < 1):
            raise InputError(f"max_side must be a whole number of pixels >= 1, got {max_side!r}")
        needed, position = np.unique(index, return_inverse=True)
        whole = needed.size == len(self._video)
        frames = shrink(self._video.frames if whole else self._video.frames[needed], max_side)
        return Video(
            frames=frames if needed.size == index.size else frames[position],
            times_s=times,
            source=self.source,
            end_s=end_s,
            time_scale=self.time_scale,
        )


def as_source(video: str | Path | Video | FrameSource) -> FrameSource:
    """Return a frame source for a path, a `Video`, or a frame source (returned as it is).

    Raises:
        InputError: Something else was given.
        MediaError: See `open_video` and `MemorySource`.
    """
    if isinstance(video, (str, Path)):
        return open_video(video)
    if isinstance(video, Video):
        return MemorySource(video)
    if isinstance(video, FrameSource):
        return video
    raise InputError(
        f"cannot read frames from {type(video).__name__}; expected a path, a pavas_sdk.data.Video "
        "or an object with read() and frames_at() (pavas_sdk.data.FrameSource)"
    )
