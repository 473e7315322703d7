"""Rows of a folder evaluation to figures: per model, with intervals, and differences of models.

Clips are resampled, the same for all models, so that differences have intervals of their own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.class_apcc import apcc_deltas, class_apcc
from pavas_sdk.evaluation.folder_clip import FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.evaluation.folder_clip import ClipRow
    from pavas_sdk.evaluation.impacts_file import ClipImpacts

__all__ = ["METRICS", "FolderMetric", "summarise_folder", "values_per_clip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderMetric:
    """A figure of the table.

    Attributes:
        group: Name by which it is asked for.
        title: Column of the table.
        better: "higher" or "lower".
        convention: What exactly it is.
    """

    group: str
    title: str
    better: str
    convention: str


METRICS: Mapping[str, FolderMetric] = {
    "onset_f1": FolderMetric(
        group="onsets",
        title="Onset F1",
        better="higher",
        convention="mean over clips; onsets of the true sound are wanted, within 100 ms; a failed "
        "clip counts 0",
    ),
    "onset_distance_ms": FolderMetric(
        group="onsets",
        title="Onset distance (ms)",
        better="lower",
        convention="mean over clips of the mean distance of true onsets to their own; 100 where "
        "there is none, and for a failed clip",
    ),
    "level_error_db": FolderMetric(
        group="levels",
        title="Level error (dB)",
        better="lower",
        convention="mean over clips of |RMS level - that of the true sound|, dB, nothing "
        "normalised; a failed clip counts with the largest that is possible",
    ),
    "failed_share": FolderMetric(
        group="silence",
        title="Failed clips",
        better="lower",
        convention="share of clips that are missing, unreadable, short or silent",
    ),
    "apcc_delta": FolderMetric(
        group="apcc",
        title="APCC-delta",
        better="lower",
        convention="mean over classes of |APCC(generated) - APCC(reference)|; impacts of failed "
        "clips count with the largest difference that is possible",
    ),
    "apcc_delta_weighted": FolderMetric(
        group="apcc",
        title="APCC-delta (by impacts)",
        better="lower",
        convention="the same, classes weighted by their impacts",
    ),
}
"""What can be measured without any network."""


def summarise_folder(
    rows: Sequence[ClipRow],
    models: Sequence[str],
    *,
    groups: Sequence[str],
    impacts: Mapping[str, ClipImpacts],
    draws: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the figures of all models, JSON values.

    Args:
        rows: One per clip, at least one.
        models: Columns of the rows, in the order of the table.
        groups: Which metrics.
        impacts: Known impacts by clip.
        draws: Of the bootstrap.
        seed: Of the bootstrap.
    """
    wanted = [name for name, metric in METRICS.items() if metric.group in groups]
    tables = {model: _columns(rows, model, wanted) for model in models}

    def figures(clips: NDArray[np.int64]) -> dict[str, float]:
        found = {}
        for model in models:
            values = _figures(rows, model, tables[model], clips, wanted, impacts)
            found.update({f"{model}\n{name}": value for name, value in values.items()})
        for index, first in enumerate(models):
            for second in models[index + 1 :]:
                for name in wanted:
                    found[f"{first}\n{second}\n{name}"] = (
                        found[f"{first}\n{name}"] - found[f"{second}\n{name}"]
                    )
        return found

    whole = figures(np.arange(len(rows)))
    intervals = bootstrap_intervals(
        len(rows), figures, rng=np.random.default_rng(seed), draws=draws
    )

    def shown(key: str) -> dict[str, Any]:
        value, interval = whole[key], intervals[key]
        return {
            "value": None if np.isnan(value) else value,
            "interval": None if interval is None or np.isnan(value) else list(interval),
        }

    return {
        "models": {
            model: {
                "metrics": {name: shown(f"{model}\n{name}") for name in wanted},
                "failed": _failures(rows, model),
            }
            for model in models
        },
        "differences": [
            {
                "first": first,
                "second": second,
                "metrics": {name: shown(f"{first}\n{second}\n{name}") for name in wanted},
            }
            for index, first in enumerate(models)
            for second in models[index + 1 :]
        ],
        "apcc_classes": _classes(rows, models, impacts) if "apcc" in groups else {},
    }


def values_per_clip(
    rows: Sequence[ClipRow], models: Sequence[str], groups: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the values of single clips, by metric and model, in the order of ``clips``."""
    wanted = [name for name in ("onset_f1", "level_error_db") if METRICS[name].group in groups]
    columns = {model: _columns(rows, model, wanted) for model in models}
    return {
        name: {
            "clips": [row.clip_id for row in rows],
            **{model: columns[model][name].tolist() for model in models},
        }
        for name in wanted
    }


def _columns(
    rows: Sequence[ClipRow], model: str, wanted: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    sounds = [row.sounds[model] for row in rows]
    columns = {
        "onset_f1": [sound.onset_f1 for sound in sounds],
        "onset_distance_ms": [sound.onset_distance_ms for sound in sounds],
        "level_error_db": [sound.level_error_db for sound in sounds],
        "failed_share": [float(sound.status != "ok") for sound in sounds],
    }
    return {
        name: np.asarray(values, dtype=np.float64)
        for name, values in columns.items()
        if name in wanted
    }


def _figures(
    rows: Sequence[ClipRow],
    model: str,
    columns: Mapping[str, NDArray[np.float64]],
    clips: NDArray[np.int64],
    wanted: Sequence[str],
    impacts: Mapping[str, ClipImpacts],
) -> dict[str, float]:
    found = {name: float(columns[name][clips].mean()) for name in wanted if name in columns}
    if "apcc_delta" in wanted:
        deltas = apcc_deltas(_apcc_of(rows, model, clips, impacts))
        found["apcc_delta"], found["apcc_delta_weighted"] = deltas
    return found


def _apcc_of(
    rows: Sequence[ClipRow],
    model: str,
    clips: NDArray[np.int64],
    impacts: Mapping[str, ClipImpacts],
) -> dict[str, dict[str, Any]]:
    """Return class to APCC of both sounds, their difference, and how many impacts there are."""
    energy: list[float] = []
    own: list[float] = []
    true: list[float] = []
    categories: list[str] = []
    for index in clips:
        row = rows[index]
        known = impacts.get(row.clip_id)
        if known is None:
            continue
        count = len(known.impacts)
        energy += [impact.energy_change_j for impact in known.impacts]
        own += row.sounds[model].strengths or [float("nan")] * count
        true += row.sounds["reference"].strengths
        categories += [known.category] * count
    return class_apcc(energy, own, true, categories)


def _classes(
    rows: Sequence[ClipRow], models: Sequence[str], impacts: Mapping[str, ClipImpacts]
) -> dict[str, Any]:
    clips = np.arange(len(rows))
    return {model: _apcc_of(rows, model, clips, impacts) for model in models}


def _failures(rows: Sequence[ClipRow], model: str) -> dict[str, list[str]]:
    counts = Counter(row.sounds[model].status for row in rows)
    return {
        status: [row.clip_id for row in rows if row.sounds[model].status == status]
        for status in FAILURES
        if counts[status]
    }
