"""A long video as overlapping windows, so that memory does not grow with its length."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Video
from pavas_sdk.data.frames.facts import fingerprint
from pavas_sdk.data.frames.source_view import SourceView

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pavas_sdk.data import FrameSource

__all__ = ["WindowSource", "plan_windows"]


def plan_windows(duration_s: float, window_s: float, overlap_s: float) -> list[tuple[float, float]]:
    """Return windows (start, end) in seconds that cover [0, duration].

    A video up to a window and a half long is one window. Neighbours overlap by ``overlap_s``.
    """
    if duration_s <= 1.5 * window_s:
        return [(0.0, duration_s)]
    step = window_s - overlap_s
    count = int(np.ceil((duration_s - overlap_s) / step - 1e-9))
    windows = [(k * step, min(k * step + window_s, duration_s)) for k in range(count)]
    start, end = windows[-1]
    if end - start < 0.25 * window_s:  # a crumb joins its neighbour
        windows.pop()
        windows[-1] = (windows[-1][0], duration_s)
    return windows


class WindowSource(SourceView):
    """A window of a frame source as a source of its own: its times start at 0.

    Args:
        source: The whole video.
        start_s: Where the window starts on the whole video's clock.
        end_s: Where it ends.
    """

    def __init__(self, source: FrameSource, start_s: float, end_s: float) -> None:
        super().__init__(source)
        self.start_s = start_s
        self.end_s = end_s

    @property
    def source(self) -> str | None:
        """Origin of the whole video, with the window."""
        whole = self._whole.source
        return None if whole is None else f"{whole}#t={self.start_s:.3f},{self.end_s:.3f}"

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self.end_s - self.start_s

    def fingerprint(self) -> str:
        """See `pavas_sdk.data.frames.facts.fingerprint`."""
        whole = fingerprint(self._whole)
        return hashlib.sha256(f"{whole} {self.start_s!r} {self.end_s!r}".encode()).hexdigest()

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the frames of [start_s, end_s) on the window's clock."""
        end = self.duration_s if end_s is None else min(end_s, self.duration_s)
        part = self._whole.read(
            self.start_s + start_s, self.start_s + end, fps=fps, max_side=max_side
        )
        return self._shifted(part)

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given times on the window's clock."""
        times = np.asarray(times_s, dtype=np.float64) + self.start_s
        return self._shifted(self._whole.frames_at(times, max_side=max_side))

    def _shifted(self, part: Video) -> Video:
        return Video(
            frames=part.frames,
            times_s=part.times_s - self.start_s,
            source=self.source,
            end_s=None if part.end_s is None else part.end_s - self.start_s,
            time_scale=part.time_scale,
        )
