"""From rows to one result."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import ClipMeasurement, summarise
from pavas_sdk.evaluation.clip import ImpactMeasurement
from pavas_sdk.evaluation.summary import METRICS


def impact(energy, *, gain_db=0.0, error_s=0.01, strength=None):
    level = -30.0 + 7.2 * np.log10(energy)
    true = energy**0.36
    return ImpactMeasurement(
        time_s=1.0,
        energy_j=energy,
        window_energy_j=energy,
        strength=true if strength is None else strength,
        strength_reference=true,
        level_db=level + gain_db,
        level_reference_db=level,
        error_s=error_s,
    )


def clip(clip_id, impacts, *, category="drop", false=0):
    return ClipMeasurement(
        clip_id=clip_id,
        category=category,
        impacts=tuple(impacts),
        contacts=len(impacts) + 1,
        onsets_s=(),
        false_onsets=false,
        false_onsets_reference=0,
        seconds=2.0,
    )


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    return [
        clip(i, [impact(e) for e in rng.lognormal(size=3)], category=("drop", "strike")[i % 2])
        for i in range(20)
    ]


def summary(clips, **options):
    return summarise(clips, rng=np.random.default_rng(0), draws=50, **options)


def test_a_faithful_model_has_perfect_figures(clips):
    result = summary(clips)
    assert result["onset_hit_rate"] == 1.0
    assert result["onset_timing_error_ms"] == pytest.approx(10.0)
    assert result["loudness_energy_spearman"] == pytest.approx(1.0)
    assert result["level_error_db"] == 0.0
    assert result["apcc_delta"] == 0.0
    assert (result["impacts"], result["clips"], result["contacts"]) == (60, 20, 80)
    assert result["apcc_classes"]["drop"]["impacts"] == 30
    assert result["seconds_per_clip"] == 2.0


def test_every_metric_has_a_value_and_an_interval_around_it(clips):
    clips[3] = clip(3, [impact(1.0, gain_db=3.0, error_s=float("nan"))], false=4)
    result = summary(clips)
    assert set(METRICS) <= set(result)
    assert set(result["intervals"]) == set(METRICS)
    for name in ("onset_hit_rate", "false_onsets_per_clip", "level_error_db"):
        low, high = result["intervals"][name]
        assert low <= result[name] <= high
        assert low < high
    json.dumps(result, allow_nan=False)


def test_a_model_without_physics_has_no_correlation(clips):
    rng = np.random.default_rng(1)
    deaf = [
        replace(
            row,
            impacts=tuple(
                replace(hit, strength=float(rng.random()), level_db=float(rng.normal(-30, 6)))
                for hit in row.impacts
            ),
        )
        for row in clips
    ]
    result = summary(deaf)
    assert abs(result["loudness_energy_spearman"]) < 0.3
    assert result["loudness_energy_spearman_reference"] == pytest.approx(1.0)
    assert result["apcc_delta"] > 0.5


def test_clips_without_impacts_are_null_not_nan():
    result = summary([clip(0, []), clip(1, [], false=1)])
    assert result["onset_hit_rate"] is None
    assert result["apcc_delta"] is None
    assert result["intervals"]["apcc_delta"] is None
    assert result["false_onsets_per_clip"] == 0.5
    assert result["apcc_left_out"] == {}
    json.dumps(result, allow_nan=False)


def test_small_classes_are_named(clips):
    result = summary([*clips, clip(99, [impact(1.0)], category="roll")])
    assert result["apcc_left_out"] == {"roll": 1}


def test_nothing_cannot_be_summarised():
    with pytest.raises(InputError, match="no clip"):
        summary([])


def test_classes_have_deltas_counts_and_intervals(clips):
    rng = np.random.default_rng(3)
    for index in range(0, 20, 2):  # "drop" follows nothing
        shuffled = [impact(e, strength=float(rng.random())) for e in rng.lognormal(size=3)]
        clips[index] = clip(index, shuffled)
    clips += [clip(30 + i, [impact(1.0 + i)], category="roll") for i in range(3)]
    result = summary(clips)
    drop, strike = result["apcc_classes"]["drop"], result["apcc_classes"]["strike"]
    assert (drop["clips"], drop["impacts"]) == (10, 30)
    assert strike["apcc_delta"] == pytest.approx(0.0)
    assert drop["apcc_delta"] == pytest.approx(abs(drop["apcc"] - drop["apcc_reference"]))
    low, high = drop["intervals"]["apcc_delta"]
    assert low <= drop["apcc_delta"] <= high
    assert low < high
    # three impacts of the smallest class are a third of the mean, and 3 of 63 of the weighted one
    assert result["apcc_classes"]["roll"]["impacts"] == 3
    assert result["apcc_delta"] == pytest.approx(drop["apcc_delta"] / 3)
    assert result["apcc_delta_weighted"] == pytest.approx(drop["apcc_delta"] * 30 / 63)
