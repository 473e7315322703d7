"""How an impact rings: its brightness and how fast it dies away, per material.

Conventions
-----------
An impact's stretch begins at its loudest 10 ms within 50 ms before to 90 ms after the moment and ends
10 ms before the next impact, after 0.4 s, or at the end of the sound. Over the stretch

- the centroid is the power-weighted mean frequency, Hz;
- the decay time is how long the level over 10 ms takes to fall by 20 dB, seconds; a sound that does not
  fall so far within the stretch has its length: a true sound and a made one are cut alike.

Both are NaN for a stretch below 20 ms and for silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.impact_level import SEARCH_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio
    from pavas_sdk.evaluation.clip import ImpactMeasurement

__all__ = ["Timbre", "impact_timbre", "median_of_known", "octaves_apart", "timbre_by_material"]

LONGEST_S = 0.4
FALL_DB = 20.0
_LATE_S = 0.09
_FRAME_S = 0.01
_SHORTEST_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Timbre:
    """How one impact rings; NaN where it cannot be read.

    Attributes:
        centroid_hz: Power-weighted mean frequency.
        decay_20db_s: Seconds to fall by 20 dB.
    """

    centroid_hz: float
    decay_20db_s: float


def impact_timbre(audio: Audio, time_s: float, next_s: float = float("inf")) -> Timbre:
    """Return how the impact at ``time_s`` rings, see the module.

    Args:
        audio: The sound.
        time_s: The moment.
        next_s: The next impact's.
    """
    rate = audio.sample_rate_hz
    samples = audio.mono.astype(np.float64)
    frame = max(1, round(_FRAME_S * rate))
    first = max(0, round((time_s - SEARCH_S) * rate))
    until_s = min(time_s + _LATE_S, next_s - _FRAME_S)
    level = _running_mean(np.square(samples), frame)
    near = level[first : max(first, round(until_s * rate))]
    if near.size == 0 or not near.max() > 0:
        return Timbre(centroid_hz=float("nan"), decay_20db_s=float("nan"))
    start = first + int(near.argmax())
    stop = min(start + LONGEST_S * rate, (next_s - _FRAME_S) * rate, level.size)
    part, fading = samples[start : int(stop)], level[start : int(stop)]
    if part.size < _SHORTEST_S * rate:
        return Timbre(centroid_hz=float("nan"), decay_20db_s=float("nan"))
    # a window that fades, so that the end of the stretch is no step
    window = np.hanning(2 * part.size)[part.size :]
    power = np.square(np.abs(np.fft.rfft(part * window)))
    hz = np.fft.rfftfreq(part.size, 1 / rate)
    quiet = np.flatnonzero(fading < fading[0] * 10 ** (-FALL_DB / 10))
    return Timbre(
        centroid_hz=float((hz * power).sum() / power.sum()),
        decay_20db_s=float(quiet[0] if quiet.size else part.size) / rate,
    )


def octaves_apart(made: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far frequencies or times are from the true ones, octaves; NaN where either is."""
    known = (made > 0) & (true > 0)
    apart = np.full(made.shape, np.nan)
    apart[known] = np.abs(np.log2(made[known] / true[known]))
    return apart


def median_of_known(values: NDArray[np.float64]) -> float:
    """Return the median of what is not NaN; NaN where nothing is known."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def timbre_by_material(
    impacts: Iterable[ImpactMeasurement],
) -> dict[str, dict[str, float | int | None]]:
    """Return medians of both sounds for each material, JSON values.

    ``impacts``, ``centroid_hz``, ``centroid_reference_hz``, ``decay_20db_s`` and
    ``decay_20db_reference_s``; materials that nothing is known of are left out.
    """
    groups: dict[str, list[ImpactMeasurement]] = {}
    for impact in impacts:
        if impact.material and np.isfinite(impact.centroid_reference_hz):
            groups.setdefault(impact.material, []).append(impact)
    names = ("centroid_hz", "centroid_reference_hz", "decay_20db_s", "decay_20db_reference_s")
    found: dict[str, dict[str, float | int | None]] = {}
    for material, rows in sorted(groups.items()):
        medians = {name: median_of_known(_column(rows, name)) for name in names}
        found[material] = {"impacts": len(rows)} | {
            name: None if np.isnan(value) else value for name, value in medians.items()
        }
    return found


def _running_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the mean of each value and the ``width - 1`` after it, as many as there are."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    last = np.minimum(np.arange(values.size) + width, values.size)
    return np.asarray(np.maximum(total[last] - total[:-1], 0.0) / width)


def _column(rows: list[ImpactMeasurement], name: str) -> NDArray[np.float64]:
    return np.asarray([getattr(row, name) for row in rows], dtype=np.float64)
