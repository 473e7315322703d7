"""Pooled scores of recorded clips, by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.event_matching import EventCounts
from pavas_sdk.evaluation.recorded_clip import RecordedMeasurement, SoundMeasurement
from pavas_sdk.evaluation.recorded_summary import recorded_scores, summarise_recorded


def sound(true, detected, matched, *, false=0, levels=(), false_levels=(), peak=-10.0, seed=0):
    return SoundMeasurement(
        seed=seed,
        onsets=EventCounts(true=true, detected=detected, matched=matched),
        false_onsets=false,
        false_levels_db=false_levels,
        impact_levels_db=levels,
        peak_dbfs=peak,
    )


def clip(name, counts, *, kind="", mass_kg=None, bounds=None, ratios=(), scored_s=2.0, **sounds):
    return RecordedMeasurement(
        clip_id=name,
        kind=kind,
        scored_s=scored_s,
        impacts=EventCounts(**dict(zip(("true", "detected", "matched"), counts, strict=True))),
        detected_s=(),
        labels=(),
        mass_kg=mass_kg,
        mass_range_kg=bounds,
        speed_ratios=ratios,
        sounds={key: tuple(rows) for key, rows in sounds.items()},
        skipped={},
    )


CLIPS = [
    clip(
        "a",
        (4, 4, 3),
        kind="strike",
        mass_kg=0.1,
        bounds=(0.05, 0.2),
        ratios=(0.5, 2.0),
        estimated=[
            sound(4, 6, 3, false=2, levels=(-30.0, -10.0), false_levels=(-50.0, -40.0)),
            sound(4, 4, 4, levels=(-40.0, -30.0), peak=-20.0, seed=1),
        ],
    ),
    clip(
        "b",
        (0, 2, 0),
        kind="roll",
        bounds=(0.05, 0.2),
        ratios=(1.0,),
        estimated=[sound(0, 3, 0, false=3, false_levels=(-60.0,) * 3), sound(0, 0, 0, seed=1)],
    ),
    clip("c", (0, 0, 0), scored_s=0.0, estimated=[sound(0, 0, 0)]),
]


def test_counts_are_pooled_over_clips_and_seeds():
    scores = recorded_scores(CLIPS)
    assert scores["impacts"] == {
        "precision": pytest.approx(3 / 6),
        "recall": pytest.approx(3 / 4),
        "f1": pytest.approx(6 / 10),
    }
    made = scores["sound estimated"]
    assert made["precision"] == pytest.approx(7 / 13)
    assert made["recall"] == pytest.approx(7 / 8)
    assert made["f1"] == pytest.approx(14 / 21)


def test_masses_speeds_and_levels():
    scores = recorded_scores(CLIPS)
    assert scores["objects"] == {
        "masses_in_range": 0.5,  # b's object was not found; c's mass is not known
        "speed_factor": 1.0,
        "speed_error_factor": 2.0,
    }
    made = scores["sound estimated"]
    assert made["false_onsets_per_s"] == pytest.approx(5 / 8.0)
    assert made["onsets_where_nothing_happens"] == pytest.approx(1.5)  # c is not scored at all
    assert made["false_level_db"] == pytest.approx(-60.0)
    assert made["impact_level_db"] == pytest.approx(-30.0)
    assert made["loudest_impact_db"] == pytest.approx(-20.0)
    assert made["loudest_in_range"] == pytest.approx(0.5)


def test_a_summary_has_intervals_classes_and_clips():
    summary = summarise_recorded(CLIPS, rng=np.random.default_rng(0), draws=200)
    json.dumps(summary, allow_nan=False)
    assert set(summary["intervals"]) == set(summary["scores"])
    low, high = summary["intervals"]["sound estimated"]["f1"]
    assert low <= summary["scores"]["sound estimated"]["f1"] <= high
    assert {kind: row["clips"] for kind, row in summary["classes"].items()} == {
        "roll": 1,
        "strike": 1,
    }
    assert summary["classes"]["roll"]["scores"]["impacts"]["recall"] is None
    assert summary["sounds"] == {"estimated": {"clips": 3, "sounds": 5}}
    assert [row["name"] for row in summary["clips"]] == ["a", "b", "c"]
    assert [row["mass_in_range"] for row in summary["clips"]] == [True, False, None]


def test_the_same_seed_gives_the_same_intervals_and_no_clips_are_refused():
    first, second = (
        summarise_recorded(CLIPS, rng=np.random.default_rng(3), draws=50) for _ in range(2)
    )
    assert first == second
    with pytest.raises(InputError, match="nothing to summarise"):
        summarise_recorded([], rng=np.random.default_rng(0))


def test_a_single_clip_has_no_intervals():
    summary = summarise_recorded(CLIPS[:1], rng=np.random.default_rng(0))
    assert summary["intervals"]["impacts"] == {"precision": None, "recall": None, "f1": None}
    assert summary["scores"]["impacts"]["f1"] == pytest.approx(6 / 8)


def test_conditions_stand_in_one_order_though_the_first_clip_lacks_one():
    first = clip("a", (1, 1, 1), none=[sound(1, 1, 1)])
    second = clip("b", (1, 1, 1), none=[sound(1, 1, 1)], true=[sound(1, 1, 1)])
    summary = summarise_recorded([first, second], rng=np.random.default_rng(0), draws=20)
    assert list(summary["sounds"]) == ["true", "none"]
    assert list(summary["scores"]) == ["impacts", "objects", "sound true", "sound none"]
