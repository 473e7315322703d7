"""The frames that the MMAudio reference would show: its accumulating clock, as an explicit mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.frames.facts import facts_of
from pavas_sdk.data.frames.views import WindowSource
from pavas_sdk.data.frames.windows import Window
from pavas_sdk.data.timing import reference_clip, reference_frame_clock
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pavas_sdk.data.video import FrameSource

__all__ = ["FRAME_SAMPLING", "ReferenceClockSource"]

FRAME_SAMPLING = ("timestamps", "reference")
"""How frames are picked: as shown at their time (default), or as the MMAudio reference does."""


class ReferenceClockSource(WindowSource):
    """A video sampled by the reference's clock, and shortened to what the clock covers.

    A 25 fps file of exactly 8 s loses its last frame and becomes 7.96 s long.

    Args:
        source: The whole video; it must tell when each frame appears (`SourceFacts`).
        end_s: Requested end, seconds.

    Raises:
        ConfigurationError: The source does not tell its frames' times.
    """

    def __init__(self, source: FrameSource, end_s: float) -> None:
        times_s = facts_of(source).frame_times_s
        if times_s is None:
            raise ConfigurationError(
                "frame_sampling='reference' needs the time of every frame, which "
                f"{type(source).__name__} does not tell (pavas_sdk.data.SourceFacts); give a path "
                "or a pavas_sdk.data.Video, or use frame_sampling='timestamps'"
            )
        self._clock_times_s = np.asarray(times_s, dtype=np.float64)
        self._requested_s = end_s
        end_s = reference_clip(self._clock_times_s, end_s).duration_s
        super().__init__(source, Window(start_s=0.0, end_s=end_s))

    def shown_times_s(self, times_s: ArrayLike, rate_hz: float) -> NDArray[np.float64]:
        """Return when the frame appears that is shown at each tick k / rate_hz, (T,).

        Behind the last tick of the clock its last frame stays.
        """
        shown = reference_frame_clock(self._clock_times_s, rate_hz, self._requested_s)
        ticks = np.rint(np.asarray(times_s, dtype=np.float64) * rate_hz).astype(np.int64)
        return np.asarray(self._clock_times_s[shown[np.minimum(ticks, shown.size - 1)]])
