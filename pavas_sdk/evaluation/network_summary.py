"""Extracted features to figures: per model, with intervals, and differences of models.

Means over clips have percentile intervals of 1000 bootstrap draws. Sets cannot be drawn with repeats: a
repeated row lowers the rank of a covariance, and the distance moves. They have intervals of a
delete-a-group jackknife: the clips are dealt into at most 20 groups, each is left out once, and the
spread of the values gives a standard error (Student's t, one degree of freedom fewer than groups).
Draws and groups are the same for all models, so that differences have intervals of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.inception import SPLITS
from pavas_sdk.evaluation.network_metrics import (
    NETWORK_METRICS,
    NetworkMetric,
    clip_scores,
    set_score,
    worst_scores,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "GROUPS_OF_JACKKNIFE",
    "REFERENCE",
    "Heard",
    "MetricSummary",
    "interval_method",
    "jackknife_interval",
    "summarise_metric",
]

GROUPS_OF_JACKKNIFE = 20
_DRAWS = 1000
REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """What one metric compares.

    Attributes:
        clips: Names of the clips that can be compared, in order.
        own: Features by model ("reference" among them), one per clip; None for failed clips.
        other: Features of video or caption for cosines, one per clip; None for other metrics.
    """

    clips: Sequence[str]
    own: Mapping[str, Sequence[NDArray[np.float32] | None]]
    other: Sequence[NDArray[np.float32]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """Figures of one metric, JSON values.

    Attributes:
        figures: By model: value, interval, value without failed clips, how many clips.
        differences: By (first, second): value and interval of first - second.
        per_clip: By model, one value per clip; empty for sets.
        noise_floor: Value of one half of the reference against the other (Frechet distances), and
            how many clips a half has; None where there is none.
        rows: Rows and columns of the reference's features.
    """

    figures: Mapping[str, dict[str, Any]]
    differences: Mapping[tuple[str, str], dict[str, Any]]
    per_clip: Mapping[str, list[float]]
    noise_floor: dict[str, Any] | None
    rows: tuple[int, int]


def summarise_metric(name: str, heard: Heard, *, seed: int = 0) -> MetricSummary:
    """Return the figures of one metric over at least one clip.

    Args:
        name: One of `NETWORK_METRICS`.
        heard: What was heard.
        seed: Of the bootstrap, and of how clips are dealt into groups and halves.
    """
    metric = NETWORK_METRICS[name]
    reference = [row for row in heard.own[REFERENCE] if row is not None]
    per_clip: dict[str, list[float]] = {}
    if metric.of_sets:
        table = _set_table(metric, heard, reference, seed)
    else:
        table, per_clip = _clip_table(metric, heard, reference, seed)
    first = np.atleast_2d(reference[0])
    rows = sum(len(np.atleast_2d(row)) for row in reference) if metric.of_sets else len(reference)
    models = list(heard.own)
    present = {m: sum(row is not None for row in heard.own[m]) for m in models}
    return MetricSummary(
        figures={
            model: {
                **table[model],
                "value_of_heard": _shown(table[f"{model}\nheard"]["value"]),
                "clips": len(heard.clips),
                "heard": present[model],
            }
            for model in models
        },
        differences={
            (a, b): table[f"{a}\n{b}"] for i, a in enumerate(models) for b in models[i + 1 :]
        },
        per_clip=per_clip,
        noise_floor=_noise_floor(metric, reference, seed) if metric.form == "frechet" else None,
        rows=(rows, first.shape[-1]),
    )


def _clip_table(
    metric: NetworkMetric, heard: Heard, reference: Sequence[NDArray[np.float32]], seed: int
) -> tuple[dict[str, dict[str, Any]], dict[str, list[float]]]:
    true = np.stack(reference)
    beside = true if metric.form == "kl" else None
    if heard.other is not None:
        beside = np.stack(heard.other)
    values: dict[str, NDArray[np.float64]] = {}
    for model, rows in heard.own.items():
        there = np.array([row is not None for row in rows])
        values[model] = np.full(len(rows), np.nan)
        if there.any():
            own = np.stack([row for row in rows if row is not None])
            values[model][there] = clip_scores(
                metric, own, None if beside is None else beside[there]
            )
    measured = np.concatenate([column[~np.isnan(column)] for column in values.values()])
    worst = worst_scores(metric, true, measured)
    counted = {m: np.where(np.isnan(column), worst, column) for m, column in values.items()}
    models = list(values)

    def means(clips: NDArray[np.int64]) -> dict[str, float]:
        found = {model: float(counted[model][clips].mean()) for model in models}
        pairs = {
            f"{a}\n{b}": found[a] - found[b] for i, a in enumerate(models) for b in models[i + 1 :]
        }
        return found | pairs

    whole = means(np.arange(len(true)))
    intervals = bootstrap_intervals(len(true), means, rng=np.random.default_rng(seed), draws=_DRAWS)
    table = {
        key: {"value": value, "interval": _listed(intervals[key])} for key, value in whole.items()
    }
    for model, column in values.items():
        known = column[~np.isnan(column)]
        table[f"{model}\nheard"] = {"value": float(known.mean()) if known.size else float("nan")}
    return table, {model: counted[model].tolist() for model in models}


def _set_table(
    metric: NetworkMetric, heard: Heard, reference: Sequence[NDArray[np.float32]], seed: int
) -> dict[str, dict[str, Any]]:
    count, models = len(reference), list(heard.own)

    def scores(kept: NDArray[np.bool_]) -> dict[str, float]:
        found = {}
        for model in models:
            itself = model == REFERENCE and metric.form == "frechet"
            found[model] = (
                0.0 if itself else set_score(metric, heard.own[model], reference, kept=kept)
            )
        pairs = {
            f"{a}\n{b}": found[a] - found[b] for i, a in enumerate(models) for b in models[i + 1 :]
        }
        return found | pairs

    whole = scores(np.ones(count, dtype=bool))
    groups = min(GROUPS_OF_JACKKNIFE, count)
    dealt = np.random.default_rng(seed).permutation(count) % groups
    left_out = [scores(dealt != group) for group in range(groups)] if groups > 1 else []
    table: dict[str, dict[str, Any]] = {
        key: {
            "value": _shown(value),
            "interval": jackknife_interval(value, [draw[key] for draw in left_out]),
        }
        for key, value in whole.items()
    }
    for model in models:
        there = np.array([row is not None for row in heard.own[model]])
        same = bool(there.all())
        value = whole[model] if same else float("nan")
        if not same and there.sum() > 1:
            own = [row for row in heard.own[model] if row is not None]
            value = _of_heard(metric, own, reference)
        table[f"{model}\nheard"] = {"value": value}
    return table


def _of_heard(
    metric: NetworkMetric,
    own: Sequence[NDArray[np.float32]],
    reference: Sequence[NDArray[np.float32]],
) -> float:
    """What a tool prints that only sees the files that are there."""
    from pavas_sdk.evaluation.frechet import frechet_distance
    from pavas_sdk.evaluation.inception import inception_score

    if metric.form == "inception":
        return inception_score(np.stack(own))[0] if len(own) >= SPLITS else float("nan")
    x = np.concatenate([np.atleast_2d(row) for row in own])
    y = np.concatenate([np.atleast_2d(row) for row in reference])
    return frechet_distance(x, y)


def _noise_floor(
    metric: NetworkMetric, reference: Sequence[NDArray[np.float32]], seed: int
) -> dict[str, Any] | None:
    half = len(reference) // 2
    if half < 2:
        return None
    order = np.random.default_rng(seed).permutation(len(reference))
    first = [reference[index] for index in order[:half]]
    second = [reference[index] for index in order[half : 2 * half]]
    return {"value": _of_heard(metric, first, second), "clips": half}


def interval_method(name: str) -> str:
    """Say in words what the intervals of a metric are."""
    if NETWORK_METRICS[name].of_sets:
        return f"delete-a-group jackknife over clips, at most {GROUPS_OF_JACKKNIFE} groups"
    return f"percentile bootstrap over clips, {_DRAWS} draws"


def jackknife_interval(value: float, left_out: Sequence[float]) -> list[float] | None:
    """Return the 95 % interval of a delete-a-group jackknife; None where it is undefined.

    Args:
        value: Of all clips.
        left_out: Of all clips but one group, for every group.
    """
    values = np.asarray(left_out, dtype=np.float64)
    groups = values.size
    if groups < 2 or np.isnan(value) or np.isnan(values).any():
        return None
    from scipy.stats import t

    error = np.sqrt((groups - 1) / groups * np.square(values - values.mean()).sum())
    reach = float(t.ppf(0.975, groups - 1) * error)
    return [value - reach, value + reach]


def _shown(value: float) -> float | None:
    return None if np.isnan(value) else value


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
