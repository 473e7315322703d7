"""APCC class by class of one model's sounds, where sounds may have failed.

Conventions are those of `pavas_sdk.evaluation.apcc`. Impacts of failed clips (missing, silent, ...)
have no strength. They enter as a share of their class whose difference is the largest that is
possible, 1 + |APCC(reference)|, so that no model gains by failing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.evaluation import apcc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

__all__ = ["apcc_deltas", "class_apcc"]


def class_apcc(
    energy_change_j: ArrayLike,
    generated: ArrayLike,
    reference: ArrayLike,
    categories: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Return class to ``apcc``, ``apcc_reference``, ``delta``, ``impacts``, ``of_failed_clips``.

    Args:
        energy_change_j: dE_k, (I,); impacts without one (NaN) are left out.
        generated: s_k in the generated sound, (I,); NaN in a failed clip.
        reference: s_k in the reference sound, (I,).
        categories: Sound class of each impact. Smaller ones than 3 impacts are left out.
    """
    table = np.asarray([energy_change_j, generated, reference], dtype=np.float64).T
    names = np.asarray(categories, dtype=object)
    found: dict[str, dict[str, Any]] = {}
    for category in sorted(set(categories)):
        rows = table[(names == category) & ~np.isnan(table[:, 0])]
        if len(rows) < apcc.MIN_IMPACTS:
            continue
        there = ~np.isnan(rows[:, 1])
        true = apcc.apcc(rows[:, 0], rows[:, 2])
        enough = there.sum() >= apcc.MIN_IMPACTS
        own = apcc.apcc(rows[there, 0], rows[there, 1]) if enough else float("nan")
        lost = 1.0 - float(there.mean()) if enough else 1.0
        present = 0.0 if np.isnan(own) else abs(own - apcc.apcc(rows[there, 0], rows[there, 2]))
        found[category] = {
            "apcc": None if np.isnan(own) else own,
            "apcc_reference": true,
            "delta": (1.0 - lost) * present + lost * (1.0 + abs(true)),
            "impacts": len(rows),
            "of_failed_clips": int((~there).sum()),
        }
    return found


def apcc_deltas(classes: Mapping[str, Mapping[str, Any]]) -> tuple[float, float]:
    """Return APCC-delta as the mean over classes, and weighted by impacts; NaN without any class."""
    if not classes:
        return float("nan"), float("nan")
    deltas = [row["delta"] for row in classes.values()]
    counts = [row["impacts"] for row in classes.values()]
    return float(np.mean(deltas)), float(np.average(deltas, weights=counts))
