"""Physical quantities of impact sounds: pitch, decay, level, brightness, onset.

Conventions
-----------
All are read from the first channel mean, around given impacts, and the median over the impacts is
taken. An impact's stretch ends at the next impact, after half a second (decay: two), or at the end.

- ``level``: loudest 40 ms near the moment, dB relative to full scale.
- ``f0``: fundamental frequency, Hz: YIN (librosa) between 60 and 4000 Hz over the stretch, median.
- ``centroid``: power-weighted mean frequency of the first 100 ms, Hz.
- ``decay``: seconds for 60 dB, from a straight line through the backward-integrated energy of the
  stretch between -5 and -25 dB (Schroeder); NaN where its level does not fall by 25 dB.
- ``onset``: distance of the nearest onset within 100 ms from the impact, seconds, positive is late.

A quantity that cannot be read (silence, no onset) is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.impact_level import FLOOR_DB, levels_db
from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import onset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio

__all__ = ["QUANTITIES", "change", "quantity"]

QUANTITIES = ("f0", "decay", "level", "centroid", "onset")
LONGEST_S, LONGEST_DECAY_S, ATTACK_S = 0.5, 2.0, 0.1
F0_HZ = (60.0, 4000.0)
DECAY_DB = (-5.0, -25.0)
_FRAME_S = 0.064


def quantity(audio: Audio, name: str, impacts_s: Sequence[float]) -> float:
    """Return a quantity of a sound, in its unit (see the module), NaN where it cannot be read.

    Args:
        audio: The sound.
        name: One of `QUANTITIES`.
        impacts_s: Moments, seconds, at least one.

    Raises:
        InputError: Another name, or no impact.
    """
    if name not in QUANTITIES or not len(impacts_s):
        raise InputError(
            f"expected one of {', '.join(QUANTITIES)} and at least one impact, got {name!r}, "
            f"{list(impacts_s)}"
        )
    times = sorted(impacts_s)
    if name == "level":
        levels = levels_db(audio, times)
        return float(np.median(levels)) if (levels > FLOOR_DB).any() else float("nan")
    if name == "onset":
        errors = onset.timing_errors_s(times, onset.detect_onsets(audio))
        return float(np.median(errors)) if errors.size else float("nan")
    read = {"f0": _f0_hz, "decay": _decay_s, "centroid": _centroid_hz}[name]
    rate, samples = audio.sample_rate_hz, audio.mono.astype(np.float64)
    values = []
    for time_s, next_s in zip(times, [*times[1:], np.inf], strict=True):
        longest_s = LONGEST_DECAY_S if name == "decay" else LONGEST_S
        end_s = min(time_s + longest_s, next_s - 0.01)
        values.append(read(samples[round(time_s * rate) : max(0, round(end_s * rate))], rate))
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")


def change(name: str, first: float, second: float) -> float:
    """Return how a quantity differs between two sounds: octaves (f0, centroid, decay), dB, or seconds.

    Args:
        name: One of `QUANTITIES`.
        first: Of the first sound.
        second: Of the second.
    """
    if name in ("level", "onset"):
        return second - first
    if not (first > 0 and second > 0):
        return float("nan")
    return float(np.log2(second / first))


def _f0_hz(part: NDArray[np.float64], rate: int) -> float:
    import librosa

    length = 1 << (round(_FRAME_S * rate) - 1).bit_length()
    if part.size < length or not part.any():
        return float("nan")
    high = min(F0_HZ[1], rate / 2.5)
    track = librosa.yin(part, fmin=F0_HZ[0], fmax=high, sr=rate, frame_length=length, center=False)
    return float(np.median(track))


def _centroid_hz(part: NDArray[np.float64], rate: int) -> float:
    part = part[: round(ATTACK_S * rate)]
    power = np.square(np.abs(np.fft.rfft(part * np.hanning(part.size)))) if part.size > 8 else None
    if power is None or not power.sum() > 0:
        return float("nan")
    return float((np.fft.rfftfreq(part.size, 1 / rate) * power).sum() / power.sum())


def _decay_s(part: NDArray[np.float64], rate: int) -> float:
    if part.size < 8 or not part.any():
        return float("nan")
    # from the loudest sample on: a sound that begins late would seem to ring longer
    part = part[int(np.abs(part).argmax()) :]
    # what is cut off looks as if it had decayed, so the level itself must fall
    tenth = max(1, part.size // 10)
    first, last = (float(np.square(one).mean()) for one in (part[:tenth], part[-tenth:]))
    if not last <= first * 10 ** (DECAY_DB[1] / 10):
        return float("nan")
    left = np.cumsum(np.square(part[::-1]))[::-1]
    levels = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    within = (levels <= DECAY_DB[0]) & (levels >= DECAY_DB[1])
    if levels[-1] > DECAY_DB[1] or within.sum() < 4:
        return float("nan")
    slope = np.polyfit(np.flatnonzero(within) / rate, levels[within], 1)[0]
    return float(-60.0 / slope) if slope < 0 else float("nan")
