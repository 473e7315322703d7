"""Levels at impacts and what is computed from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from pavas_sdk.data import Audio
from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import loudness

LEVELS = st.lists(st.floats(-80.0, 0.0), min_size=3, max_size=30)


def test_levels_are_those_the_sounds_were_made_with(clicks):
    times, levels = [0.5, 1.2, 2.0, 3.0], [-20.0, -45.0, -30.0, -38.0]
    measured = loudness.levels_db(clicks(times, levels, floor_db=-90.0), times)
    np.testing.assert_allclose(measured, levels, rtol=0, atol=0.3)


def test_level_survives_a_timing_error_of_40_ms(clicks):
    times = [0.5, 1.2, 2.0, 3.0]
    audio = clicks(times)
    exact = loudness.levels_db(audio, times)
    for error in (-0.04, 0.04):
        np.testing.assert_allclose(loudness.levels_db(audio, np.add(times, error)), exact, atol=0.2)


def test_full_scale_square_wave_is_0_db_and_silence_the_floor():
    square = Audio(samples=np.ones(16000), sample_rate_hz=16000)
    assert loudness.levels_db(square, [0.5])[0] == pytest.approx(0.0, abs=1e-6)
    silence = Audio(samples=np.zeros(16000), sample_rate_hz=16000)
    assert loudness.levels_db(silence, [0.5])[0] == loudness.FLOOR_DB


def test_beyond_the_ends_is_silence():
    square = Audio(samples=np.ones(1600), sample_rate_hz=16000)
    assert loudness.levels_db(square, [0.0])[0] == pytest.approx(0.0, abs=1e-6)
    assert loudness.levels_db(square, [9.0])[0] == loudness.FLOOR_DB


@given(LEVELS, st.integers(0, 99))
def test_spearman_is_the_correlation_of_ranks_and_ignores_gain(levels, seed):
    energies = np.random.default_rng(seed).lognormal(size=len(levels))
    value = loudness.loudness_energy_spearman(levels, energies)
    if np.ptp(levels) == 0:
        assert value == 0.0
        return
    ranks = np.corrcoef(rankdata(levels), rankdata(energies))
    assert value == pytest.approx(ranks[0, 1], abs=1e-12)
    # rounding to a grid, so that adding a gain cannot merge neighbours
    steps = np.round(np.asarray(levels), 3)
    assert loudness.loudness_energy_spearman(steps + 8.0, energies) == pytest.approx(
        loudness.loudness_energy_spearman(steps, np.log(energies)), abs=1e-12
    )


def test_spearman_of_too_little_is_nan_and_of_a_constant_0():
    assert np.isnan(loudness.loudness_energy_spearman([1.0, 2.0], [1.0, 2.0]))
    assert loudness.loudness_energy_spearman([-20.0] * 4, [1.0, 2.0, 3.0, 4.0]) == 0.0


@given(LEVELS, st.floats(-20.0, 20.0))
def test_a_constant_gain_is_the_offset_and_the_error(levels, gain):
    shifted = np.asarray(levels) + gain
    assert loudness.level_offset_db(shifted, levels) == pytest.approx(gain, abs=1e-9)
    assert loudness.level_error_db(shifted, levels) == pytest.approx(abs(gain), abs=1e-9)


def test_missing_values_are_left_out_and_nothing_is_nan():
    figures = loudness.evaluate([-20.0, np.nan, -30.0], [-21.0, -10.0, -33.0], [1.0, 1.0, np.nan])
    assert figures["level_error_db"] == pytest.approx(2.0)
    assert np.isnan(figures["loudness_energy_spearman"])
    assert np.isnan(loudness.level_error_db([], []))
    assert np.isnan(loudness.level_offset_db([], []))


def test_lengths_must_agree():
    with pytest.raises(InputError, match="one length"):
        loudness.level_error_db([1.0], [1.0, 2.0])
