"""Inception Score: are single sounds clear, and are all sounds together varied?

Conventions
-----------
Of the generated sounds alone; there is no reference. Rows (clips in the order of their names) are
shuffled by ``numpy.random.RandomState(2020)`` and split into 10 parts; per part the score is the
exponential of the mean KL divergence of the class probabilities of its clips from their mean; the
metric is the mean over parts (its spread the population standard deviation). Higher is better, at
most the number of classes and of clips in a part: with few clips it measures their number.

The paper's IS is that of the PANNs logits (527 classes, softmax). The shuffle and the number of
parts move the value (5.53; unshuffled 5.51; one part 40.2 on the same 57 rows), so both are
arguments whose defaults are those of the public tool.

Source: Salimans et al. 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.kl import log_softmax

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["SHUFFLE_SEED", "SPLITS", "inception_score", "part_bounds"]

SPLITS = 10
SHUFFLE_SEED = 2020


def inception_score(
    logits: ArrayLike, *, splits: int = SPLITS, shuffle_seed: int | None = SHUFFLE_SEED
) -> tuple[float, float]:
    """Return the mean and the spread of the Inception Score over the parts.

    Args:
        logits: (clips, classes), in the order of the clips' names; at least ``splits`` clips.
        splits: Number of parts.
        shuffle_seed: Of the permutation; None leaves the order (as a bootstrap wants it).

    Raises:
        InputError: Not (clips, classes), not finite, or fewer clips than parts.
    """
    rows = np.asarray(logits, dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(f"expected finite logits (clips, classes), got shape {rows.shape}")
    if splits < 1 or rows.shape[0] < splits:
        raise InputError(
            f"an Inception Score over {splits} parts needs as many clips, got {rows.shape[0]}: "
            "some parts would be empty"
        )
    if shuffle_seed is not None:
        # the legacy generator: its permutation is part of the metric
        rows = rows[np.random.RandomState(shuffle_seed).permutation(rows.shape[0])]
    logs = log_softmax(rows)
    scores = []
    for start, end in part_bounds(rows.shape[0], splits):
        part = logs[start:end]
        p = np.exp(part)
        log_mean = np.log(np.maximum(p.mean(axis=0), np.finfo(np.float64).tiny))
        scores.append(np.exp((p * (part - log_mean)).sum(axis=1).mean()))
    return float(np.mean(scores)), float(np.std(scores))


def part_bounds(clips: int, splits: int) -> list[tuple[int, int]]:
    """Return the (start, end) rows of every part."""
    return [(i * clips // splits, (i + 1) * clips // splits) for i in range(splits)]
