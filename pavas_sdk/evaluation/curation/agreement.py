"""Do two curators of the same clips agree? Cohen's kappa of decisions, and differences of times.

Conventions
-----------
Moments of both lists are paired one to one within 100 ms, clip by clip, over the clips that both
have. Each pair, and each moment that only one list has, is one decision of both: accepted or not (a
moment that a list does not have, it did not accept). Proposals that nobody decided make a clip
undecided, and it is left out. Kappa is (p_o - p_e) / (1 - p_e) with the agreement by chance of both
curators' own shares; NaN where both always say the same one thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.onset import match_onsets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pavas_sdk.evaluation.impact_list import ImpactList, ListedClip

__all__ = ["agreement", "cohens_kappa"]


def cohens_kappa(decisions: Iterable[tuple[bool, bool]]) -> float:
    """Return Cohen's kappa of two raters' yes or no; NaN without decisions or without variation."""
    table = np.asarray(list(decisions), dtype=float).reshape(-1, 2)
    if not len(table):
        return float("nan")
    observed = float((table[:, 0] == table[:, 1]).mean())
    first, second = table.mean(axis=0)
    chance = first * second + (1 - first) * (1 - second)
    return float("nan") if chance >= 1 else float((observed - chance) / (1 - chance))


def agreement(first: ImpactList, second: ImpactList) -> dict[str, Any]:
    """Compare the decisions of two lists.

    Returns:
        JSON values: ``kappa`` with its 95 % ``interval`` (clips resampled), ``agreed``, ``moments``,
        ``accepted`` of both and of each alone, ``time_difference_ms`` (median, 90th percentile and
        bias of moments that both accepted), ``clips``, and the clips that only one list has or that
        are undecided.

    Raises:
        InputError: They share no decided clip.
    """
    ours = {clip.clip_id: clip for clip in first.clips}
    theirs = {clip.clip_id: clip for clip in second.clips}
    shared = [clip_id for clip_id in ours if clip_id in theirs]
    undecided = [c for c in shared if _is_open(ours[c]) or _is_open(theirs[c])]
    decided = [clip_id for clip_id in shared if clip_id not in undecided]
    if not decided:
        raise InputError(
            f"the lists share {len(shared)} clips, of which none is decided in both; review them "
            "first: pavas impacts review"
        )
    rows, differences = [], []
    for clip_id in decided:
        row, apart = _decisions(ours[clip_id], theirs[clip_id])
        rows.append(row)
        differences += apart
    every = [decision for row in rows for decision in row]
    kappa = cohens_kappa(every)
    interval = bootstrap_intervals(
        len(rows),
        lambda drawn: {"kappa": cohens_kappa([d for index in drawn for d in rows[index]])},
        rng=np.random.default_rng(0),
    )["kappa"]
    return {
        "kappa": None if np.isnan(kappa) else kappa,
        "interval": None if interval is None else list(interval),
        "moments": len(every),
        "agreed": sum(one == other for one, other in every),
        "accepted": {
            "both": sum(one and other for one, other in every),
            "first_only": sum(one and not other for one, other in every),
            "second_only": sum(other and not one for one, other in every),
        },
        "time_difference_ms": _differences(differences),
        "clips": len(decided),
        "undecided": undecided,
        "only_first": [clip_id for clip_id in ours if clip_id not in theirs],
        "only_second": [clip_id for clip_id in theirs if clip_id not in ours],
    }


def _is_open(clip: ListedClip) -> bool:
    return any(impact.status == "proposed" for impact in clip.impacts)


def _decisions(
    first: ListedClip, second: ListedClip
) -> tuple[list[tuple[bool, bool]], list[float]]:
    times = [[impact.time_s for impact in clip.impacts] for clip in (first, second)]
    pairs = match_onsets(*times)
    said = [[impact.status == "accepted" for impact in clip.impacts] for clip in (first, second)]
    decisions = [(said[0][one], said[1][other]) for one, other in pairs]
    paired = {one for one, _ in pairs}, {other for _, other in pairs}
    decisions += [(yes, False) for k, yes in enumerate(said[0]) if k not in paired[0]]
    decisions += [(False, yes) for k, yes in enumerate(said[1]) if k not in paired[1]]
    apart = [
        times[1][other] - times[0][one] for one, other in pairs if said[0][one] and said[1][other]
    ]
    return decisions, apart


def _differences(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    values = 1e3 * np.asarray(seconds)
    return {
        "median": float(np.median(np.abs(values))),
        "p90": float(np.quantile(np.abs(values), 0.9)),
        "bias": float(np.median(values)),
    }
