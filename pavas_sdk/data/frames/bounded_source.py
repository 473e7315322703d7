"""A very large video, shown to the slots in a size that fits into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.data.frames.facts import fingerprint
from pavas_sdk.data.frames.source_view import SourceView

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pavas_sdk.data import FrameSource, Video

__all__ = ["BoundedSource", "bounded"]


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

    Args:
        source: The video.
        max_side: Most pixels of the longer side.
    """

    def __init__(self, source: FrameSource, max_side: int) -> None:
        super().__init__(source)
        self._max_side = max_side

    def fingerprint(self) -> str:
        """See `pavas_sdk.data.frames.facts.fingerprint`; the limit is a setting, not the video."""
        return fingerprint(self._whole)

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
