"""From recorded clips to one report: pooled scores with intervals, per class, per clip."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.event_matching import EventCounts
from pavas_sdk.evaluation.recorded_clip import CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pavas_sdk.evaluation.recorded_clip import RecordedMeasurement, SoundMeasurement

__all__ = ["recorded_scores", "summarise_recorded"]

LOUDEST_IN_DB = (-20.0, -6.0)
"""Where the loudest impact of a clip should lie, dB relative to full scale."""
NOTHING = float("nan")


def recorded_scores(clips: Sequence[RecordedMeasurement]) -> dict[str, dict[str, float]]:
    """Return the scores of a set of clips, NaN where undefined.

    Args:
        clips: May repeat.

    Returns:
        "impacts" (precision, recall, f1 of the estimators' impacts), "objects" (masses_in_range:
        share of the clips whose bounds are known, an object that was not found counting as out of
        range; speed_factor: median of estimated over true speed; speed_error_factor: median of the
        larger of this and its inverse), and for every condition "sound CONDITION": precision,
        recall, f1 of the onsets over all seeds; false_onsets_per_s of what is scored;
        onsets_where_nothing_happens: onsets per sound of clips without impacts; false_level_db,
        impact_level_db, loudest_impact_db, peak_dbfs: medians; loudest_in_range: share of the
        sounds of clips with impacts whose loudest impact lies in `LOUDEST_IN_DB`.
    """
    ratios = np.asarray([ratio for clip in clips for ratio in clip.speed_ratios])
    known = [clip.mass_in_range for clip in clips if clip.mass_in_range is not None]
    return {
        "impacts": _events(clip.impacts for clip in clips),
        "objects": {
            "masses_in_range": float(np.mean(known)) if known else NOTHING,
            "speed_factor": _median(ratios),
            "speed_error_factor": _median(np.maximum(ratios, 1 / ratios)),
        },
        **{
            f"sound {name}": _sound_scores(
                [(clip, sound) for clip in clips for sound in clip.sounds.get(name, ())]
            )
            for name in _conditions(clips)
        },
    }


def _conditions(clips: Sequence[RecordedMeasurement]) -> list[str]:
    return [name for name in CONDITIONS if any(name in clip.sounds for clip in clips)]


def _sound_scores(
    pairs: Sequence[tuple[RecordedMeasurement, SoundMeasurement]],
) -> dict[str, float]:
    sounds = [sound for _, sound in pairs]
    quiet = [s.onsets.detected for clip, s in pairs if clip.scored_s > 0 and not s.onsets.true]
    loudest = np.asarray([max(s.impact_levels_db) for s in sounds if s.impact_levels_db])
    low, high = LOUDEST_IN_DB
    seconds = sum(clip.scored_s for clip, _ in pairs)
    false = sum(sound.false_onsets for sound in sounds)
    return {
        **_events(sound.onsets for sound in sounds),
        "false_onsets_per_s": false / seconds if seconds > 0 else NOTHING,
        "onsets_where_nothing_happens": float(np.mean(quiet)) if quiet else NOTHING,
        "false_level_db": _median(list(chain(*(s.false_levels_db for s in sounds)))),
        "impact_level_db": _median(list(chain(*(s.impact_levels_db for s in sounds)))),
        "loudest_impact_db": _median(loudest),
        "loudest_in_range": float(np.mean((loudest >= low) & (loudest <= high)))
        if loudest.size
        else NOTHING,
        "peak_dbfs": _median([sound.peak_dbfs for sound in sounds]),
    }


def _events(counts: Iterable[EventCounts]) -> dict[str, float]:
    total = sum(counts, start=EventCounts())
    return {"precision": total.precision, "recall": total.recall, "f1": total.f1}


def _median(values: Any) -> float:
    return float(np.median(values)) if np.size(values) else NOTHING


def summarise_recorded(
    clips: Sequence[RecordedMeasurement], *, rng: np.random.Generator, draws: int = 1000
) -> dict[str, Any]:
    """Return the scores of recorded clips as JSON values, null where undefined.

    Args:
        clips: At least one.
        rng: Draws the bootstrap.
        draws: Bootstrap draws.

    Returns:
        ``scores`` (see `recorded_scores`), ``intervals`` of the same shape with [low, high] of
        95 %, clips being drawn, not events (null for a single clip); ``classes``: number of ``clips`` and ``scores`` by
        class, where the truth names classes; ``sounds``: how many ``clips`` and ``sounds`` were
        scored in each condition; ``clips``: for each its scores, what was found, and
        its measurements.

    Raises:
        InputError: No clips.
    """
    if not clips:
        raise InputError("there is nothing to summarise: no clip was evaluated")
    intervals = bootstrap_intervals(
        len(clips),
        lambda drawn: {
            f"{group}.{name}": value
            for group, row in recorded_scores([clips[index] for index in drawn]).items()
            for name, value in row.items()
        },
        rng=rng,
        draws=draws,
    )
    scores = recorded_scores(clips)
    kinds = sorted({clip.kind for clip in clips if clip.kind})
    classes = {kind: [clip for clip in clips if clip.kind == kind] for kind in kinds}
    return {
        "scores": _json(scores),
        "intervals": {
            group: {
                name: None if interval is None else list(interval)
                for name in row
                for interval in (intervals[f"{group}.{name}"] if len(clips) > 1 else None,)
            }
            for group, row in scores.items()
        },
        "classes": {
            kind: {"clips": len(members), "scores": _json(recorded_scores(members))}
            for kind, members in classes.items()
        },
        "sounds": {
            name: {
                "clips": sum(bool(clip.sounds.get(name)) for clip in clips),
                "sounds": sum(len(clip.sounds.get(name, ())) for clip in clips),
            }
            for name in _conditions(clips)
        },
        "clips": [
            {
                "name": clip.clip_id,
                "scores": _json(recorded_scores([clip])),
                "mass_in_range": clip.mass_in_range,
                **{key: value for key, value in clip.to_json().items() if key != "clip_id"},
            }
            for clip in clips
        ],
    }


def _json(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float | None]]:
    return {
        group: {name: None if np.isnan(value) else value for name, value in row.items()}
        for group, row in scores.items()
    }
