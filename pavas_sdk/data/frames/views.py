"""A frame source seen through another: a window of it, or smaller frames."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.frames.facts import SourceFacts, facts_of, fingerprint
from pavas_sdk.data.timing import hold_index
from pavas_sdk.data.video import Video

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pavas_sdk.data.frames.windows import Window
    from pavas_sdk.data.video import FrameSource

__all__ = ["BoundedSource", "SourceView", "WindowSource", "bounded"]


class SourceView(SourceFacts):
    """A frame source seen through another: all is as in the whole unless overridden.

    Args:
        whole: The source behind.
    """

    def __init__(self, whole: FrameSource) -> None:
        self._whole = whole

    @property
    def source(self) -> str | None:
        """Origin of the video."""
        return self._whole.source

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self._whole.duration_s

    @property
    def frame_rate_hz(self) -> float:
        """Typical frames per second."""
        return self._whole.frame_rate_hz

    @property
    def height(self) -> int:
        """Pixels of the video itself."""
        return self._whole.height

    @property
    def width(self) -> int:
        """Pixels of the video itself."""
        return self._whole.width

    @property
    def time_scale(self) -> float:
        """See `Video.time_scale`."""
        return self._whole.time_scale

    @property
    def start_s(self) -> float:
        """Where in the file time 0 lies, seconds."""
        return facts_of(self._whole).start_s

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the video, in plain words."""
        return facts_of(self._whole).warnings

    @property
    def frame_times_s(self) -> NDArray[np.float64] | None:
        """When each frame appears, (T,) seconds; None when the whole does not tell."""
        return facts_of(self._whole).frame_times_s

    def shown_times_s(self, times_s: ArrayLike, rate_hz: float) -> NDArray[np.float64]:
        """See `SourceFacts.shown_times_s`."""
        return facts_of(self._whole).shown_times_s(times_s, rate_hz)

    def fingerprint(self) -> str:
        """See `pavas_sdk.data.frames.fingerprint`."""
        return fingerprint(self._whole)

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the frames of [start_s, end_s)."""
        return self._whole.read(start_s, end_s, fps=fps, max_side=max_side)

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given times."""
        return self._whole.frames_at(times_s, max_side=max_side)


class WindowSource(SourceView):
    """A window of a frame source as a source of its own: its times start at 0.

    Args:
        source: The whole video.
        window: The stretch of it.
    """

    def __init__(self, source: FrameSource, window: Window) -> None:
        super().__init__(source)
        self._window = window

    @property
    def window(self) -> Window:
        """Where it lies on the clock of the whole video."""
        return self._window

    @property
    def source(self) -> str | None:
        """Origin of the whole video, with the window."""
        whole, window = self._whole.source, self._window
        return None if whole is None else f"{whole}#t={window.start_s:.3f},{window.end_s:.3f}"

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self._window.duration_s

    @property
    def start_s(self) -> float:
        """Where in the file time 0 lies, seconds."""
        return super().start_s + self._window.start_s

    @property
    def frame_times_s(self) -> NDArray[np.float64] | None:
        """When each frame appears, (T,) seconds, the one shown at time 0 at 0."""
        times_s = super().frame_times_s
        if times_s is None or not times_s.size:
            return times_s
        times_s = times_s - self._window.start_s
        times_s = times_s[int(hold_index(times_s, np.zeros(1))[0]) :]
        return np.asarray(np.clip(times_s[times_s < self.duration_s - 1e-6], 0.0, None))

    def shown_times_s(self, times_s: ArrayLike, rate_hz: float) -> NDArray[np.float64]:
        """See `SourceFacts.shown_times_s`."""
        start_s = self._window.start_s
        ticks_s = np.asarray(times_s, dtype=np.float64) + start_s
        return super().shown_times_s(ticks_s, rate_hz) - start_s

    def fingerprint(self) -> str:
        """See `pavas_sdk.data.frames.fingerprint`."""
        text = f"{fingerprint(self._whole)} {self._window.start_s!r} {self._window.end_s!r}"
        return hashlib.sha256(text.encode()).hexdigest()

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the frames of [start_s, end_s) on the window's clock."""
        first = self._window.start_s
        end = self.duration_s if end_s is None else min(end_s, self.duration_s)
        part = self._whole.read(first + start_s, first + end, fps=fps, max_side=max_side)
        return self._shifted(part)

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given times on the window's clock."""
        times = np.asarray(times_s, dtype=np.float64) + self._window.start_s
        return self._shifted(self._whole.frames_at(times, max_side=max_side))

    def _shifted(self, part: Video) -> Video:
        first = self._window.start_s
        return Video(
            frames=part.frames,
            times_s=part.times_s - first,
            source=self.source,
            end_s=None if part.end_s is None else part.end_s - first,
            time_scale=part.time_scale,
        )


def bounded(source: FrameSource, max_side: int) -> tuple[FrameSource, str | None]:
    """Return the source with frames of at most ``max_side`` pixels, and a note when that matters.

    ``height`` and ``width`` stay those of the video, so that "metres per pixel of the video" keeps
    its meaning.
    """
    longest = max(source.height, source.width)
    if longest <= max_side:
        return source, None
    share = max_side / longest
    height, width = round(source.height * share), round(source.width * share)
    return BoundedSource(source, max_side), (
        f"the video has {source.width} x {source.height} pixels; physics was estimated from "
        f"frames of at most {width} x {height} (max_side)"
    )


class BoundedSource(SourceView):
    """A frame source whose frames are never larger than a limit.

    The fingerprint is that of the video: the limit is a setting.

    Args:
        source: The video.
        max_side: Most pixels of the longer side.
    """

    def __init__(self, source: FrameSource, max_side: int) -> None:
        super().__init__(source)
        self._max_side = max_side

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the frames of [start_s, end_s), at most so large."""
        return self._whole.read(start_s, end_s, fps=fps, max_side=self._side(max_side))

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given times, at most so large."""
        return self._whole.frames_at(times_s, max_side=self._side(max_side))

    def _side(self, wanted: int | None) -> int:
        return self._max_side if wanted is None else min(wanted, self._max_side)
