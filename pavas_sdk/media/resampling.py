"""A sound at another sample rate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import soxr

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from pavas_sdk.data import Audio

__all__ = ["resampled"]


def resampled(audio: Audio, sample_rate_hz: int) -> Audio:
    """Return the sound at another rate, of the same length and level (soxr, very high quality).

    Args:
        audio: The sound.
        sample_rate_hz: 8,000 to 384,000.

    Raises:
        InputError: A rate out of range.
    """
    if isinstance(sample_rate_hz, bool) or not 8_000 <= sample_rate_hz <= 384_000:
        raise InputError(
            f"the sample rate must be 8000 to 384000 samples per second, got {sample_rate_hz!r}"
        )
    if sample_rate_hz == audio.sample_rate_hz:
        return audio
    wanted = round(audio.samples.shape[1] * sample_rate_hz / audio.sample_rate_hz)
    frames = soxr.resample(
        np.ascontiguousarray(audio.samples.T), audio.sample_rate_hz, sample_rate_hz, quality="VHQ"
    )
    return replace(audio, samples=frames.T, sample_rate_hz=sample_rate_hz).fitted(wanted)
