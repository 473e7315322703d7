"""Mel spectrograms against the reference."""

import numpy as np
import pytest
import torch
from goldens import of_kind, params, stored_slice

from pavas_sdk.models import MEL_16K, MEL_44K, MelSpectrogram

CONFIGS = {"16k": MEL_16K, "44k": MEL_44K}

# Chirps (from Hz, to Hz, amplitude; a fraction stands for a share of the rate) and clicks
# (time s, Hz, decay 1/s) of each wave_variant.
WAVES = {
    0: (
        [(110, 3000, 0.30), (700, 200, 0.20), (2500, 0.45, 0.15)],
        [(0.25, 1200, 30), (1.0, 3000, 60), (1.75, 500, 12)],
    ),
    1: (
        [(60, 5000, 0.25), (1500, 90, 0.25), (3300, 0.40, 0.12)],
        [(0.1, 900, 20), (0.8, 2500, 45), (1.4, 400, 10)],
    ),
}


def waveform(samples, rate, variant):
    chirps, clicks = WAVES[variant]
    t = np.arange(samples) / rate
    wave = np.zeros(samples)
    for start, end, amplitude in chirps:
        end = end * rate if end < 1 else end
        wave += amplitude * np.sin(
            2 * np.pi * (start * t + (end - start) * t**2 * rate / samples / 2)
        )
    for time, frequency, decay in clicks:
        click = 0.9 * np.exp(-decay * (t - time)) * np.cos(2 * np.pi * frequency * (t - time))
        wave += np.where(t >= time, click, 0.0)
    return torch.from_numpy(wave.astype(np.float32))[None]


@pytest.mark.parametrize("golden", params(of_kind("mel_")))
def test_mel(golden):
    entry = golden.entry
    config = CONFIGS[entry["mode"]]
    assert config.sample_rate_hz == entry["sampling_rate"]
    front_end = MelSpectrogram(config)
    wave = waveform(entry["samples"], entry["sampling_rate"], entry["wave_variant"])
    assert wave.abs().max() > 1, "the goldens test the clamping"
    golden.check("wave", wave)
    golden.check("mel_basis", front_end.mel_basis)
    mel = front_end(wave)
    assert mel.dtype == torch.float32
    want = golden.tensors["mel"]
    got = stored_slice(mel.numpy(), entry["tensors"]["mel"].get("slice"))
    # The logarithm magnifies rounding near its floor.
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-2)
    assert np.linalg.norm(got - want) / np.linalg.norm(want) < 1e-4
