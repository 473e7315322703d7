"""A long clip as overlapping windows, so that memory does not grow with its length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pavas_sdk.errors import ConfigurationError, InputError

__all__ = ["Window", "plan_windows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of a clip.

    Attributes:
        start_s: Where it begins on the clip's clock, seconds.
        end_s: Where it ends; behind ``start_s``.
    """

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: It is empty, or not finite.
        """
        if not -np.inf < self.start_s < self.end_s < np.inf:
            raise InputError(
                f"a window must end behind its beginning, got {self.start_s} to {self.end_s} s"
            )

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self.end_s - self.start_s


def plan_windows(
    duration_s: float,
    *,
    window_s: float,
    overlap_s: float,
    stretch: float = 1.5,
    grid_hz: float | None = None,
) -> tuple[Window, ...]:
    """Cover [0, duration] with windows whose neighbours share ``overlap_s`` or more.

    Without a grid the windows follow each other at equal steps, the last one is shorter, and one
    shorter than a quarter of a window joins its neighbour. On a grid all windows are equally long
    and evenly spread, and each begins at a whole number of ticks (which may cost one tick of the
    overlap).

    Args:
        duration_s: Seconds of the whole clip, above 0.
        window_s: Seconds of a window.
        overlap_s: Seconds that neighbours share at least, in [0, window).
        stretch: A clip up to so many windows long is one window, 1 or more.
        grid_hz: Ticks per second, of which ``duration_s``, ``window_s`` and ``overlap_s`` are
            whole numbers; None for no grid.

    Raises:
        ConfigurationError: The overlap is not smaller than the window.
        InputError: The clip has no length.
    """
    if not 0 <= overlap_s < window_s:
        raise ConfigurationError(
            f"windows of {window_s:g} s cannot overlap by {overlap_s:g} s; choose overlap_s below "
            "window_s"
        )
    if duration_s <= stretch * window_s:
        return (Window(start_s=0.0, end_s=duration_s),)
    if grid_hz is not None:
        return _evenly_spread(duration_s, window_s, overlap_s, grid_hz)
    step_s = window_s - overlap_s
    count = int(np.ceil((duration_s - overlap_s) / step_s - 1e-9))
    starts = [index * step_s for index in range(count)]
    if duration_s - starts[-1] < 0.25 * window_s:  # a crumb joins its neighbour
        starts.pop()
    ends = [*(start + window_s for start in starts[:-1]), duration_s]
    return tuple(Window(start_s=start, end_s=end) for start, end in zip(starts, ends, strict=True))


def _evenly_spread(
    duration_s: float, window_s: float, overlap_s: float, grid_hz: float
) -> tuple[Window, ...]:
    total, window, overlap = (round(value * grid_hz) for value in (duration_s, window_s, overlap_s))
    count = int(np.ceil((total - window) / (window - overlap))) + 1
    starts = np.round(np.linspace(0, total - window, count)) / grid_hz
    return tuple(
        Window(start_s=start, end_s=start + window_s) for start in (float(s) for s in starts)
    )
