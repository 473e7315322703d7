"""Loudness at impacts: level, its rank correlation with energy, its error.

Conventions
-----------
The level of an impact is the largest mean square over any 40 ms within 50 ms before to 90 ms after
the moment, in dB relative to full scale (a full-scale square wave has 0 dB), not below -120 dB.
Looking for the largest keeps small timing errors out of the level. Neighbouring impacts must be at
least 150 ms apart; see `pavas_sdk.evaluation.impacts`.

Degenerate input: without impacts every metric is NaN; the rank correlation is also NaN for fewer
than 3 impacts and 0 when one of the sequences is constant. Impacts whose energy or level is NaN
are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.impact_level import FLOOR_DB, SEARCH_S, WINDOW_S, levels_db
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "FLOOR_DB",
    "SEARCH_S",
    "WINDOW_S",
    "evaluate",
    "level_error_db",
    "level_offset_db",
    "levels_db",
    "loudness_energy_spearman",
    "validate",
]


def validate(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return both sequences as arrays without the entries where either is NaN.

    Raises:
        InputError: Not one-dimensional, or of different lengths.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise InputError(f"expected two sequences of one length, got {a.shape} and {b.shape}")
    keep = ~(np.isnan(a) | np.isnan(b))
    return a[keep], b[keep]


def loudness_energy_spearman(level_db: ArrayLike, energy_change_j: ArrayLike) -> float:
    """Return Spearman's rank correlation of level and energy change over impacts.

    Raises:
        InputError: Sequences of different lengths.
    """
    from scipy.stats import spearmanr

    levels, energies = validate(level_db, energy_change_j)
    if levels.size < 3:
        return float("nan")
    if np.ptp(levels) == 0 or np.ptp(energies) == 0:
        return 0.0
    return float(spearmanr(levels, energies).statistic)


def level_error_db(level_db: ArrayLike, reference_db: ArrayLike) -> float:
    """Return the mean absolute difference of the levels, dB.

    Raises:
        InputError: Sequences of different lengths.
    """
    levels, reference = validate(level_db, reference_db)
    return float(np.abs(levels - reference).mean()) if levels.size else float("nan")


def level_offset_db(level_db: ArrayLike, reference_db: ArrayLike) -> float:
    """Return the median difference, dB: how much too loud everything is. One gain removes it.

    Raises:
        InputError: Sequences of different lengths.
    """
    levels, reference = validate(level_db, reference_db)
    return float(np.median(levels - reference)) if levels.size else float("nan")


def evaluate(
    level_db: ArrayLike, reference_db: ArrayLike, energy_change_j: ArrayLike
) -> dict[str, float]:
    """Return every metric of this module."""
    return {
        "loudness_energy_spearman": loudness_energy_spearman(level_db, energy_change_j),
        "level_error_db": level_error_db(level_db, reference_db),
        "level_offset_db": level_offset_db(level_db, reference_db),
    }
