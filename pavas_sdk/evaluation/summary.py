"""From clips to one result: every metric with a bootstrap interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import apcc, loudness
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.timbre import median_of_known, octaves_apart, timbre_by_material

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.evaluation.clip import ClipMeasurement

__all__ = ["METRICS", "clip_figures", "summarise"]

METRICS = (
    "onset_hit_rate",
    "onset_timing_error_ms",
    "false_onsets_per_clip",
    "loudness_energy_spearman",
    "level_error_db",
    "apcc",
    "apcc_reference",
    "apcc_delta",
    "false_onsets_per_clip_reference",
    "loudness_energy_spearman_reference",
    "level_offset_db",
    "apcc_delta_weighted",
    "centroid_error_octaves",
    "decay_error_octaves",
)
_CLASS_FIGURES = ("apcc", "apcc_reference", "apcc_delta")


class _Table:
    """All impacts as columns; the rows of a clip stand together."""

    def __init__(self, clips: Sequence[ClipMeasurement]) -> None:
        impacts = [impact for clip in clips for impact in clip.impacts]
        self.impacts = impacts
        counts = [len(clip.impacts) for clip in clips]
        self.category = np.repeat(np.asarray([c.category for c in clips], dtype=object), counts)
        self.rows = np.split(np.arange(len(impacts)), np.cumsum(counts)[:-1])
        self.false = np.asarray([c.false_onsets for c in clips], dtype=np.float64)
        self.false_reference = np.asarray([c.false_onsets_reference for c in clips], np.float64)

        def column(name: str) -> NDArray[np.float64]:
            return np.asarray([getattr(impact, name) for impact in impacts], dtype=np.float64)

        self.energy = column("energy_j")
        self.window_energy = column("window_energy_j")
        self.strength = column("strength")
        self.strength_reference = column("strength_reference")
        self.level = column("level_db")
        self.level_reference = column("level_reference_db")
        self.error = column("error_s")
        self.centroid = octaves_apart(column("centroid_hz"), column("centroid_reference_hz"))
        self.decay = octaves_apart(column("decay_20db_s"), column("decay_20db_reference_s"))

    def apcc(self, rows: NDArray[np.int64]) -> apcc.ApccResult:
        return apcc.evaluate(
            self.window_energy[rows],
            self.strength[rows],
            self.strength_reference[rows],
            list(self.category[rows]),
        )

    def metrics(self, clips: NDArray[np.int64]) -> dict[str, float]:
        rows = np.concatenate([self.rows[clip] for clip in clips])
        errors = np.abs(self.error[rows])
        hit = ~np.isnan(errors)
        follows = self.apcc(rows)
        level, reference = self.level[rows], self.level_reference[rows]
        nothing = float("nan")
        return {
            "onset_hit_rate": float(hit.mean()) if rows.size else nothing,
            "onset_timing_error_ms": float(np.median(errors[hit]) * 1e3) if hit.any() else nothing,
            "false_onsets_per_clip": float(self.false[clips].mean()),
            "loudness_energy_spearman": loudness.loudness_energy_spearman(level, self.energy[rows]),
            "level_error_db": loudness.level_error_db(level, reference),
            "apcc": follows.apcc,
            "apcc_reference": follows.apcc_reference,
            "apcc_delta": follows.apcc_delta,
            "false_onsets_per_clip_reference": float(self.false_reference[clips].mean()),
            "loudness_energy_spearman_reference": loudness.loudness_energy_spearman(
                reference, self.energy[rows]
            ),
            "level_offset_db": loudness.level_offset_db(level, reference),
            "apcc_delta_weighted": follows.apcc_delta_weighted,
            "centroid_error_octaves": median_of_known(self.centroid[rows]),
            "decay_error_octaves": median_of_known(self.decay[rows]),
            **_of_classes(follows),
        }


def _of_classes(follows: apcc.ApccResult) -> dict[str, float]:
    """Return the figures of every class under names that no metric has."""
    return {
        f"{name}\n{figure}": value
        for name, (made, true, _) in follows.classes.items()
        for figure, value in zip(_CLASS_FIGURES, (made, true, abs(made - true)), strict=True)
    }


def clip_figures(clips: Sequence[ClipMeasurement]) -> dict[str, float]:
    """Return every metric of `METRICS` over a set of clips, NaN where undefined.

    Args:
        clips: At least one; may repeat.
    """
    found = _Table(clips).metrics(np.arange(len(clips)))
    return {name: found[name] for name in METRICS}


def summarise(
    clips: Sequence[ClipMeasurement], *, rng: np.random.Generator, draws: int = 1000
) -> dict[str, Any]:
    """Return all metrics over a set of clips as JSON values (null where undefined).

    Args:
        clips: At least one.
        rng: Draws the bootstrap.
        draws: Bootstrap draws.

    Returns:
        Every name of `METRICS`; ``intervals`` with (low, high) of 95 % for each; ``impacts``,
        ``clips``, ``contacts``; ``apcc_classes`` with the values, their intervals and the numbers of
        impacts and clips per class; ``apcc_left_out``, the classes with too few; ``timbre``, of
        `timbre_by_material`.

    Raises:
        InputError: No clips.
    """
    if not clips:
        raise InputError("there is nothing to summarise: no clip was evaluated")
    table = _Table(clips)
    everything = np.arange(len(clips))
    values = table.metrics(everything)
    intervals = bootstrap_intervals(len(clips), table.metrics, rng=rng, draws=draws)
    follows = table.apcc(np.arange(table.energy.size))
    return {
        **{name: None if np.isnan(values[name]) else values[name] for name in METRICS},
        "intervals": {
            name: None if interval is None else list(interval)
            for name, interval in ((name, intervals[name]) for name in METRICS)
        },
        "impacts": int(table.energy.size),
        "clips": len(clips),
        "contacts": sum(clip.contacts for clip in clips),
        "apcc_classes": {
            name: {
                "apcc": made,
                "apcc_reference": true,
                "apcc_delta": abs(made - true),
                "impacts": count,
                "clips": sum(clip.category == name and bool(clip.impacts) for clip in clips),
                "intervals": {
                    figure: None if interval is None else list(interval)
                    for figure in _CLASS_FIGURES
                    for interval in (intervals.get(f"{name}\n{figure}"),)
                },
            }
            for name, (made, true, count) in follows.classes.items()
        },
        "apcc_left_out": follows.left_out,
        "timbre": timbre_by_material(table.impacts),
        "seconds_per_clip": float(np.mean([clip.seconds for clip in clips])),
    }
