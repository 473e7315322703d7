"""Onsets on sounds with known moments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import Audio
from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import onset

MOMENTS = (0.42, 1.013, 1.657, 2.3, 3.1037)


@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_known_impacts_are_found_at_their_moments(clicks, rate_hz):
    audio = clicks(MOMENTS, [-20.0, -45.0, -30.0, -38.0, -25.0], rate_hz=rate_hz)
    found = onset.detect_onsets(audio)
    assert len(found) == len(MOMENTS)
    np.testing.assert_allclose(found, MOMENTS, rtol=0, atol=0.006)


def test_strength_peaks_at_the_moment_without_bias(clicks):
    rng = np.random.default_rng(4)
    errors = []
    for seed in range(12):
        moment = float(rng.uniform(0.5, 1.5))
        curve = onset.onset_strength(clicks([moment], -30.0, duration_s=2.0, seed=seed))
        errors.append(curve.times_s[curve.values.argmax()] - moment)
    assert np.abs(errors).max() < 0.008
    assert abs(np.mean(errors)) < 0.003


def test_louder_impacts_are_stronger(clicks):
    levels = [-50.0, -40.0, -30.0, -20.0]
    curve = onset.onset_strength(clicks(MOMENTS[:4], levels))
    strengths = [curve.peak_near(moment) for moment in MOMENTS[:4]]
    assert strengths == sorted(strengths)
    assert strengths[0] < 0.2 * strengths[3]


def test_silence_has_no_onsets_and_no_strength():
    silence = Audio(samples=np.zeros(16000), sample_rate_hz=16000)
    assert onset.detect_onsets(silence).size == 0
    curve = onset.onset_strength(silence)
    assert (curve.values == 0).all()
    assert curve.peak_near(0.5) == 0.0


def test_steady_noise_has_no_onsets(clicks):
    assert onset.detect_onsets(clicks([], floor_db=-40.0)).size == 0


def test_very_short_audio_is_measured_and_empty_audio_refused():
    short = Audio(samples=np.ones(10), sample_rate_hz=16000)
    assert onset.onset_strength(short).values.size == 1
    assert onset.detect_onsets(short).size <= 1
    with pytest.raises(InputError, match="without samples"):
        onset.onset_strength(Audio(samples=np.zeros(0), sample_rate_hz=16000))


def test_peak_near_looks_only_near():
    curve = onset.OnsetStrength(times_s=np.array([0.0, 0.5, 1.0]), values=np.array([1.0, 2.0, 3.0]))
    assert curve.peak_near(0.45) == 2.0
    assert curve.peak_near(0.75, within_s=0.3) == 3.0
    assert curve.peak_near(5.0) == 0.0


def test_one_onset_serves_one_impact():
    assert onset.match_onsets([1.0, 1.05], [1.02]) == [(0, 0)]
    assert onset.hit_rate([1.0, 1.05], [1.02]) == 0.5


def test_as_many_pairs_as_possible_even_when_a_closer_pair_is_lost():
    # the closest pair alone (1.09, 1.1) would leave the first impact without an onset
    assert onset.match_onsets([1.0, 1.1], [1.09, 1.19]) == [(0, 0), (1, 1)]


TIMES = st.lists(st.floats(0.0, 2.0), max_size=5).map(sorted)


@given(TIMES, TIMES)
def test_matching_is_the_best_of_all_matchings(reference, estimated):
    pairs = onset.match_onsets(reference, estimated)
    assert len({i for i, _ in pairs}) == len({o for _, o in pairs}) == len(pairs)
    assert all(abs(reference[i] - estimated[o]) <= onset.WITHIN_S for i, o in pairs)
    near = [
        (i, o)
        for i, r in enumerate(reference)
        for o, e in enumerate(estimated)
        if abs(r - e) <= onset.WITHIN_S
    ]
    best = 0
    for size in range(1, min(len(reference), len(estimated)) + 1):
        for chosen in itertools.combinations(near, size) if len(near) <= 12 else ():
            if len({i for i, _ in chosen}) == len({o for _, o in chosen}) == size:
                best = max(best, size)
    assert len(pairs) >= best


@given(TIMES)
def test_perfect_onsets_have_perfect_figures(times):
    figures = onset.evaluate(times, times)
    assert figures["false_onsets"] == 0
    if times:
        assert figures["onset_hit_rate"] == 1.0
        assert figures["onset_timing_error_ms"] == 0.0
    else:
        assert np.isnan(figures["onset_hit_rate"])
        assert np.isnan(figures["onset_timing_error_ms"])


def test_timing_errors_are_signed():
    np.testing.assert_allclose(onset.timing_errors_s([1.0, 2.0], [1.03, 1.95]), [0.03, -0.05])


def test_onsets_away_from_every_contact_are_false():
    assert onset.false_onsets([1.0, 1.02], [0.5, 1.05, 1.09, 3.0]) == 2
    assert onset.false_onsets([], [0.5]) == 1
    assert onset.false_onsets([1.0], []) == 0


@pytest.mark.parametrize("bad", [[2.0, 1.0], [np.nan], [[1.0]]])
def test_impossible_times_are_refused(bad):
    with pytest.raises(InputError):
        onset.validate(bad, [1.0])
    with pytest.raises(InputError):
        onset.match_onsets([1.0], bad)
