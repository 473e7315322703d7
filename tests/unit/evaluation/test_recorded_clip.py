"""Measurements of one recorded clip, from estimates and sounds that are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pavas_sdk.data import Audio, MaskTrack, MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.errors import FormatError
from pavas_sdk.evaluation.event_matching import EventCounts
from pavas_sdk.evaluation.recorded_clip import (
    RecordedMeasurement,
    find_main_object,
    measure_estimate,
    measure_sound,
)
from pavas_sdk.evaluation.true_physics import true_physics
from pavas_sdk.evaluation.truth import ClipTruth

IMPACTS = (1.0, 2.0, 3.0)


def truth(**given):
    return ClipTruth(**{"name": "a.mp4", "duration_s": 4.0, "impacts_s": IMPACTS, **given})


def estimate(impacts_s=IMPACTS, **given):
    return true_physics(label="ball", duration_s=4.0, impacts_s=impacts_s, **given)


def measured(known, physics, main=0):
    return measure_estimate(known, physics, main, sounds={}, skipped={})


def test_impacts_of_the_estimate_are_matched_where_scored():
    row = measured(truth(unscored_s=((2.5, 4.0),)), estimate((1.05, 1.5, 3.0)))
    assert row.impacts == EventCounts(true=2, detected=2, matched=1)
    assert row.scored_s == 2.5
    assert len(row.detected_s) == 3


def test_one_collision_of_two_objects_counts_once():
    (one,) = estimate()
    other = ObjectPhysics(
        object=MovingObject(object_id=1, label="box"),
        mass_kg=1.0,
        speed_times_s=one.speed_times_s,
        speed_m_s=one.speed_m_s,
    )
    row = measured(truth(), PhysicsEstimate(objects=(one, other), duration_s=4.0))
    assert row.impacts == EventCounts(true=3, detected=3, matched=3)
    assert row.labels == ("ball", "box")


@pytest.mark.parametrize(
    ("bounds", "main", "in_range"),
    [((0.05, 0.2), 0, True), ((0.2, 0.3), 0, False), ((0.05, 0.2), None, False), (None, 0, None)],
)
def test_the_mass_of_the_main_object_is_judged(bounds, main, in_range):
    row = measured(truth(mass_range_kg=bounds), estimate(mass_range_kg=(0.1, 0.1)), main)
    assert row.mass_in_range is in_range


def test_speeds_are_compared_on_their_side_of_an_impact():
    physics = estimate((1.0,), speeds=((0.7, 3.0), (0.99, 3.0), (1.01, 1.0), (2.0, 1.0)))
    known = truth(impacts_s=(1.0,), speeds=((0.99, 6.0), (1.01, 2.0), (1.5, 0.0), (3.9, 0.5)))
    assert measured(known, physics).speed_ratios == pytest.approx((0.5, 0.5, 2.0))
    assert measured(known, physics, None).speed_ratios == ()


def disc(object_id, column):
    """A square of 8 pixels that stands at a column of a picture of 64 x 48."""
    masks = np.zeros((4, 48, 64), dtype=np.bool_)
    masks[:, 20:28, column : column + 8] = True
    return MaskTrack(
        object_id=object_id,
        masks=masks,
        times_s=np.arange(4.0),
        scores=np.ones(4, dtype=np.float32),
    )


def test_the_main_object_is_the_one_on_the_points():
    physics = PhysicsEstimate(
        objects=tuple(
            ObjectPhysics(
                object=MovingObject(object_id=k, label="disc"),
                mass_kg=1.0,
                speed_times_s=np.arange(3.0),
                speed_m_s=np.array([1.0, np.nan, np.nan]) if k == 0 else np.ones(3),
            )
            for k in range(2)
        ),
        duration_s=4.0,
    )
    masks = {0: disc(0, 8), 1: disc(1, 40)}
    x0, x1, y = 12 / 64, 44 / 64, 24 / 48
    assert (
        find_main_object(truth(points=((0.0, x1, y), (1.0, x0, y), (2.0, x0, y))), physics, masks)
        == 0
    )
    assert find_main_object(truth(points=((0.0, x1, y),)), physics, masks) == 1
    assert find_main_object(truth(points=((0.0, 0.45, 0.9),)), physics, masks) is None
    assert find_main_object(truth(points=((9.0, x0, y),)), physics, masks) is None  # not there then
    assert find_main_object(truth(), physics, {}) == 1  # seen longest
    nothing = PhysicsEstimate(objects=(), duration_s=4.0)
    assert find_main_object(truth(), nothing, {}) is None


def test_onsets_and_levels_of_a_sound(clicks):
    audio = clicks([1.0, 1.5, 2.03, 3.3], [-20.0, -30.0, -25.0, -40.0])
    row = measure_sound(truth(unscored_s=((3.2, 4.0),)), audio, seed=7)
    assert row.seed == 7
    assert row.onsets == EventCounts(true=3, detected=3, matched=2)
    assert row.false_onsets == 1
    assert row.false_levels_db == pytest.approx((-30.0,), abs=1.0)
    assert row.impact_levels_db == pytest.approx((-20.0, -25.0, -70.0), abs=1.0)
    assert row.peak_dbfs == pytest.approx(audio.peak_dbfs)


def test_a_second_onset_at_an_impact_has_no_partner_but_is_not_false(clicks):
    row = measure_sound(truth(impacts_s=(1.0,)), clicks([0.95, 1.06], -20.0), seed=0)
    assert row.onsets == EventCounts(true=1, detected=2, matched=1)
    assert row.false_onsets == 0


def test_silence_has_a_level_and_no_onsets():
    row = measure_sound(truth(), Audio(samples=np.zeros(64000), sample_rate_hz=16000), seed=0)
    assert row.onsets == EventCounts(true=3, detected=0, matched=0)
    assert row.impact_levels_db == (-120.0, -120.0, -120.0)
    assert row.peak_dbfs == -120.0


def test_measurements_survive_json(clicks):
    known = truth(mass_range_kg=(0.1, 0.2), speeds=((0.9, 2.0),), kind="strike")
    row = measure_estimate(
        known,
        estimate(),
        0,
        sounds={"none": [measure_sound(known, clicks([1.0]), seed=1)]},
        skipped={"true": "why"},
        seconds=1.5,
    )
    assert RecordedMeasurement.from_json(json.loads(json.dumps(row.to_json()))) == row
    with pytest.raises(FormatError, match="not a clip's measurements"):
        RecordedMeasurement.from_json({"clip_id": "a.mp4"})
