"""The level of a sound at an impact: its loudest 40 ms near the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pavas_sdk.data.audio import Audio

__all__ = ["FLOOR_DB", "SEARCH_S", "WINDOW_S", "levels_db"]

FLOOR_DB = -120.0
WINDOW_S = 0.04
SEARCH_S = 0.05


def levels_db(
    audio: Audio, times_s: ArrayLike, *, window_s: float = WINDOW_S, search_s: float = SEARCH_S
) -> NDArray[np.float64]:
    """Return the level at each moment, (I,), dB relative to full scale, not below -120.

    A full-scale square wave has 0 dB. Looking for the largest mean square keeps small timing errors
    out of the level.

    Args:
        audio: The mean of its channels counts. Beyond its ends is silence.
        times_s: Impacts, (I,), seconds.
        window_s: Length of the averaged window.
        search_s: Windows begin within this of the moment.
    """
    rate = audio.sample_rate_hz
    power = np.concatenate([[0.0], np.cumsum(audio.mono.astype(np.float64) ** 2)])
    length = max(1, round(window_s * rate))
    offsets = np.arange(-round(search_s * rate), round(search_s * rate) + 1)
    last = power.size - 1
    levels = np.empty(np.asarray(times_s).size)
    for index, time_s in enumerate(np.asarray(times_s, dtype=np.float64)):
        first = round(time_s * rate) + offsets
        energy = power[np.clip(first + length, 0, last)] - power[np.clip(first, 0, last)]
        levels[index] = 10.0 * np.log10(max(float(energy.max()) / length, 10.0 ** (FLOOR_DB / 10)))
    return levels
