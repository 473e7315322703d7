"""Finding impacts: abrupt changes of velocity, with the kinetic energy before and after.

Conventions: times in seconds on the video's clock, speeds in m/s, energies in joules; missing is
NaN. The energy change is PAVAS' dE_k = |1/2 m (v_post^2 - v_pre^2)| (Sec. 4.1), v_pre and v_post
being mean speeds over a window before and after the moment with a gap around it left out.
"""

from __future__ import annotations

import bisect
import heapq
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.impact import Impact, kinetic_energy_j

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["find_impacts", "speeds_around"]

WINDOW_S = 0.2
GAP_S = 0.04
_RESIDUALS = 3.0  # a smaller jump may be noise


def speeds_around(
    speed_times_s: NDArray[np.float64],
    speed_m_s: NDArray[np.float64],
    time_s: float,
    *,
    window_s: float = WINDOW_S,
    gap_s: float = GAP_S,
) -> tuple[float, float]:
    """Return the mean speeds in the window before and after ``time_s``, in m/s.

    Samples within ``gap_s`` of the moment are left out, because a frame pair that spans a contact
    mixes both sides. NaN where a window holds no finite sample.
    """
    offset = speed_times_s - time_s
    finite = np.isfinite(speed_m_s)
    before = finite & (offset < -gap_s / 2) & (offset >= -window_s - gap_s / 2)
    after = finite & (offset > gap_s / 2) & (offset <= window_s + gap_s / 2)
    return (
        float(speed_m_s[before].mean()) if before.any() else float("nan"),
        float(speed_m_s[after].mean()) if after.any() else float("nan"),
    )


def find_impacts(
    object_id: int,
    speed_times_s: NDArray[np.float64],
    speed_m_s: NDArray[np.float64],
    *,
    velocity_m_s: NDArray[np.float64] | None = None,
    mass_kg: float | None = None,
    time_scale: float = 1.0,
    min_change_m_s: float = 0.25,
    relative_change: float = 0.2,
    min_interval_s: float = 0.12,
    fit_s: float = 0.16,
    window_s: float = WINDOW_S,
    gap_s: float = GAP_S,
) -> list[Impact]:
    """Find abrupt velocity changes.

    Around every sample a straight line is fitted to the velocity over ``fit_s`` before and after
    it, and both are extrapolated to its time: gravity, which changes velocity smoothly, cancels.
    The sample itself is left out, because a frame pair that spans a contact mixes both sides; how
    it mixes them says where between the two frames the contact was. The jump must reach
    ``min_change_m_s``, ``relative_change`` of the larger speed beside it, and three times the
    residual of both fits. The largest jump is taken first; fits beside it then end at it, so that it
    neither feigns nor hides another, until none is left that is ``min_interval_s`` away.

    Args:
        object_id: Copied into the result.
        speed_times_s: (S,), seconds, increasing.
        speed_m_s: (S,), m/s, NaN where missing.
        velocity_m_s: (S, 3) or None; without it only changes of speed are seen.
        mass_kg: Mass, or None (energies become NaN).
        time_scale: Slow-motion factor of the clip: windows are scaled with it.
        min_change_m_s: Smallest jump.
        relative_change: Smallest jump as a share of the larger speed beside it.
        min_interval_s: Two impacts are at least this far apart.
        fit_s: Length of the fitted pieces.
        window_s: Window of the mean speeds.
        gap_s: Gap around the moment for the mean speeds.

    Returns:
        Impacts in order of time.
    """
    times = np.asarray(speed_times_s, dtype=np.float64)
    speed = np.asarray(speed_m_s, dtype=np.float64)
    signal = speed[:, None] if velocity_m_s is None else np.asarray(velocity_m_s, dtype=np.float64)
    if times.size < 4:
        return []
    jumps = _Jumps(times, signal, fit_s * time_scale, min_change_m_s, relative_change)
    impacts = []
    for jump, moment in jumps.apart(min_interval_s * time_scale):
        before, after = speeds_around(
            times, speed, moment, window_s=window_s * time_scale, gap_s=gap_s * time_scale
        )
        impacts.append(
            Impact(
                object_id=object_id,
                time_s=moment,
                speed_before_m_s=before,
                speed_after_m_s=after,
                velocity_change_m_s=jump,
                energy_before_j=kinetic_energy_j(mass_kg, before),
                energy_after_j=kinetic_energy_j(mass_kg, after),
            )
        )
    return impacts


class _Jumps:
    """Jumps of a signal (S, D), the largest first, each measured between those already taken."""

    def __init__(
        self,
        times: NDArray[np.float64],
        signal: NDArray[np.float64],
        fit_s: float,
        min_change_m_s: float,
        relative_change: float,
    ) -> None:
        self._times = times
        self._signal = signal
        self._min_change_m_s = min_change_m_s
        self._relative_change = relative_change
        moments = times + np.array([[-fit_s - 1e-9], [fit_s + 1e-9]])
        # of each sample: the first sample of its left fit, and one behind the last of its right
        self._first, self._last = (np.searchsorted(times, edge) for edge in moments)
        self._at = [self._jump(index) for index in range(times.size)]

    def apart(self, min_interval_s: float) -> list[tuple[float, float]]:
        """Return (size, time) of the jumps that keep their distance, in order of time."""
        taken: list[tuple[float, float]] = []
        waiting = [(-jump[0], index) for index, jump in enumerate(self._at) if jump]
        heapq.heapify(waiting)
        while waiting:
            size, index = heapq.heappop(waiting)
            jump = self._at[index]
            if jump is None or jump[0] != -size:
                continue  # measured anew since
            place = bisect.bisect(taken, jump[1], key=lambda one: one[1])
            beside = taken[max(0, place - 1) : place + 1]
            if any(abs(jump[1] - other) < min_interval_s for _, other in beside):
                continue
            taken.insert(place, jump)
            for near in self._end_fits_at(index):
                self._at[near] = self._jump(near)
                if (found := self._at[near]) is not None:
                    heapq.heappush(waiting, (-found[0], near))
        return taken

    def _end_fits_at(self, index: int) -> list[int]:
        """Let no fit reach over a sample; return whose fits changed."""
        before = np.arange(self._first[index], index)
        after = np.arange(index + 1, self._last[index])
        self._last[before] = np.minimum(self._last[before], index)
        self._first[after] = np.maximum(self._first[after], index + 1)
        return [*before.tolist(), *after.tolist()]

    def _jump(self, index: int) -> tuple[float, float] | None:
        """Size and time of the jump at a sample; None when it is not abrupt or not supported."""
        times, signal = self._times, self._signal
        moment = float(times[index])
        sides = []
        for piece in (slice(self._first[index], index), slice(index + 1, self._last[index])):
            fit = _value_at(times[piece] - moment, signal[piece])
            if fit is None:
                return None
            sides.append(fit)
        (before, noise_before), (after, noise_after) = sides
        change = after - before
        jump = float(np.linalg.norm(change))
        fastest = max(float(np.linalg.norm(before)), float(np.linalg.norm(after)))
        wanted = max(
            self._min_change_m_s,
            self._relative_change * fastest,
            _RESIDUALS * float(np.hypot(noise_before, noise_after)),
        )
        if not 0 < wanted <= jump < np.inf:
            return None
        # The mixed sample is share * before + (1 - share) * after, the share being that of the time.
        share = float((after - signal[index]) @ change) / (jump * jump)
        share = min(max(share, 0.0), 1.0) if np.isfinite(share) else 0.5
        left, right = 0.5 * (times[index - 1] + moment), 0.5 * (moment + times[index + 1])
        return jump, float(left + share * (right - left))


def _value_at(
    offsets: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float] | None:
    """Value at offset 0 of the line through the finite samples, and its residual (rms)."""
    seen = np.isfinite(values).all(axis=1)
    if seen.sum() < 2:
        return None
    offsets, values = offsets[seen], values[seen]
    middle, mean = offsets.mean(), values.mean(axis=0)
    centred = offsets - middle
    slope = centred @ (values - mean) / (centred @ centred)
    residual = values - mean - centred[:, None] * slope
    return mean - slope * middle, float(np.sqrt((residual**2).sum(axis=1).mean()))
