"""A few decoded windows, so that several readers of one window decode it once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.data.timing import hold_index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import Video

__all__ = ["ReadRequest", "WindowCache"]

_TOLERANCE_S = 1e-6
_MOST_WINDOWS = 8
# Windows farther than this from the one that was read last are the past of a long video.
_REACH_S = 8.0


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What was asked for: every frame of an interval, or the frames at given times.

    Attributes:
        max_side: Pixels, or None.
        start_s: Seconds.
        end_s: Seconds.
        times: The bytes of the times; None for every frame.
    """

    max_side: int | None
    start_s: float
    end_s: float
    times: bytes | None = None


class WindowCache:
    """Least recently used windows are forgotten beyond ``limit_bytes`` or eight windows.

    What is shared is the stretch being worked on: its readers ask for a few grids of times each. A
    long video read window by window must not fill memory with its past, so windows more than 8 s
    away from a new one are forgotten, too.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Start empty."""
        self._limit_bytes = limit_bytes
        self._windows: OrderedDict[ReadRequest, Video] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """Bytes of pictures held."""
        return sum(video.frames.nbytes for video in self._windows.values())

    def get(self, request: ReadRequest) -> Video | None:
        """Return the frames asked for if they are held."""
        if request not in self._windows:
            return None
        self._windows.move_to_end(request)
        return self._windows[request]

    def put(self, request: ReadRequest, video: Video) -> None:
        """Keep ``video``; one that is larger than the limit is not kept."""
        if video.frames.nbytes > self._limit_bytes:
            return
        near = (request.start_s - _REACH_S, request.end_s + _REACH_S)
        for held in [w for w in self._windows if w.end_s < near[0] or w.start_s > near[1]]:
            del self._windows[held]
        self._windows[request] = video
        while self.held_bytes > self._limit_bytes or len(self._windows) > _MOST_WINDOWS:
            self._windows.popitem(last=False)

    def shown_at(
        self, times_s: NDArray[np.float64], max_side: int | None, duration_s: float
    ) -> NDArray[np.uint8] | None:
        """Return the frames shown at ``times_s`` when a held window of every frame covers them."""
        first, last = float(times_s[0]), float(times_s[-1])
        for window, video in self._windows.items():
            if window.times is not None or window.max_side != max_side:
                continue
            begins = window.start_s == 0.0 or video.times_s[0] <= first + _TOLERANCE_S
            ends = window.end_s >= duration_s or last < window.end_s - 2 * _TOLERANCE_S
            if begins and ends:
                self._windows.move_to_end(window)
                picked: NDArray[np.uint8] = video.frames[hold_index(video.times_s, times_s)]
                return picked
        return None

    def clear(self) -> None:
        """Forget everything."""
        self._windows.clear()
