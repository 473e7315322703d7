"""Bootstrap intervals: clips are drawn again with replacement, impacts stay with their clip.

Impacts of one clip share its object, its room and its errors; drawing impacts one by one would make
the intervals too narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["bootstrap_intervals"]


def bootstrap_intervals(
    clips: int,
    statistics: Callable[[NDArray[np.int64]], Mapping[str, float]],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    level: float = 0.95,
) -> dict[str, tuple[float, float] | None]:
    """Return percentile intervals of several statistics at once.

    Args:
        clips: Number of clips.
        statistics: Maps clip indices (with repeats) to named numbers.
        rng: The only source of randomness.
        draws: How often to draw.
        level: Coverage, 0 to 1.

    Returns:
        Name to (low, high). Draws in which a statistic is NaN are left out; None where all are.

    Raises:
        InputError: No clips, no draws, or an impossible level.
    """
    if clips < 1 or draws < 1 or not 0 < level < 1:
        raise InputError(
            f"a bootstrap needs clips, draws and a level between 0 and 1, got {clips}, {draws}, "
            f"{level}"
        )
    values: dict[str, list[float]] = {}
    for _ in range(draws):
        for name, value in statistics(rng.integers(0, clips, clips)).items():
            values.setdefault(name, []).append(value)
    tails = (0.5 - level / 2, 0.5 + level / 2)
    intervals: dict[str, tuple[float, float] | None] = {}
    for name, drawn in values.items():
        known = np.asarray(drawn)[~np.isnan(drawn)]
        if known.size == 0:
            intervals[name] = None
            continue
        low, high = np.quantile(known, tails)
        intervals[name] = (float(low), float(high))
    return intervals
