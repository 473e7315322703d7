"""Sounds whose impacts are known."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import Audio


@pytest.fixture
def clicks():
    """Make decaying tones at given times and levels, in a quiet noise floor."""

    def make(
        times_s, levels_db=-30.0, *, duration_s=4.0, rate_hz=16000, floor_db=-70.0, seed=0
    ) -> Audio:
        rng = np.random.default_rng(seed)
        samples = rng.normal(size=round(duration_s * rate_hz)) * 10 ** (floor_db / 20)
        levels = np.broadcast_to(np.asarray(levels_db, dtype=float), np.shape(times_s))
        for time_s, level_db in zip(times_s, levels, strict=True):
            age = np.arange(samples.size) / rate_hz - time_s
            ring = np.where(age >= 0, np.exp(-np.maximum(age, 0.0) * 30.0), 0.0)
            tone = sum(np.sin(2 * np.pi * hz * age) for hz in (430.0, 1170.0, 2900.0))
            burst = ring * tone
            first = burst[age >= 0][: round(0.04 * rate_hz)]
            samples += burst * 10 ** (level_db / 20) / np.sqrt(np.mean(first**2))
        return Audio(samples=samples, sample_rate_hz=rate_hz)

    return make
