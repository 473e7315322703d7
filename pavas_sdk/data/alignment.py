"""Speeds, masks, impacts at other times: what training stores and inference gives the adapter.

Speeds and masks are taken nearest in time. Outside the span of a track, by more than half a step, nothing is
known: the speed is missing (NaN), the mask empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.objects import MaskTrack
from pavas_sdk.data.timing import nearest_index

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pavas_sdk.data.impact import Impact
    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["impact_energies_at", "impacts_within", "mask_grids_at", "speeds_at"]

# A single entry holds for half a physics frame (8 per second).
_LONE_STEP_S = 0.125


def speeds_at(entry: ObjectPhysics, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an object's speed at ``times_s`` in m/s, NaN where it is missing, (L,)."""
    index, inside = _nearest_inside(entry.speed_times_s, times_s)
    values = np.full(times_s.size, np.nan)
    values[inside] = entry.speed_m_s[index[inside]]
    return values


def impacts_within(impacts: Iterable[Impact], times_s: NDArray[np.float64]) -> list[Impact]:
    """Return the impacts during the frames at ``times_s``; the last frame lasts as long as others.

    Args:
        impacts: Of any objects.
        times_s: (L,), increasing seconds.
    """
    if times_s.size == 0:
        return []
    end_s = times_s[-1] + _step_s(times_s) + 1e-6
    return [impact for impact in impacts if times_s[0] - 1e-6 <= impact.time_s <= end_s]


def impact_energies_at(
    entry: ObjectPhysics, impacts: Iterable[Impact], times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return an object's kinetic-energy change per frame in joules, (L,); 0 without an impact.

    An impact between two frames is shared by both, the nearer one having more: when it was can be
    told from the shares, and the sum over frames is its energy. After the last frame it counts
    there. NaN is unknown: the frames of an impact without an energy, and all frames of an object
    of which neither a speed nor an impact is known.

    Args:
        entry: The object.
        impacts: Of the clip.
        times_s: (L,), increasing seconds.
    """
    own = [impact for impact in impacts if impact.object_id == entry.object_id]
    energies_j = np.zeros(times_s.size)
    if not own and not np.isfinite(entry.speed_m_s).any():
        return np.full(times_s.size, np.nan)
    for impact in impacts_within(own, times_s):
        place = float(np.interp(impact.time_s, times_s, np.arange(times_s.size)))
        frame = int(place)
        share = place - frame
        energies_j[frame] += (1.0 - share) * impact.energy_change_j
        if share > 0:
            energies_j[frame + 1] += share * impact.energy_change_j
    return energies_j


def mask_grids_at(
    track: MaskTrack | None, times_s: NDArray[np.float64], side: int
) -> NDArray[np.float32]:
    """Return the covered share of each cell at ``times_s``, (L, side, side).

    Args:
        track: Masks of an object, or None: it was never seen.
        times_s: (L,), seconds on the video's clock.
        side: Cells a side.
    """
    grids = np.zeros((times_s.size, side, side), dtype=np.float32)
    if track is None:
        return grids
    index, inside = _nearest_inside(track.times_s, times_s)
    if inside.any():
        needed, position = np.unique(index[inside], return_inverse=True)
        part = MaskTrack(
            object_id=track.object_id,
            masks=track.masks[needed],
            times_s=track.times_s[needed],
            scores=track.scores[needed],
        )
        grids[inside] = part.grid(side)[position]
    return grids


def _nearest_inside(
    have_s: NDArray[np.float64], wanted_s: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Nearest entry for each time, and whether the time lies within the span of the entries."""
    if have_s.size == 0:
        return np.zeros(wanted_s.size, dtype=np.int64), np.zeros(wanted_s.size, dtype=np.bool_)
    margin = 0.5 * _step_s(have_s) + 1e-6
    inside = (wanted_s >= have_s[0] - margin) & (wanted_s <= have_s[-1] + margin)
    return nearest_index(have_s, wanted_s), inside


def _step_s(times_s: NDArray[np.float64]) -> float:
    return float(np.median(np.diff(times_s))) if times_s.size > 1 else _LONE_STEP_S
