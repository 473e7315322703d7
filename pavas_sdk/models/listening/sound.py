"""Sound as the listening networks get it: mixed, centred, resampled, cut; no gain, no padding.

The order is part of the metrics: channels are averaged, the mean of the *whole* file is taken away,
then the rate is changed, then the sound is cut.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from pavas_sdk.data import Audio

__all__ = ["prepare_sound", "resample"]

_ZERO_CROSSINGS = 6
_ROLL_OFF = 0.99


def prepare_sound(
    audio: Audio, sample_rate_hz: int, length_s: float | None = None, *, centre: bool = True
) -> Tensor:
    """Return one clip's sound for a listening network, float32 (n,).

    Args:
        audio: The whole file, at any rate.
        sample_rate_hz: Of the network.
        length_s: The longest; a shorter clip stays short. None: not cut.
        centre: Take the mean of the whole file away. (Synchformer's audio half: no.)

    Raises:
        InputError: The audio is empty.
    """
    samples = torch.from_numpy(audio.mono.copy())
    if not samples.numel():
        raise InputError("a sound without samples cannot be listened to")
    if centre:
        samples = samples - samples.mean()
    samples = resample(samples, audio.sample_rate_hz, sample_rate_hz)
    return samples if length_s is None else samples[: int(sample_rate_hz * length_s)]


def resample(samples: Tensor, from_hz: int, to_hz: int) -> Tensor:
    """Change the rate of float32 (..., n) to (..., ceil(n to / from)).

    Sinc interpolation under a Hann window of 6 zero crossings to each side, cut-off at 0.99 of the
    lower Nyquist frequency: torchaudio's default, which the field's figures are measured with.

    Raises:
        InputError: A rate below 1.
    """
    if from_hz < 1 or to_hz < 1:
        raise InputError(f"rates must be 1 Hz or more, got {from_hz} and {to_hz}")
    shared = math.gcd(from_hz, to_hz)
    a, b = from_hz // shared, to_hz // shared
    if a == b:
        return samples
    kernel, half = _kernel(a, b)
    flat = F.pad(samples.reshape(-1, 1, samples.shape[-1]), (half, half + a))
    phases = F.conv1d(flat, kernel.to(samples.device), stride=a)  # (rows, b, frames)
    out = phases.transpose(1, 2).reshape(*samples.shape[:-1], -1)
    return out[..., : math.ceil(b * samples.shape[-1] / a)]


@lru_cache(maxsize=16)
def _kernel(a: int, b: int) -> tuple[Tensor, int]:
    """Return one filter per output phase, (b, 1, 2 half + a), and half its reach in samples."""
    base = _ROLL_OFF * min(a, b)
    half = math.ceil(_ZERO_CROSSINGS * a / base)
    steps = torch.arange(-half, half + a, dtype=torch.float64) / a
    phases = torch.arange(b, dtype=torch.float64)[:, None] / b
    t = ((steps - phases) * base).clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = torch.cos(t * (math.pi / _ZERO_CROSSINGS / 2)).square()
    return (torch.sinc(t) * window * (base / a)).float()[:, None], half
