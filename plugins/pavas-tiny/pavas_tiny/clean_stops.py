"""Clean stops: where a round thing that moves evenly is slowed from one frame to the next.

What rolls against something makes no picture that the network knows. Its path says it, if it can be
measured well. Friction takes longer; turns look alike whether they are those of a pendulum or of a wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Impact
from pavas_tiny.flight import path_noise_px
from pavas_tiny.shape import touches_edge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.object_motion import SeenObject

__all__ = ["clean_stops"]

_SIDE_S = 0.24  # of the path on each side
_LEAST_FRAMES = 4  # likewise
_LONGEST_GAP_S = 0.2  # something may hide the contact
_MOMENTS = 5  # between two sightings
_LEAST_GAIN = 8.0  # fall of the squared residual, in variances of the centres' noise
_LEAST_RATIO = 30.0  # of that fall to what is left, per degree of freedom
_MOST_LEFT = 0.7  # of the speed
_MOST_BACK = 0.2  # likewise, backwards: a pendulum's turn is quick, too
_LEAST_HALF_SIZE_PX = 4.0  # the centres of smaller things tremble
_WHOLE = 0.5
_ALONE_S = 0.12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kink:
    time_s: float
    before: NDArray[np.float64]  # (2,) px/s
    after: NDArray[np.float64]
    gain: float
    ratio: float

    @property
    def is_clean_stop(self) -> bool:
        squared = float(self.before @ self.before)
        return (
            self.gain >= _LEAST_GAIN
            and self.ratio >= _LEAST_RATIO
            and float(self.after @ self.after) <= _MOST_LEFT**2 * squared
            and float(self.after @ self.before) >= -_MOST_BACK * squared
        )


def clean_stops(entry: SeenObject, *, m_per_px: float, time_scale: float) -> list[Impact]:
    """Return the impacts that the path alone proves, in order of time; none of what is not round and whole.

    On both sides of a moment the path is a line with one acceleration in common (gravity, friction), and
    meets itself there. That must explain the centres far better than a cubic of as many parameters.

    Args:
        entry: The object.
        m_per_px: Metres per pixel of its masks.
        time_scale: Slow-motion factor.
    """
    shape = entry.shape
    if shape.kind != "ball" or shape.whole < _WHOLE or shape.half_size_px < _LEAST_HALF_SIZE_PX:
        return []
    taken: list[_Kink] = []
    for kink in sorted(_kinks(entry, time_scale), key=lambda one: -one.gain):
        if all(abs(kink.time_s - other.time_s) >= _ALONE_S * time_scale for other in taken):
            taken.append(kink)
    to_m_s = m_per_px * time_scale
    return [
        Impact(
            object_id=entry.object_id,
            time_s=kink.time_s,
            speed_before_m_s=float(np.linalg.norm(kink.before)) * to_m_s,
            speed_after_m_s=float(np.linalg.norm(kink.after)) * to_m_s,
            velocity_change_m_s=float(np.linalg.norm(kink.after - kink.before)) * to_m_s,
            energy_before_j=float("nan"),
            energy_after_j=float("nan"),
        )
        for kink in sorted(taken, key=lambda one: one.time_s)
        if kink.is_clean_stop
    ]


def _kinks(entry: SeenObject, time_scale: float) -> list[_Kink]:
    """The best kink between each two neighbouring sightings that have enough of a path beside them."""
    times = entry.times_s
    seen = np.flatnonzero(np.isfinite(entry.centres).all(axis=1) & ~touches_edge(entry.masks))
    if seen.size < 2 * _LEAST_FRAMES:
        return []
    noise = path_noise_px(entry.centres)
    side_s = max(_SIDE_S * time_scale, (_LEAST_FRAMES + 0.2) * float(np.median(np.diff(times))))
    found = []
    for last, first in pairwise(seen):
        left = seen[(seen <= last) & (times[seen] > times[last] - side_s)]
        right = seen[(seen >= first) & (times[seen] < times[first] + side_s)]
        if (
            min(left.size, right.size) >= _LEAST_FRAMES
            and times[first] - times[last] <= _LONGEST_GAP_S * time_scale
        ):
            frames = np.concatenate([left, right])
            between = np.linspace(times[last], times[first], _MOMENTS)
            found.append(_best_kink(times[frames], entry.centres[frames], between, noise))
    return found


def _best_kink(
    times_s: NDArray[np.float64],
    places: NDArray[np.float64],
    moments_s: NDArray[np.float64],
    noise_px: float,
) -> _Kink:
    """The kink at one of the moments that leaves least."""
    fits = []
    for moment in moments_s:
        t = times_s - moment
        bent = np.stack([np.ones_like(t), np.minimum(t, 0), np.maximum(t, 0), t * t], axis=1)
        solved, *_ = np.linalg.lstsq(bent, places, rcond=None)
        fits.append((float(((places - bent @ solved) ** 2).sum()), float(moment), solved))
    left, moment, solved = min(fits, key=lambda fit: fit[0])
    t = times_s - moment
    cubic = np.stack([t**power for power in range(4)], axis=1)
    smooth, *_ = np.linalg.lstsq(cubic, places, rcond=None)
    gained = float(((places - cubic @ smooth) ** 2).sum()) - left
    spread = max(left / (2 * times_s.size - 2 * cubic.shape[1]), 1e-9)
    return _Kink(
        time_s=moment,
        before=solved[1],
        after=solved[2],
        gain=gained / noise_px**2,
        ratio=gained / spread,
    )
