"""Brightness and decay of single impacts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.evaluation import measure_clip, summarise
from pavas_sdk.evaluation.timbre import (
    impact_timbre,
    median_of_known,
    octaves_apart,
    timbre_by_material,
)
from pavas_sdk.simulation import simulate

RATE = 48000


def ringing(*rings, duration_s=2.0):
    """Decaying sinusoids: (time, Hz, seconds for 20 dB, amplitude)."""
    times = np.arange(round(duration_s * RATE)) / RATE
    out = np.zeros_like(times)
    for time_s, hz, decay_s, amplitude in rings:
        since = np.maximum(times - time_s, 0.0)
        tone = amplitude * np.sin(2 * np.pi * hz * since) * 10 ** (-since / decay_s)
        out += np.where(times >= time_s, tone, 0.0)
    return Audio(samples=out, sample_rate_hz=RATE)


@pytest.mark.parametrize(("hz", "decay_s"), [(400.0, 0.03), (2000.0, 0.1), (6000.0, 0.25)])
def test_pitch_and_decay_are_read(hz, decay_s):
    made = impact_timbre(ringing((0.5, hz, decay_s, 0.5)), 0.5)
    assert made.centroid_hz == pytest.approx(hz, rel=0.05)
    # the fall is seen through a window of 10 ms
    assert made.decay_20db_s == pytest.approx(decay_s, abs=0.006)


def test_the_next_impact_is_another_sound():
    audio = ringing((0.5, 3000.0, 2.0, 0.3), (0.7, 200.0, 0.1, 0.5))
    first = impact_timbre(audio, 0.5, 0.7)
    assert first.centroid_hz == pytest.approx(3000.0, rel=0.05)
    assert first.decay_20db_s == pytest.approx(0.19, abs=0.01)  # as long as it was heard
    assert impact_timbre(audio, 0.5).centroid_hz < 0.95 * first.centroid_hz


def test_a_level_is_not_a_timbre_and_a_late_sound_is_found():
    loud = impact_timbre(ringing((0.5, 900.0, 0.08, 0.9)), 0.5)
    soft = impact_timbre(ringing((0.56, 900.0, 0.08, 0.01)), 0.5)
    assert soft.centroid_hz == pytest.approx(loud.centroid_hz, rel=0.02)
    assert soft.decay_20db_s == pytest.approx(loud.decay_20db_s, abs=0.003)


@pytest.mark.parametrize(("time_s", "next_s"), [(0.5, np.inf), (1.99, np.inf), (0.5, 0.515)])
def test_what_cannot_be_read_is_nan(time_s, next_s):
    audio = ringing((0.49, 500.0, 0.1, 0.0 if next_s == np.inf and time_s == 0.5 else 0.5))
    found = impact_timbre(audio, time_s, next_s)
    assert np.isnan(found.centroid_hz)
    assert np.isnan(found.decay_20db_s)


def test_octaves_are_distances():
    apart = octaves_apart(np.array([100.0, 400.0, np.nan]), np.array([200.0, 200.0, 1.0]))
    np.testing.assert_allclose(apart, [1.0, 1.0, np.nan])
    assert median_of_known(apart) == 1.0
    assert np.isnan(median_of_known(np.array([np.nan])))


def test_a_dull_short_copy_is_far_from_the_true_sound_by_material():
    rows = []
    for seed in range(40):
        clip = simulate(seed).clip
        true = clip.true_audio
        # what a mean over all materials sounds like: everything above 500 Hz is gone
        spectrum = np.fft.rfft(true.mono)
        spectrum[np.fft.rfftfreq(true.mono.size, 1 / true.sample_rate_hz) > 500.0] = 0.0
        dull = replace(true, samples=np.fft.irfft(spectrum, true.mono.size)[None])
        rows.append((measure_clip(clip, true), measure_clip(clip, dull)))
        if sum(len(row.impacts) for row, _ in rows) > 20:
            break
    perfect, dull = (
        summarise(clips, rng=np.random.default_rng(0), draws=20)
        for clips in zip(*rows, strict=True)
    )
    assert perfect["centroid_error_octaves"] == perfect["decay_error_octaves"] == 0.0
    assert dull["centroid_error_octaves"] > 0.5
    assert sum(row["impacts"] for row in perfect["timbre"].values()) <= perfect["impacts"]
    for row in perfect["timbre"].values():
        assert row["centroid_hz"] == row["centroid_reference_hz"]
    assert timbre_by_material([]) == {}
