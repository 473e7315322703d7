"""Measuring one clip whose impacts are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.data import (
    Audio,
    Contact,
    LabelledClip,
    MovingObject,
    ObjectPhysics,
    PhysicsEstimate,
    Video,
)
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.evaluation import ClipMeasurement, measure_clip
from pavas_sdk.evaluation.clip import counted_impacts, matched
from pavas_sdk.media import MemorySource

TIMES = (0.6, 1.5, 2.4, 3.3)


@pytest.fixture
def clip(clicks):
    """Four impacts; at the second, two contacts; one far too quiet; one cut by the end."""
    times = np.arange(99) / 25.0 + 0.02
    speed = np.interp(times, [0.0, 4.0], [4.0, 1.0])
    entry = ObjectPhysics(
        object=MovingObject(object_id=0, label="ball", action="drop"),
        mass_kg=0.5,
        speed_times_s=times,
        speed_m_s=speed,
    )
    contacts = [Contact(time_s=t, object_id=0, energy_change_j=1.0 + t) for t in TIMES]
    contacts += [
        Contact(time_s=1.51, object_id=0, energy_change_j=0.2),
        Contact(time_s=2.0, object_id=0, energy_change_j=1e-7),
        Contact(time_s=3.97, energy_change_j=1.0),
    ]
    picture = Video(frames=np.zeros((2, 16, 16, 3), np.uint8), times_s=np.array([0.0, 2.0]))
    return LabelledClip(
        clip_id=7,
        action="drop",
        source=MemorySource(picture),
        audio=clicks((*TIMES, 3.97), (-20.0, -30.0, -25.0, -35.0, -20.0)),
        physics=PhysicsEstimate(objects=(entry,), duration_s=4.0),
        contacts=tuple(contacts),
    )


def test_only_isolated_whole_and_audible_impacts_count(clip):
    counted = counted_impacts(clip)
    assert [impact.time_s for impact in counted] == list(TIMES)
    assert counted[1].energy_change_j == pytest.approx(2.7)


def test_the_true_sound_measures_perfect(clip):
    row = measure_clip(clip, clip.audio)
    assert row.clip_id == 7
    assert row.contacts == 7
    assert row.false_onsets == row.false_onsets_reference == 0
    for impact in row.impacts:
        assert abs(impact.error_s) < 0.006
        assert impact.level_db == impact.level_reference_db
        assert impact.strength == impact.strength_reference > 0
        assert impact.energy_j >= 1.6
        assert 0 < impact.window_energy_j < 1.0


def test_a_sound_that_is_late_soft_and_has_one_onset_too_many(clip, clicks):
    made = clicks((*(t + 0.03 for t in TIMES[:3]), 2.85), (-26.0, -36.0, -31.0, -30.0), seed=1)
    row = measure_clip(clip, made, objects=1, seconds=2.0)
    errors = [impact.error_s for impact in row.impacts]
    np.testing.assert_allclose(errors[:3], 0.03, atol=0.006)
    assert np.isnan(errors[3])
    assert row.false_onsets == 1
    softer = [impact.level_reference_db - impact.level_db for impact in row.impacts[:3]]
    np.testing.assert_allclose(softer, 6.0, atol=0.5)
    assert (row.objects, row.seconds) == (1, 2.0)


def test_other_rates_and_lengths_are_brought_to_the_true_ones(clip, clicks):
    made = clicks(TIMES, -30.0, rate_hz=44100, duration_s=3.8)
    same = matched(made, clip.audio)
    assert same.sample_rate_hz == 16000
    assert same.samples.shape == clip.audio.samples.shape
    row = measure_clip(clip, made)
    assert all(abs(impact.error_s) < 0.006 for impact in row.impacts)


def test_stretches_that_are_not_scored_count_for_nothing(clip, clicks):
    quiet = replace(clip, unscored_s=((1.4, 1.6), (2.8, 2.9)))
    assert [impact.time_s for impact in counted_impacts(quiet)] == [0.6, 2.4, 3.3]
    made = clicks((*TIMES, 2.85), -30.0)
    assert measure_clip(clip, made).false_onsets == 1
    assert measure_clip(quiet, made).false_onsets == 0


def test_a_clip_without_true_sound_cannot_be_measured(clip):
    with pytest.raises(InputError, match="clip 7 has no true sound"):
        measure_clip(replace(clip, audio=None), clip.audio)


def test_silence_is_measured(clip):
    row = measure_clip(clip, Audio(samples=np.zeros(64000), sample_rate_hz=16000))
    assert row.onsets_s == ()
    assert all(np.isnan(impact.error_s) for impact in row.impacts)
    assert all(impact.strength == 0.0 and impact.level_db == -120.0 for impact in row.impacts)


def test_contacts_of_no_object_have_no_window_energy(clip, clicks):
    stray = Contact(time_s=0.6, energy_change_j=1.0)
    other = replace(clip, contacts=(stray,))
    (impact,) = measure_clip(other, clip.audio).impacts
    assert np.isnan(impact.window_energy_j)
    assert impact.energy_j == 1.0


def test_rows_survive_json(clip):
    row = measure_clip(clip, Audio(samples=np.zeros(64000), sample_rate_hz=16000))
    text = json.dumps(row.to_json(), allow_nan=False)
    again = ClipMeasurement.from_json(json.loads(text))
    assert again.to_json() == row.to_json()
    assert np.isnan(again.impacts[0].error_s)


@pytest.mark.parametrize("bad", [{}, {"impacts": 3, "onsets_s": []}, {"impacts": [], "x": 1}])
def test_other_json_is_refused(bad):
    with pytest.raises(FormatError):
        ClipMeasurement.from_json(bad)
