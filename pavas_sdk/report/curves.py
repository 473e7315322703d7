"""Curves as SVG that stretches to any width: paths in a box of 1000 x 100, text outside of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "WIDTH",
    "area_path",
    "line_path",
    "nice_ticks",
    "time_ticks",
]

WIDTH, HEIGHT = 1000.0, 100.0


def line_path(
    times_s: NDArray[np.float64], values: NDArray[np.float64], duration_s: float, top: float
) -> str:
    """Return the ``d`` of a line; a gap where a value is missing, a dot where one stands alone.

    Args:
        times_s: (n,), seconds.
        values: (n,), 0 to ``top``, NaN where missing.
        duration_s: Right edge.
        top: Value of the upper edge.
    """
    x, y = _places(times_s, values, duration_s, top)
    parts = []
    for start, end in _runs(values):
        points = " ".join(f"{x[k]:.2f} {y[k]:.2f}" for k in range(start, end))
        # a path of one point is drawn by its round cap
        parts.append(f"M{points}" if end - start > 1 else f"M{points} h0.01")
    return "".join(parts)


def area_path(
    times_s: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    duration_s: float,
    top: float,
) -> str:
    """Return the ``d`` of the area between two series, with gaps where either is missing."""
    x, below = _places(times_s, low, duration_s, top)
    _, above = _places(times_s, high, duration_s, top)
    parts = []
    for start, end in _runs(low + high):
        if end - start > 1:
            there = [f"{x[k]:.2f} {above[k]:.2f}" for k in range(start, end)]
            back = [f"{x[k]:.2f} {below[k]:.2f}" for k in range(end - 1, start - 1, -1)]
            parts.append("M" + " ".join(there + back) + "Z")
    return "".join(parts)


def nice_ticks(largest: float, count: int = 4) -> list[float]:
    """Return round values from 0 that reach ``largest``, about ``count`` steps; [0, 1] for none."""
    if not (math.isfinite(largest) and largest > 0):
        return [0.0, 1.0]
    rough = largest / count
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * k for k in (1, 2, 2.5, 5, 10) if base * k >= rough * 0.999)
    steps = max(1, math.ceil(largest / step - 1e-9))
    return [step * k for k in range(steps + 1)]


def time_ticks(duration_s: float, most: int = 10) -> list[float]:
    """Return round times from 0 up to the end, at most about ``most``."""
    steps: Sequence[float] = (
        *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600),
    )
    step = next((s for s in steps if duration_s / s <= most), duration_s)
    return [k * step for k in range(int(duration_s / step + 1e-9) + 1)]


def _places(
    times_s: NDArray[np.float64], values: NDArray[np.float64], duration_s: float, top: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return times_s / duration_s * WIDTH, HEIGHT - np.clip(values / top, 0.0, 1.0) * HEIGHT


def _runs(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Start and end of the stretches without a missing value."""
    seen = np.concatenate([[False], np.isfinite(values), [False]]).astype(int)
    edges = np.flatnonzero(np.diff(seen)).reshape(-1, 2)
    return [(int(start), int(end)) for start, end in edges]
