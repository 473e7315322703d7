"""Bootstrap intervals: clips are drawn again with replacement, impacts stay with their clip.

Impacts of one clip share its object, its room and its errors; drawing impacts one by one would make
the intervals too narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["bootstrap_intervals"]


def bootstrap_intervals(
    clips: int,
    statistics: Callable[[NDArray[np.int64]], Mapping[str, float]],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    level: float = 0.95,
    strata: Sequence[str] | None = None,
) -> dict[str, tuple[float, float] | None]:
    """Return percentile intervals of several statistics at once.

    Args:
        clips: Number of clips.
        statistics: Maps clip indices (with repeats) to named numbers.
        rng: The only source of randomness.
        draws: How often to draw.
        level: Coverage, 0 to 1.
        strata: Stratum of each clip, or None: clips are drawn within their stratum, so that every
            draw has as many of each.

    Returns:
        Name to (low, high). Draws in which a statistic is NaN are left out; None where all are.

    Raises:
        InputError: No clips, no draws, an impossible level, or strata of another number of clips.
    """
    if clips < 1 or draws < 1 or not 0 < level < 1:
        raise InputError(
            f"a bootstrap needs clips, draws and a level between 0 and 1, got {clips}, {draws}, "
            f"{level}"
        )
    if strata is not None and len(strata) != clips:
        raise InputError(f"expected one stratum per clip, got {len(strata)} for {clips} clips")
    names = np.zeros(clips) if strata is None else np.asarray(strata)
    members = [np.flatnonzero(names == name) for name in np.unique(names)]
    values: dict[str, list[float]] = {}
    for _ in range(draws):
        drawn = [rows[rng.integers(0, rows.size, rows.size)] for rows in members]
        for name, value in statistics(np.concatenate(drawn)).items():
            values.setdefault(name, []).append(value)
    tails = (0.5 - level / 2, 0.5 + level / 2)
    intervals: dict[str, tuple[float, float] | None] = {}
    for name, found in values.items():
        known = np.asarray(found)[~np.isnan(found)]
        if known.size == 0:
            intervals[name] = None
            continue
        low, high = np.quantile(known, tails)
        intervals[name] = (float(low), float(high))
    return intervals
