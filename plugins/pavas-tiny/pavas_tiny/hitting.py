"""What hits where nothing is followed: the part of the picture that changes around the impacts.

A stick that comes in over the picture's edge for a moment, or that blurs, may leave no track. Where the
network is certain of impacts, something is there all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_tiny.learned_impacts import likely_impacts
from pavas_tiny.selection import Mover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.camera_motion import CameraMotion
    from pavas_tiny.learned_impacts import ImpactCurve

__all__ = ["find_what_hits"]

_BESIDE_S = 0.3  # of an impact
_USUAL_S = 0.8  # what stands still stands for longer than half of this
_REACH = 0.2  # around the place of an impact, of the shorter side
_CHANGED = 12.0  # of 255
_LEAST_PX = 6
_SPOT_PX = 3.0  # where hardly anything changes
_SCORE = 0.1


def find_what_hits(
    frames: NDArray[np.uint8],
    times_s: NDArray[np.float64],
    curve: ImpactCurve,
    camera: CameraMotion,
) -> Mover | None:
    """Return one object that is seen around the impacts of which the network is certain, or None.

    Args:
        frames: uint8, (T, H, W, 3).
        times_s: (T,) seconds.
        curve: What the network says.
        camera: Its motion.
    """
    if not curve.is_certain:
        return None
    count, height, width = frames.shape[:3]
    grey = frames.mean(axis=3, dtype=np.float32)
    rows, columns = np.mgrid[0:height, 0:width]
    masks = np.zeros((count, height, width), dtype=np.bool_)
    for moment in likely_impacts(curve):
        place = curve.place_at(moment)
        if place is None:
            continue
        away = np.hypot(columns - (place[0] * width - 0.5), rows - (place[1] * height - 0.5))
        beside = np.abs(times_s - moment) <= _USUAL_S * curve.time_scale
        usual = np.median(grey[beside], axis=0)
        for frame in np.flatnonzero(np.abs(times_s - moment) <= _BESIDE_S * curve.time_scale):
            changed = np.abs(grey[frame] - usual) >= _CHANGED
            mask = changed & (away <= _REACH * min(height, width))
            masks[frame] |= mask if mask.sum() >= _LEAST_PX else away <= _SPOT_PX
    if not masks.any():
        return None
    centres = np.full((count, 2), np.nan)
    for frame in np.flatnonzero(masks.any(axis=(1, 2))):
        inside = masks[frame]
        centres[frame] = camera.matrix[frame] @ (columns[inside].mean(), rows[inside].mean(), 1.0)
    return Mover(
        masks=masks, centres=centres, score=_SCORE, colour=frames[masks].mean(axis=0, dtype=float)
    )
