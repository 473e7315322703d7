"""Video: frames and their times; FrameSource: anything that delivers them window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from pavas_sdk.data._validation import frozen_array, increasing_times, positive
from pavas_sdk.data.timing import grid_times, hold_index
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["FrameSource", "Video", "checked_time_scale"]


_TIME_SCALES = (1e-3, 1e6)  # a thousandfold time lapse, the fastest cameras


def checked_time_scale(value: float, name: str = "time_scale") -> float:
    """Return how many times slower than life a video plays.

    Raises:
        InputError: It is no number, or nothing that a camera does.
    """
    least, most = _TIME_SCALES
    number = positive(name, value)
    if not least <= number <= most:
        raise InputError(f"{name} must be from {least:g} to {most:g}, got {value!r}")
    return number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Video:
    """Frames in memory.

    Attributes:
        frames: uint8, (T, H, W, 3), RGB.
        times_s: float64, (T,), seconds, strictly increasing: when each frame appears.
        source: Where it came from (a path), or None.
        end_s: When the last frame disappears; by default one median frame time after it appears.
        time_scale: How many times slower than life the video plays (slow motion shot at four
            times the rate: 4). Times stay on the video's clock; speeds are multiplied by it.
    """

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    source: str | None = None
    end_s: float | None = None
    time_scale: float = 1.0

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: Wrong shapes or types, no frames, times not increasing.
        """
        if np.asarray(self.frames).dtype != np.uint8:
            raise InputError(
                f"frames must be uint8 RGB (T, H, W, 3), got {np.asarray(self.frames).dtype}"
            )
        frames = frozen_array("frames", self.frames, np.uint8, (None, None, None, 3))
        if frames.shape[0] == 0:
            raise InputError("a Video needs at least one frame, got 0")
        times = increasing_times("times_s", self.times_s, length=frames.shape[0])
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "times_s", times)
        object.__setattr__(self, "time_scale", checked_time_scale(self.time_scale))
        if self.end_s is None:
            step = float(np.median(np.diff(times))) if times.size > 1 else 1.0 / 25.0
            object.__setattr__(self, "end_s", float(times[-1]) + step)
        elif not float(times[-1]) < self.end_s < float("inf"):
            raise InputError(
                f"end_s must be finite and after the last frame at {times[-1]} s, got {self.end_s}"
            )

    def __repr__(self) -> str:
        origin = "" if self.source is None else f", from {self.source}"
        return (
            f"Video({len(self)} frames, {self.duration_s:.2f} s, {self.width} x {self.height}, "
            f"{self.fps:.3g} frames/s{origin})"
        )

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame's time to ``end_s``."""
        assert self.end_s is not None
        return self.end_s - float(self.times_s[0])

    @property
    def fps(self) -> float:
        """Frames per second, from the median frame interval."""
        if self.times_s.size < 2:
            return 1.0 / max(self.duration_s, 1e-9)
        return 1.0 / float(np.median(np.diff(self.times_s)))

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.frames.shape[1])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.frames.shape[2])

    def __len__(self) -> int:
        return int(self.frames.shape[0])

    def at_times(self, times_s: ArrayLike) -> Video:
        """Return the frames shown at ``times_s`` (strictly increasing seconds), held.

        Raises:
            InputError: The times do not increase.
        """
        times = increasing_times("times_s", times_s)
        step = float(np.median(np.diff(times))) if times.size > 1 else 1.0 / self.fps
        return Video(
            frames=self.frames[hold_index(self.times_s, times)],
            times_s=times,
            source=self.source,
            end_s=float(times[-1]) + step,
            time_scale=self.time_scale,
        )

    def at_fps(self, fps: float) -> Video:
        """Return the video resampled to ``fps`` frames per second over its whole duration."""
        times = grid_times(self.duration_s, positive("fps", fps)) + float(self.times_s[0])
        return self.at_times(times)

    def clip(self, start_s: float, end_s: float) -> Video:
        """Return the frames that appear within [start_s, end_s), times unchanged.

        Raises:
            InputError: No frame lies in the interval.
        """
        keep = (self.times_s >= start_s - 1e-9) & (self.times_s < end_s - 1e-9)
        if not keep.any():
            raise InputError(
                f"no frame between {start_s} and {end_s} s; the video spans "
                f"{self.times_s[0]:.3f} to {self.end_s:.3f} s"
            )
        assert self.end_s is not None
        return Video(
            frames=self.frames[keep],
            times_s=self.times_s[keep],
            source=self.source,
            end_s=min(end_s, self.end_s),
            time_scale=self.time_scale,
        )


@runtime_checkable
class FrameSource(Protocol):
    """Delivers frames window by window, so that a long video never lies in memory whole.

    Times start at 0 with the first frame. Implemented by ``pavas_sdk.media``. What a source may
    tell beside its frames: `SourceFacts`.
    """

    @property
    def source(self) -> str | None:
        """Path or other origin."""

    @property
    def duration_s(self) -> float:
        """Seconds, to the end of the last frame."""

    @property
    def frame_rate_hz(self) -> float:
        """Typical (median) frames per second."""

    @property
    def height(self) -> int:
        """Pixels, after rotation."""

    @property
    def width(self) -> int:
        """Pixels, after rotation."""

    @property
    def time_scale(self) -> float:
        """See `Video.time_scale`."""

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the window [start_s, end_s): native frames, or held at ``fps``.

        ``max_side`` bounds the longer side in pixels (aspect kept, never enlarged).
        """

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given increasing times."""
