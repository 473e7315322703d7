"""Mixes that no simulated clip makes: ringing, bursts, rustling and clicks of any pitch and level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import butter, sosfilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["mixed_sound"]

_SILENT_SHARE = 0.03
_NOISE_SHARE = 0.6  # of the mixes that have a noise floor


def mixed_sound(rng: np.random.Generator, samples: int, rate_hz: float) -> NDArray[np.float32]:
    """Return a mix, float32 (samples,), its peak between -50 and -1 dB of full scale, or silence.

    Args:
        rng: Where everything is drawn from.
        samples: Length.
        rate_hz: Samples per second.
    """
    out = np.zeros(samples)
    if rng.random() < _SILENT_SHARE:
        return out.astype(np.float32)
    for _ in range(int(rng.integers(1, 9))):
        start = int(rng.integers(0, samples))
        kind = rng.random()
        if kind < 0.55:
            part = _ringing(rng, samples - start, rate_hz)
        elif kind < 0.75:
            part = _burst(rng, samples - start, rate_hz)
        elif kind < 0.85:
            part = _click(rng, samples - start)
        else:
            start, part = 0, _rustle(rng, samples, rate_hz)
        peak = max(float(np.abs(part).max()), 1e-12)
        out[start : start + part.size] += part * (_level(rng, -40.0, 0.0) / peak)
    out *= _level(rng, -50.0, -1.0) / max(float(np.abs(out).max()), 1e-12)
    if rng.random() < _NOISE_SHARE:
        floor = _coloured(rng, samples, rate_hz)
        out += floor * (_level(rng, -95.0, -55.0) / max(float(floor.std()), 1e-12))
    return np.clip(out, -1.0, 1.0).astype(np.float32)


def _level(rng: np.random.Generator, low_db: float, high_db: float) -> float:
    return float(10.0 ** (rng.uniform(low_db, high_db) / 20.0))


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from ``low`` to ``high``, each octave alike."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _coloured(rng: np.random.Generator, samples: int, rate_hz: float) -> NDArray[np.float64]:
    """Noise below, above or between random corners."""
    noise = rng.standard_normal(samples)
    low = _between(rng, 40.0, 4000.0)
    high = min(low * _between(rng, 1.5, 100.0), 0.45 * rate_hz)
    order = int(rng.integers(1, 4))
    kind = rng.random()
    if kind < 0.3:
        return noise
    if kind < 0.6:
        corners = {"Wn": high, "btype": "lowpass"}
    elif kind < 0.75:
        corners = {"Wn": low, "btype": "highpass"}
    else:
        corners = {"Wn": [low, high], "btype": "bandpass"}
    sections = butter(order, **corners, fs=rate_hz, output="sos")
    return np.asarray(sosfilt(sections, noise), dtype=np.float64)


def _ringing(rng: np.random.Generator, samples: int, rate_hz: float) -> NDArray[np.float64]:
    """Decaying modes, from a dull block to a bell, with the click that excites them."""
    count = int(rng.integers(1, 25))
    lowest = _between(rng, 45.0, 4000.0)
    span = _between(rng, 1.0, 60.0)
    hz = np.minimum(lowest * span ** rng.random(count), 0.45 * rate_hz)
    decay = _between(rng, 1.5, 250.0) * (hz / lowest) ** rng.uniform(0.0, 0.9)
    decay *= np.exp(rng.normal(0.0, 0.3, count))
    gain = np.exp(rng.normal(0.0, 0.8, count)) * (hz / lowest) ** rng.uniform(-1.2, 0.3)
    longest = min(samples, int(8.0 / decay.min() * rate_hz) + 1)
    time = np.arange(longest) / rate_hz
    attack = 1.0 - np.exp(-time / _between(rng, 5e-5, 2e-3))
    out = np.zeros(longest)
    for one_hz, one_decay, one_gain in zip(hz, decay, gain, strict=True):
        upto = min(longest, int(8.0 / one_decay * rate_hz) + 1)
        part = time[:upto]
        phase = 2.0 * np.pi * (one_hz * part + rng.random())
        out[:upto] += one_gain * np.exp(-one_decay * part) * np.sin(phase)
    out *= attack
    if rng.random() < 0.7:
        burst = _burst(rng, longest, rate_hz)
        share = _level(rng, -30.0, 0.0) * np.abs(out).max() / max(np.abs(burst).max(), 1e-12)
        out[: burst.size] += share * burst
    return out


def _burst(rng: np.random.Generator, samples: int, rate_hz: float) -> NDArray[np.float64]:
    """Noise that starts at once and dies away."""
    decay = _between(rng, 8.0, 2000.0)
    length = min(samples, int(8.0 / decay * rate_hz) + 1)
    fading = np.exp(-decay * np.arange(length) / rate_hz)
    return np.asarray(_coloured(rng, length, rate_hz) * fading)


def _click(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Half a sine of up to 50 samples."""
    length = min(samples, int(rng.integers(1, 50)))
    return np.asarray(np.sin(np.pi * (np.arange(length) + 0.5) / length))


def _rustle(rng: np.random.Generator, samples: int, rate_hz: float) -> NDArray[np.float64]:
    """Noise that swells and fades slowly, like rolling."""
    points = int(rng.integers(3, 40))
    logs = rng.normal(0.0, _between(rng, 0.2, 2.0), points)
    envelope = np.interp(np.linspace(0.0, points - 1.0, samples), np.arange(points), logs)
    return _coloured(rng, samples, rate_hz) * np.exp(envelope)
