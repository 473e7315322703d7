"""Scores of a listening test: mean, standard deviation, intervals, and tests of every two models.

Conventions
-----------
Answers count 1 (strongly disagree) to 5 (strongly agree). Mean and standard deviation (n - 1) are over
all ratings of a model, as in the paper's Table 2. Intervals are 95 % percentiles of a bootstrap that
draws raters and clips again, each on its own: ratings of one rater, and of one clip, belong together.
Two models are compared by the differences of their ratings for the same rater and clip, averaged per
rater: Wilcoxon's signed-rank test over raters, with Holm's correction over all pairs and questions.
Repeated sounds and checks do not count.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk import __version__
from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.listening.answers import RULE, careless
from pavas_sdk.evaluation.listening.study import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.evaluation.listening.answers import Rater
    from pavas_sdk.evaluation.listening.study import StudyKey

__all__ = ["holm", "score_listening"]

DRAWS = 1000
_FEWEST_RATERS = 6
"""With fewer, no signed-rank test can reach 5 %."""


def score_listening(key: StudyKey, raters: Sequence[Rater], *, seed: int = 0) -> dict[str, Any]:
    """Return the scores of a study.

    Args:
        key: Which sound is whose.
        raters: All, also careless ones: these are dropped here and named.
        seed: Of the bootstrap.

    Returns:
        JSON values, format ``pavas.evaluation.listening`` version 1: ``models`` with ``metrics`` per
        question (``value`` the mean, ``sd``, ``interval``, ``ratings``), ``pairwise`` (difference of the
        means of raters, ``p``, ``p_holm``), ``raters`` that count, ``dropped`` with reasons, ``rule``.

    Raises:
        InputError: No rater is left.
    """
    reasons = {rater.name: careless(rater, key) for rater in raters}
    kept = [rater for rater in raters if not reasons[rater.name]]
    if not kept:
        raise InputError(
            f"none of {len(raters)} raters is left ({RULE}): "
            + "; ".join(f"{name}: {', '.join(why)}" for name, why in list(reasons.items())[:5])
        )
    clips = sorted({clip for clip, _ in key.items.values()})
    table = _table(key, kept, clips)
    metrics = _metrics(key, table, np.random.default_rng(seed))
    return {
        "format": "pavas.evaluation.listening",
        "format_version": 1,
        "pavas_sdk": __version__,
        "study": key.study,
        "about": f"{len(kept)} raters of the study {key.study}, {len(clips)} clips",
        "raters": len(kept),
        "dropped": {name: list(why) for name, why in reasons.items() if why},
        "rule": RULE,
        "models": {model: {"metrics": metrics[model]} for model in key.models},
        "pairwise": _pairwise(key, table),
        "conventions": {
            name: {
                "title": name.replace("_", " ").capitalize(),
                "better": "higher",
                "convention": f"mean agreement, 1 to 5, with: {text}",
            }
            for name, text in QUESTIONS.items()
        },
    }


def _table(key: StudyKey, raters: Sequence[Rater], clips: Sequence[str]) -> NDArray[np.float64]:
    """Ratings, (raters, clips, models, questions); NaN where a rater did not hear a sound."""
    shape = (len(raters), len(clips), len(key.models), len(QUESTIONS))
    table = np.full(shape, np.nan)
    for row, rater in enumerate(raters):
        for answer in rater.answers:
            if answer.kind == "sound":
                clip, model = key.items[answer.item]
                place = row, clips.index(clip), key.models.index(model)
                table[place] = [answer.scores[name] for name in QUESTIONS]
    return table


def _metrics(
    key: StudyKey, table: NDArray[np.float64], rng: np.random.Generator
) -> dict[str, dict[str, Any]]:
    raters, clips = table.shape[:2]
    heard = ~np.isnan(table)
    values = np.where(heard, table, 0.0)
    drawn = np.full((DRAWS, *table.shape[2:]), np.nan)
    for draw in range(DRAWS):
        # how often each rater and clip is drawn
        of_raters = np.bincount(rng.integers(0, raters, raters), minlength=raters)
        of_clips = np.bincount(rng.integers(0, clips, clips), minlength=clips)
        weight = (of_raters[:, None] * of_clips)[:, :, None, None] * heard
        count = weight.sum(axis=(0, 1))
        total = (weight * values).sum(axis=(0, 1))
        drawn[draw] = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    metrics: dict[str, dict[str, Any]] = {model: {} for model in key.models}
    for column, model in enumerate(key.models):
        for row, name in enumerate(QUESTIONS):
            own = table[:, :, column, row]
            own = own[~np.isnan(own)]
            known = drawn[:, column, row][~np.isnan(drawn[:, column, row])]
            metrics[model][name] = {
                "value": float(own.mean()) if own.size else None,
                "sd": float(own.std(ddof=1)) if own.size > 1 else None,
                "interval": np.quantile(known, [0.025, 0.975]).tolist() if known.size else None,
                "ratings": int(own.size),
            }
    return metrics


def _pairwise(key: StudyKey, table: NDArray[np.float64]) -> list[dict[str, Any]]:
    from scipy.stats import wilcoxon

    found: list[dict[str, Any]] = []
    for one, other in combinations(range(len(key.models)), 2):
        apart = table[:, :, one] - table[:, :, other]
        for row, name in enumerate(QUESTIONS):
            both = ~np.isnan(apart[:, :, row])
            count = both.sum(axis=1)
            sums = np.where(both, apart[:, :, row], 0.0).sum(axis=1)
            means = sums[count > 0] / count[count > 0]
            p: float | None = None
            if means.size >= _FEWEST_RATERS:
                p = float(wilcoxon(means).pvalue) if means.any() else 1.0
            found.append(
                {
                    "first": key.models[one],
                    "second": key.models[other],
                    "question": name,
                    "difference": float(means.mean()) if means.size else None,
                    "raters": int(means.size),
                    "p": p,
                }
            )
    tested = [test for test in found if test["p"] is not None]
    for test, corrected in zip(tested, holm([test["p"] for test in tested]), strict=True):
        test["p_holm"] = corrected
    return [{"p_holm": None, **test} for test in found]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values with Holm's correction for as many tests as there are."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
