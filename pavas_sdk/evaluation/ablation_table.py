"""The table of an ablation: figures of every arm and differences of arms, with intervals.

Conventions
-----------
Figures are those of `pavas_sdk.evaluation.summary`; FD is the squared Frechet distance of each clip's
mean and standard deviation of the codec's own channels, generated against true sound. A figure is the
mean over seeds. Intervals are 95 %: clips are drawn again, and seeds, too, both the same for all arms, so
that what clips and seeds have in common falls out of a difference of two arms. With three seeds that is
a coarse picture of how seeds scatter, so the values of every seed are given beside it. FD of drawn rows
is biased upwards (duplicates), so its intervals are of the drawn values to their own mean, around the
value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk import __version__
from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.frechet import frechet_distance
from pavas_sdk.evaluation.summary import clip_figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.evaluation.ablation import AblationRow

__all__ = ["DRAWS", "FIGURES", "ablation_table"]

FIGURES = {
    "apcc_delta": ("APCC-delta", "lower", "mean over classes"),
    "apcc_delta_weighted": ("APCC-delta (by impacts)", "lower", "classes weighted by impacts"),
    "loudness_energy_spearman": ("Spearman", "higher", "level at impacts and energy change"),
    "level_error_db": ("Level error (dB)", "lower", "mean |level - true level| at impacts"),
    "fd_codec": ("FD (codec)", "lower", "mean and spread of the codec's channels per clip"),
}
_OF_IMPACTS = tuple(name for name in FIGURES if name != "fd_codec")
DRAWS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scatter:
    """Figures of an arm.

    Attributes:
        seeds: Figure to the value of every seed, (S,); NaN where undefined.
        draws: Figure to the mean over seeds in every draw, (D,).
    """

    seeds: Mapping[str, NDArray[np.float64]]
    draws: Mapping[str, NDArray[np.float64]]


def ablation_table(
    rows: Mapping[str, Mapping[int, Sequence[AblationRow]]],
    titles: Mapping[str, str],
    *,
    settings: Mapping[str, Any],
    compared: Sequence[tuple[str, str]] = (),
    unfinished: Sequence[str] = (),
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the table of finished arms.

    Args:
        rows: Arm to seed to clips, the same clips in the same order everywhere.
        titles: Of the arms.
        settings: JSON values that say how it was made.
        compared: Pairs of arms, (first, second), to give the difference first - second of. A pair of
            which an arm is missing, or that has no seed in common, is left out.
        unfinished: Arms and seeds that are not there, in words.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        JSON values, format ``pavas.evaluation.ablation`` version 1: ``models`` (by title: ``metrics``
        with ``value``, ``interval`` and ``seeds``), ``differences`` (``first``, ``second``, ``metrics``
        likewise, of the seeds that both have), ``conventions``, ``unfinished``. Undefined figures are
        None.

    Raises:
        InputError: No arm is finished, or arms have different clips.
    """
    ids = {tuple(row.clip_id for row in clips) for arm in rows.values() for clips in arm.values()}
    if len(ids) != 1:
        raise InputError(f"expected the same clips for every finished arm, got {len(ids)} sets")
    (clip_ids,) = ids
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, len(clip_ids), len(clip_ids)) for _ in range(draws)]
    arms = {arm: _scatter(by_seed, drawn, seed) for arm, by_seed in rows.items()}
    differences = []
    for first, second in compared:
        if first not in rows or second not in rows:
            continue
        common = sorted(set(rows[first]) & set(rows[second]))
        if not common:
            continue
        # seeds are drawn from those that an arm has, so that a pair needs the same ones
        a, b = (
            arms[arm]
            if sorted(rows[arm]) == common
            else _scatter({own: rows[arm][own] for own in common}, drawn, seed)
            for arm in (first, second)
        )
        apart = _Scatter(
            seeds={name: a.seeds[name] - b.seeds[name] for name in FIGURES},
            draws={name: a.draws[name] - b.draws[name] for name in FIGURES},
        )
        differences.append(
            {"first": titles[first], "second": titles[second], "metrics": _metrics(apart)}
        )
    return {
        "format": "pavas.evaluation.ablation",
        "format_version": 1,
        "pavas_sdk": __version__,
        "settings": dict(settings),
        "about": f"{len(clip_ids)} simulated clips, settings {settings.get('digest', '')}".rstrip(
            ", "
        ),
        "models": {titles[arm]: {"metrics": _metrics(found)} for arm, found in arms.items()},
        "differences": differences,
        "unfinished": list(unfinished),
        "conventions": {
            name: {"title": title, "better": better, "convention": f"{what}; mean over seeds"}
            for name, (title, better, what) in FIGURES.items()
        },
    }


def _scatter(
    by_seed: Mapping[int, Sequence[AblationRow]], drawn: Sequence[NDArray[np.int64]], seed: int
) -> _Scatter:
    seeds = sorted(by_seed)
    measured = {own: [row.measured for row in by_seed[own]] for own in seeds}
    made = {own: np.asarray([row.made for row in by_seed[own]]) for own in seeds}
    true = {own: np.asarray([row.true for row in by_seed[own]]) for own in seeds}

    def figures(own: int, clips: NDArray[np.int64]) -> dict[str, float]:
        found = clip_figures([measured[own][index] for index in clips])
        fd = float("nan")
        if np.unique(clips).size >= 2:
            fd = frechet_distance(made[own][clips], true[own][clips])
        return {**{name: found[name] for name in _OF_IMPACTS}, "fd_codec": fd}

    everything = np.arange(len(measured[seeds[0]]))
    whole = [figures(own, everything) for own in seeds]
    # the same seeds of the same draws for every arm
    rng = np.random.default_rng(seed + 1)
    draws: list[dict[str, float]] = []
    for clips in drawn:
        picked = [seeds[index] for index in rng.integers(0, len(seeds), len(seeds))]
        once = {own: figures(own, clips) for own in set(picked)}
        draws.append(
            {name: float(np.mean([once[own][name] for own in picked])) for name in FIGURES}
        )
    return _Scatter(
        seeds={name: np.asarray([row[name] for row in whole]) for name in FIGURES},
        draws={name: np.asarray([row[name] for row in draws]) for name in FIGURES},
    )


def _metrics(found: _Scatter) -> dict[str, Any]:
    metrics = {}
    for name in FIGURES:
        value = float(np.mean(found.seeds[name]))
        scattered = found.draws[name][np.isfinite(found.draws[name])]
        interval = None
        if scattered.size and np.isfinite(value):
            low, high = np.quantile(scattered, [0.025, 0.975])
            shift = value - scattered.mean() if name == "fd_codec" else 0.0
            interval = [float(low + shift), float(high + shift)]
        metrics[name] = {
            "value": value if np.isfinite(value) else None,
            "interval": interval,
            "seeds": [float(v) if np.isfinite(v) else None for v in found.seeds[name]],
        }
    return metrics
