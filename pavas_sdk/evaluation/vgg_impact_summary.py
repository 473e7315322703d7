"""Measured clips of an impact list to figures: per model and class, with intervals, and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.class_apcc import apcc_deltas, class_apcc
from pavas_sdk.evaluation.folder_clip import FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.evaluation.folder_clip import ClipRow
    from pavas_sdk.evaluation.impacts_file import ClipImpacts

__all__ = ["summarise_impacts"]

_FIGURES = ("apcc_delta", "apcc_delta_weighted", "failed_share")


def summarise_impacts(
    rows: Sequence[ClipRow],
    models: Sequence[str],
    known: Mapping[str, ClipImpacts],
    energies: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """Return the figures of all models and their differences, JSON values.

    Args:
        rows: One per clip.
        models: In the order of the table.
        known: The impacts by clip.
        energies: Of the impacts by clip, joules, NaN where unknown.

    Raises:
        InputError: No class has three impacts with an energy.
    """

    def figures(drawn: NDArray[np.int64]) -> dict[str, float]:
        picked, found = [rows[index] for index in drawn], dict[str, float]()
        for model in models:
            classes = _classes(picked, model, known, energies)
            failed = [row.sounds[model].status != "ok" for row in picked]
            values = (*apcc_deltas(classes), float(np.mean(failed)))
            found |= {f"{model}\n{key}": v for key, v in zip(_FIGURES, values, strict=True)}
            found |= {f"{model}\n\n{name}": row["delta"] for name, row in classes.items()}
        for first, second in _pairs(models):
            for key in _FIGURES:
                difference = found[f"{first}\n{key}"] - found[f"{second}\n{key}"]
                found[f"{first}\n{second}\n{key}"] = difference
        return found

    whole = figures(np.arange(len(rows)))
    intervals = bootstrap_intervals(
        len(rows),
        figures,
        rng=np.random.default_rng(0),
        draws=300,
        strata=[known[row.clip_id].category for row in rows],
    )

    def shown(key: str) -> dict[str, Any]:
        value, interval = whole[key], intervals.get(key)
        known_value = not np.isnan(value)
        return {
            "value": value if known_value else None,
            "interval": list(interval) if known_value and interval is not None else None,
        }

    def of_model(model: str) -> dict[str, Any]:
        classes = _classes(rows, model, known, energies)
        for name, row in classes.items():
            row["clips"] = sum(known[one.clip_id].category == name for one in rows)
            interval = intervals.get(f"{model}\n\n{name}")
            row["interval"] = None if interval is None else list(interval)
        by_status = {
            status: [row.clip_id for row in rows if row.sounds[model].status == status]
            for status in FAILURES
        }
        return {
            "metrics": {key: shown(f"{model}\n{key}") for key in _FIGURES},
            "classes": classes,
            "failed": {status: clips for status, clips in by_status.items() if clips},
        }

    measured = {model: of_model(model) for model in models}
    used = {name for entry in measured.values() for name in entry["classes"]}
    if not used:
        raise InputError(
            "no class has three impacts with an energy; give masses and speeds in the list, or the "
            "videos with --videos"
        )
    return {
        "models": measured,
        "classes_left_out": sorted({clip.category for clip in known.values()} - used),
        "differences": [
            {
                "first": first,
                "second": second,
                "metrics": {key: shown(f"{first}\n{second}\n{key}") for key in _FIGURES},
            }
            for first, second in _pairs(models)
        ],
        "conventions": {
            "apcc_delta": {
                "title": "APCC-delta",
                "better": "lower",
                "convention": "mean over classes of |APCC(generated) - APCC(reference)|",
            },
            "apcc_delta_weighted": {
                "title": "APCC-delta (by impacts)",
                "better": "lower",
                "convention": "the same, classes weighted by their impacts",
            },
            "failed_share": {
                "title": "Failed clips",
                "better": "lower",
                "convention": "share of clips that are missing, unreadable, short or silent",
            },
        },
    }


def _classes(
    rows: Sequence[ClipRow],
    model: str,
    known: Mapping[str, ClipImpacts],
    energies: Mapping[str, Sequence[float]],
) -> dict[str, dict[str, Any]]:
    energy: list[float] = []
    own: list[float] = []
    true: list[float] = []
    categories: list[str] = []
    for row in rows:
        count = len(known[row.clip_id].impacts)
        energy += energies[row.clip_id]
        own += row.sounds[model].strengths or [float("nan")] * count
        true += row.sounds["reference"].strengths
        categories += [known[row.clip_id].category] * count
    return class_apcc(energy, own, true, categories)


def _pairs(models: Sequence[str]) -> list[tuple[str, str]]:
    return [(one, other) for k, one in enumerate(models) for other in models[k + 1 :]]
