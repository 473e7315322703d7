"""Speeds and masks at other times: what training stores and what inference gives the adapter.

Values are taken nearest in time. Outside the span of a track, by more than half a step, nothing is
known: the speed is missing (NaN), the mask empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.objects import MaskTrack
from pavas_sdk.data.timing import nearest_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["mask_grids_at", "speeds_at"]

# A single entry holds for half a physics frame (8 per second).
_LONE_STEP_S = 0.125


def speeds_at(entry: ObjectPhysics, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an object's speed at ``times_s`` in m/s, NaN where it is missing, (L,)."""
    index, inside = _nearest_inside(entry.speed_times_s, times_s)
    values = np.full(times_s.size, np.nan)
    values[inside] = entry.speed_m_s[index[inside]]
    return values


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
    step = float(np.median(np.diff(have_s))) if have_s.size > 1 else _LONE_STEP_S
    margin = 0.5 * step + 1e-6
    inside = (wanted_s >= have_s[0] - margin) & (wanted_s <= have_s[-1] + margin)
    return nearest_index(have_s, wanted_s), inside
