"""A sound as pictures on a time axis: the envelope of its waveform, and its spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.display.png import palette, png_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import Audio

__all__ = ["RANGE_DB", "SoundPicture", "sound_picture"]

_COLUMNS = 1600
_ROWS = 192
_LOWEST_HZ = 50.0
RANGE_DB = 68.0
_WINDOW_S = 0.032
_STOPS = ["#0b0d12", "#1a1440", "#4a1a75", "#8b2680", "#cf4465", "#f5793a", "#fdbf4d", "#fdf6c8"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundPicture:
    """What a track of the page shows of one sound.

    Attributes:
        envelope: (n, 2), lowest and highest sample per column, divided by ``peak``.
        peak: Sample value of the track's edge: the largest absolute sample, or what was asked for; 1
            for silence.
        peak_dbfs: Largest absolute sample in decibels, -inf for silence.
        spectrogram_png: Log frequency upwards, time to the right.
        lowest_hz: Bottom of the spectrogram.
        highest_hz: Its top, half the sample rate.
        top_db: Level of the brightest colour, dB below full scale; the darkest is 68 dB below it.
    """

    envelope: NDArray[np.float64]
    peak: float
    peak_dbfs: float
    spectrogram_png: bytes
    lowest_hz: float
    highest_hz: float
    top_db: float


def sound_picture(
    audio: Audio, duration_s: float, *, top_db: float | None = None, peak: float | None = None
) -> SoundPicture:
    """Return the pictures of a sound.

    Args:
        audio: The sound.
        duration_s: Length of the pictures, seconds: it is cut, or filled with silence.
        top_db: Level of the brightest colour, dBFS, so that several pictures can be compared; by
            default that of the loudest point of this one.
        peak: Sample value that fills the height of the waveform; by default this sound's peak.
    """
    rate = audio.sample_rate_hz
    samples = audio.fitted(max(1, round(duration_s * rate))).samples.mean(axis=0).astype(np.float64)
    largest = float(np.abs(samples).max())
    peak = largest if peak is None else peak
    levels, loudest_db = _levels_db(samples, rate)
    top_db = loudest_db if top_db is None else top_db
    shade = np.clip((levels - (top_db - RANGE_DB)) / RANGE_DB, 0.0, 1.0)
    index = np.round(255 * shade).astype(np.uint8)
    return SoundPicture(
        envelope=_envelope(samples) / (peak or 1.0),
        peak=peak or 1.0,
        peak_dbfs=float(20 * np.log10(largest)) if largest else float("-inf"),
        spectrogram_png=png_bytes(index[::-1], palette(_STOPS)),
        lowest_hz=_LOWEST_HZ,
        highest_hz=rate / 2,
        top_db=top_db,
    )


def _envelope(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = min(_COLUMNS, samples.size)
    edges = np.linspace(0, samples.size, columns + 1).astype(np.int64)[:-1]
    return np.stack(
        [np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)], axis=1
    )


def _levels_db(samples: NDArray[np.float64], rate: int) -> tuple[NDArray[np.float64], float]:
    """Level of a Hann window at each column and log-spaced frequency, dBFS, (rows, columns).

    A row that is wider than a frequency bin shows the loudest bin within, so that no tone falls
    between two rows.
    """
    length = 2 ** int(np.ceil(np.log2(_WINDOW_S * rate)))
    window = np.hanning(length + 1)[:-1]
    columns = int(min(_COLUMNS, max(1, samples.size // 64)))
    middles = (np.arange(columns) + 0.5) * samples.size / columns
    padded = np.pad(samples, length)
    starts = np.round(middles).astype(np.int64) + length - length // 2
    frequencies = np.geomspace(_LOWEST_HZ, rate / 2, _ROWS)
    bins = frequencies * length / rate
    low = np.minimum(bins.astype(np.int64), length // 2 - 1)
    share = (bins - low)[:, None]
    half = float(np.sqrt(frequencies[1] / frequencies[0])) - 1.0  # of a row, as a share
    wide = [
        (row, int(np.ceil(at * (1 - half))), int(np.floor(at * (1 + half))) + 1)
        for row, at in enumerate(bins)
        if 2 * half * at > 1
    ]
    levels = np.empty((_ROWS, columns))
    for first in range(0, columns, 200):  # a long sound must not lie in memory as frames
        part = starts[first : first + 200]
        frames = padded[part[:, None] + np.arange(length)] * window
        power = (np.abs(np.fft.rfft(frames, axis=1)) * 2 / window.sum()).T ** 2
        shown = power[low] * (1 - share) + power[low + 1] * share
        for row, start, end in wide:
            shown[row] = power[start : min(end, len(power))].max(axis=0, initial=0.0)
        levels[:, first : first + 200] = shown
    levels = 10 * np.log10(levels + 1e-14)
    return levels, max(float(levels.max()), -100.0)
