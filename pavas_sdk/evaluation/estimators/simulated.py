"""Physics estimators on simulated clips, whose masses, speeds and impacts are known exactly."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.seeds import evaluation_seeds
from pavas_sdk.errors import ComponentFailedError, ConfigurationError, PavasError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.estimators.ratios import RatioError, ratio_figures
from pavas_sdk.evaluation.estimators.simulated_clip import EstimateRow, measure_simulated
from pavas_sdk.evaluation.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.physics import PhysicsEstimator

__all__ = ["estimator_scores", "evaluate_estimators"]

FORMAT, FORMAT_VERSION = "pavas.evaluation.estimators", 1
NOTHING = float("nan")


def evaluate_estimators(
    estimator: PhysicsEstimator,
    *,
    clips: int = 100,
    seed: int = 0,
    prompts: str = "none",
    jobs: int = 1,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Estimate the physics of simulated clips and compare it with the truth.

    Args:
        estimator: Any slots.
        clips: How many.
        seed: Which; different seeds share none, and training uses none of them.
        prompts: "none", or "clip": the estimator is told the clip's sentence.
        jobs: Processes; each builds the estimator from its description.
        path: File of finished clips that is continued, see `run`.
        progress: Called with (done, all) after each clip.

    Returns:
        JSON values, format ``pavas.evaluation.estimators`` version 1: ``scores`` (see
        `estimator_scores`), ``intervals`` (95 %, clips resampled), ``classes`` with the scores of
        every kind of event, ``mass_sources``, and the settings.

    Raises:
        ConfigurationError: Another word for the prompts.
        ComponentError: A slot failed on a clip, or its packages are missing.
        PavasError: See `run`.
    """
    if prompts not in ("none", "clip"):
        raise ConfigurationError(f"prompts must be one of none, clip; got {prompts!r}")
    document = estimator.to_json()
    settings = {"measurement": "estimators", "estimator": document, "prompts": prompts}
    told = prompts == "clip"
    rows = run(
        evaluation_seeds(seed, clips),
        partial(_built, document, told) if jobs > 1 else lambda: partial(_one, estimator, told),
        EstimateRow.from_json,
        settings=settings,
        path=path,
        jobs=jobs,
        progress=progress,
    )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": settings,
        "seed": seed,
        "clips": len(rows),
        **_summary(rows),
    }


def _built(document: Mapping[str, Any], told: bool) -> Callable[[int], EstimateRow]:
    from pavas_sdk.physics import PhysicsEstimator

    return partial(_one, PhysicsEstimator.from_json(document), told)


def _one(estimator: PhysicsEstimator, told: bool, seed: int) -> EstimateRow:
    from pavas_sdk.simulation import simulate

    clip = simulate(seed).clip
    started = time.perf_counter()
    try:
        found = estimator.estimate(clip.source, prompt=clip.prompt if told else "")
    except PavasError as err:
        raise ComponentFailedError(f"clip {seed}: {err}") from err
    seconds = time.perf_counter() - started
    return measure_simulated(clip, found.physics, found.masks, seconds=seconds)


def estimator_scores(rows: Sequence[EstimateRow]) -> dict[str, dict[str, float]]:
    """Return the scores of a set of clips, NaN where undefined.

    Args:
        rows: May repeat.

    Returns:
        "objects": share found, false ones per clip; "mass" and "energy": see `ratio_figures`;
        "speed": ``error_decades``, ``bias_decades`` (medians over objects), ``within_factor_two``
        (mean over found objects), ``in_90``, ``answered``; "impacts": precision, recall, f1,
        ``timing_error_ms``, ``false_per_clip``. Masses and speeds are of objects that were found.
    """
    objects = [one for row in rows for one in row.objects]
    found = [one for one in objects if one.overlap > 0]
    energy = [RatioError(decades=value) for row in rows for value in row.energy_decades]
    matched = sum(len(row.timing_errors_s) for row in rows)
    unknown = matched - len(energy)
    true, false = sum(row.impacts for row in rows), sum(row.false_impacts for row in rows)
    errors = [abs(value) for row in rows for value in row.timing_errors_s]
    masses = [RatioError(decades=one.mass_decades, log_std=one.mass_log_std) for one in found]
    return {
        "objects": {
            "found": len(found) / len(objects) if objects else NOTHING,
            "false_per_clip": float(np.mean([row.false_objects for row in rows])),
        },
        "mass": ratio_figures(masses),
        "speed": _speed_scores(rows),
        "energy": {
            name: value
            for name, value in ratio_figures(energy + [RatioError(decades=None)] * unknown).items()
            if name in ("error_decades", "bias_decades", "within_factor_two", "answered")
        },
        "impacts": {
            "precision": matched / (matched + false) if matched + false else NOTHING,
            "recall": matched / true if true else NOTHING,
            "f1": 2 * matched / (matched + false + true) if matched + false + true else NOTHING,
            "timing_error_ms": float(np.median(errors)) * 1e3 if errors else NOTHING,
            "false_per_clip": false / len(rows),
        },
    }


def _speed_scores(rows: Sequence[EstimateRow]) -> dict[str, float]:
    found = [one for row in rows for one in row.objects if one.overlap > 0]
    known = [one for one in found if one.speed_decades is not None]
    held = [one.speed_in_90 for one in known if one.speed_in_90 is not None]
    within = [one.speed_within_two or 0.0 for one in found]
    return {
        "error_decades": _median([one.speed_error_decades or 0.0 for one in known]),
        "bias_decades": _median([one.speed_decades or 0.0 for one in known]),
        "within_factor_two": float(np.mean(within)) if within else NOTHING,
        "answered": len(known) / len(found) if found else NOTHING,
        "in_90": float(np.mean(held)) if held else NOTHING,
    }


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else NOTHING


def _flat(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {f"{group}\n{name}": v for group, part in scores.items() for name, v in part.items()}


def _null(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    return {
        group: {name: None if np.isnan(value) else value for name, value in part.items()}
        for group, part in scores.items()
    }


def _summary(rows: Sequence[EstimateRow]) -> dict[str, Any]:
    scores = estimator_scores(rows)
    drawn = bootstrap_intervals(
        len(rows),
        lambda picked: _flat(estimator_scores([rows[index] for index in picked])),
        rng=np.random.default_rng(0),
        draws=300,
    )
    intervals: dict[str, dict[str, Any]] = {}
    for key, interval in drawn.items():
        group, _, name = key.partition("\n")
        intervals.setdefault(group, {})[name] = None if interval is None else list(interval)
    kinds = sorted({row.category for row in rows})
    masses = [one for row in rows for one in row.objects if one.mass_decades is not None]
    return {
        "objects": sum(len(row.objects) for row in rows),
        "impacts": sum(row.impacts for row in rows),
        "scores": _null(scores),
        "intervals": intervals,
        "classes": {
            kind: {
                "clips": sum(row.category == kind for row in rows),
                **_null(estimator_scores([row for row in rows if row.category == kind])),
            }
            for kind in kinds
        },
        "mass_sources": {
            source: sum(one.mass_source == source for one in masses)
            for source in sorted({one.mass_source for one in masses})
        },
        "seconds_per_clip": float(np.mean([row.seconds for row in rows])),
    }
