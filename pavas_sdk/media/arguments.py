"""Checks of arguments that every frame source shares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["checked_number", "checked_rate", "checked_side", "checked_times", "checked_window"]

SLOWEST_GIVEN_HZ, FASTEST_GIVEN_HZ = 1 / 60, 100_000.0
"""Rates that somebody may say a video has: a minute per frame, a very fast camera."""


def checked_number(
    name: str, value: float, *, above: float | None = None, at_least: float | None = None
) -> float:
    """Return ``value`` as a finite float within its bound.

    Raises:
        InputError: NaN, infinite or outside.
    """
    number = float(value)
    fine = math.isfinite(number)
    if above is not None:
        fine = fine and number > above
    if at_least is not None:
        fine = fine and number >= at_least
    if not fine:
        bound = f"above {above:g}" if above is not None else f"at least {at_least:g}"
        raise InputError(f"{name} must be a finite number {bound}, got {value!r}")
    return number


def checked_rate(fps: float) -> float:
    """Return the frames per second that somebody says a video has.

    Raises:
        InputError: NaN, infinite, a frame of more than a minute, or more than any camera takes.
    """
    rate_hz = checked_number("fps", fps, above=0.0)
    if not SLOWEST_GIVEN_HZ <= rate_hz <= FASTEST_GIVEN_HZ:
        raise InputError(
            f"fps={rate_hz:g} cannot be true: expected from 1/60 (a frame lasts a minute) to "
            f"{FASTEST_GIVEN_HZ:g} frames per second, such as 25"
        )
    return rate_hz


def checked_window(start_s: float, end_s: float | None, duration_s: float) -> tuple[float, float]:
    """Return (start, end) with the end limited to ``duration_s``.

    Raises:
        InputError: Nothing lies between them.
    """
    start = checked_number("start_s", start_s, at_least=0.0)
    end = duration_s if end_s is None else min(float(end_s), duration_s)
    if not end > start:
        raise InputError(
            f"nothing to read between {start_s} and {end_s} s: the video has "
            f"{duration_s:.3f} s; expected 0 <= start_s < end_s"
        )
    return start, end


def checked_times(times_s: ArrayLike) -> NDArray[np.float64]:
    """Return a copy of finite, strictly increasing seconds, (N,), N at least 1.

    Raises:
        InputError: Anything else.
    """
    times = np.array(times_s, dtype=np.float64)
    if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all():
        raise InputError(f"times_s must be finite seconds, shape (N,), got {times_s!r:.80}")
    if (np.diff(times) <= 0).any():
        at = int(np.argmax(np.diff(times) <= 0))
        raise InputError(
            f"times_s must increase strictly; entry {at + 1} is {times[at + 1]} after {times[at]}"
        )
    return times


def checked_side(max_side: int | None) -> int | None:
    """Return ``max_side`` as a whole number of pixels, or None.

    Raises:
        InputError: Not whole, or below 1.
    """
    if max_side is None:
        return None
    if not (math.isfinite(max_side) and int(max_side) == max_side and max_side >= 1):
        raise InputError(f"max_side must be a whole number of pixels, at least 1, got {max_side!r}")
    return int(max_side)
