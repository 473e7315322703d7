"""Onsets: strength, detection, hit rate, timing error, false onsets.

Conventions
-----------
Onset strength is SuperFlux (Boeck and Widmer, "Maximum filter vibrato suppression for onset
detection", DAFx 2013) through librosa: 138 triangular mel bands from 27.5 Hz to 16 kHz (or the
Nyquist frequency), magnitudes of a 46 ms Hann window 200 times per second, compressed by
log10(1 + gain * x), rise over 2 frames above the maximum of 3 neighbouring bands, mean over bands.
``gain`` is 1 for the strength (the published constant) and larger for detection, so that quiet
impacts are found too. Strengths of signals with different sample rates cannot be compared.

A long window sees an onset before its middle reaches it, and librosa's own correction overshoots:
its curve peaks late. Times here are corrected by a constant that was measured on clicks and on
decaying tones in noise; what remains is within +-5 ms.

All times are seconds from the first sample. An impact is hit when an onset is within ``within_s``
of it; every onset serves one impact at most, and as many pairs as possible are made (of these the
closest), as in ``mir_eval.onset``. An onset is false when no contact of any kind is near.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pavas_sdk.data import Audio

__all__ = [
    "THRESHOLD",
    "WITHIN_S",
    "OnsetStrength",
    "detect_onsets",
    "evaluate",
    "false_onsets",
    "hit_rate",
    "match_onsets",
    "onset_strength",
    "timing_errors_s",
    "validate",
]

WITHIN_S = 0.1
RATE_HZ = 200
BANDS = 138
LOWEST_HZ, HIGHEST_HZ = 27.5, 16000.0
WINDOW_S = 2048 / 44100
LAG, MAX_SIZE = 2, 3

# How much earlier than the onset the uncorrected curve peaks; see the tests.
LEAD_S = {"strength": 0.007, "detection": 0.010}
DETECTION_GAIN = 100.0
THRESHOLD = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnsetStrength:
    """An onset strength curve.

    Attributes:
        times_s: (F,), seconds, corrected.
        values: (F,), 0 or more.
    """

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def peak_near(self, time_s: float, within_s: float = WITHIN_S) -> float:
        """Return the largest value within ``within_s`` of ``time_s`` (0 outside the curve)."""
        near = np.abs(self.times_s - time_s) <= within_s
        return float(self.values[near].max()) if near.any() else 0.0


def onset_strength(
    audio: Audio, *, gain: float = 1.0, lead_s: float | None = None
) -> OnsetStrength:
    """Return the SuperFlux curve of ``audio`` (mean of its channels).

    Args:
        audio: At least 1 sample; a curve of silence is zero.
        gain: In log10(1 + gain * x).
        lead_s: Added to the times; by default the measured lead of gain 1.

    Raises:
        InputError: The audio is empty.
    """
    import librosa

    samples = np.asarray(audio.mono, dtype=np.float32)
    if samples.size == 0:
        raise InputError("cannot find onsets in audio without samples")
    rate = audio.sample_rate_hz
    hop = max(1, round(rate / RATE_HZ))
    window = max(2, round(rate * WINDOW_S))
    size = 1 << (window - 1).bit_length()
    frames = 1 + samples.size // hop
    samples = np.pad(samples, (0, max(0, size - samples.size)))
    bands = librosa.feature.melspectrogram(
        y=samples,
        sr=rate,
        n_fft=size,
        win_length=window,
        hop_length=hop,
        n_mels=BANDS,
        fmin=LOWEST_HZ,
        fmax=min(HIGHEST_HZ, rate / 2),
        power=1.0,
        norm=None,
        pad_mode="reflect",  # padding with zeros would make any noise floor begin with an onset
    )
    values = librosa.onset.onset_strength(
        S=np.log10(1.0 + gain * bands), sr=rate, lag=LAG, max_size=MAX_SIZE, center=False
    )[:frames]
    lead = LEAD_S["strength"] if lead_s is None else lead_s
    return OnsetStrength(
        times_s=np.arange(values.size, dtype=np.float64) * (hop / rate) + lead,
        values=values.astype(np.float64),
    )


def detect_onsets(audio: Audio, *, threshold: float = THRESHOLD) -> NDArray[np.float64]:
    """Return the times of onsets, (O,), seconds, increasing.

    Peaks of the curve with a high gain that exceed the mean around them by ``threshold``, at least
    30 ms apart (windows of SuperFlux: maximum over +-30 ms, mean from 100 ms before to 70 ms
    after). The threshold is absolute: silence has no onsets.
    """
    # Not librosa.util.peak_pick, which gives the same: its compiled function is cached in librosa's
    # own folder, and two processes that compile it at once leave a cache that crashes every later one.
    curve = onset_strength(audio, gain=DETECTION_GAIN, lead_s=LEAD_S["detection"])
    values, count = curve.values, curve.values.size
    highest = _windows(values, 6, 6, -np.inf).max(axis=1)
    around = _windows(values, 20, 14, 0.0).sum(axis=1)
    around /= _windows(np.ones(count), 20, 14, 0.0).sum(axis=1)
    onsets: list[int] = []
    for frame in np.flatnonzero((values == highest) & (values >= around + threshold)):
        if not onsets or frame - onsets[-1] > 6:
            onsets.append(int(frame))
    return np.asarray(np.maximum(curve.times_s[onsets], 0.0), dtype=np.float64)


def _windows(
    values: NDArray[np.float64], before: int, after: int, edge: float
) -> NDArray[np.float64]:
    """Return the neighbourhood of every value, (F, before + 1 + after)."""
    padded = np.pad(values, (before, after), constant_values=edge)
    return np.lib.stride_tricks.sliding_window_view(padded, before + 1 + after)


def validate(reference_s: ArrayLike, estimated_s: ArrayLike) -> None:
    """Check two sequences of times.

    Raises:
        InputError: Not one-dimensional, not finite, or not in order.
    """
    for name, value in (("reference", reference_s), ("estimated", estimated_s)):
        times = np.asarray(value, dtype=np.float64)
        if times.ndim != 1 or not np.isfinite(times).all():
            raise InputError(f"{name} times must be a sequence of finite seconds")
        if (np.diff(times) < 0).any():
            raise InputError(f"{name} times must be in order")


def match_onsets(
    reference_s: ArrayLike, estimated_s: ArrayLike, *, within_s: float = WITHIN_S
) -> list[tuple[int, int]]:
    """Pair impacts with onsets one to one: most pairs first, then least total distance.

    Args:
        reference_s: Impacts, (I,), in order.
        estimated_s: Onsets, (O,), in order.
        within_s: Largest distance of a pair.

    Returns:
        Pairs of indices (impact, onset), in order.
    """
    from scipy.optimize import linear_sum_assignment

    validate(reference_s, estimated_s)
    reference = np.asarray(reference_s, dtype=np.float64)
    estimated = np.asarray(estimated_s, dtype=np.float64)
    if not reference.size or not estimated.size:
        return []
    distance = np.abs(reference[:, None] - estimated[None])
    near = distance <= within_s
    # one pair more outweighs any saving of distance
    rows, columns = linear_sum_assignment(np.where(near, distance - 1e3 * within_s, 0.0))
    return [(int(i), int(o)) for i, o in zip(rows, columns, strict=True) if near[i, o]]


def hit_rate(
    reference_s: ArrayLike, estimated_s: ArrayLike, *, within_s: float = WITHIN_S
) -> float:
    """Return the share of impacts that are hit; NaN without impacts."""
    count = np.asarray(reference_s).size
    if count == 0:
        return float("nan")
    return len(match_onsets(reference_s, estimated_s, within_s=within_s)) / count


def timing_errors_s(
    reference_s: ArrayLike, estimated_s: ArrayLike, *, within_s: float = WITHIN_S
) -> NDArray[np.float64]:
    """Return onset minus impact of every pair, (pairs,), seconds; positive is late."""
    reference = np.asarray(reference_s, dtype=np.float64)
    estimated = np.asarray(estimated_s, dtype=np.float64)
    pairs = match_onsets(reference, estimated, within_s=within_s)
    return np.asarray([estimated[o] - reference[i] for i, o in pairs], dtype=np.float64)


def false_onsets(
    contacts_s: ArrayLike, estimated_s: ArrayLike, *, within_s: float = WITHIN_S
) -> int:
    """Return how many onsets have no contact within ``within_s``.

    Args:
        contacts_s: All contacts, also those too quiet or too close together to count as impacts.
        estimated_s: Onsets.
        within_s: Largest distance.
    """
    validate(contacts_s, estimated_s)
    contacts = np.asarray(contacts_s, dtype=np.float64)
    estimated = np.asarray(estimated_s, dtype=np.float64)
    if not contacts.size:
        return int(estimated.size)
    return int((np.abs(estimated[:, None] - contacts[None]).min(axis=1) > within_s).sum())


def evaluate(
    reference_s: ArrayLike, estimated_s: ArrayLike, *, within_s: float = WITHIN_S
) -> dict[str, Any]:
    """Return every metric of this module for one clip, impacts being the only contacts."""
    errors = timing_errors_s(reference_s, estimated_s, within_s=within_s)
    return {
        "onset_hit_rate": hit_rate(reference_s, estimated_s, within_s=within_s),
        "onset_timing_error_ms": float(np.median(np.abs(errors)) * 1e3)
        if errors.size
        else float("nan"),
        "false_onsets": false_onsets(reference_s, estimated_s, within_s=within_s),
    }
