"""What the views of a frame source share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pavas_sdk.data import FrameSource

__all__ = ["SourceView"]


class SourceView:
    """A frame source seen through another; facts are those of the whole unless overridden.

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
