"""How much the static background seems to move: the speed that is noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.timing import nearest_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data.geometry import Reconstruction
    from pavas_sdk.data.objects import MaskTrack

__all__ = ["background_motion_m_s", "masks_on_points"]

_MAX_POINTS = 500
_MIN_POINTS = 16
_MAX_PAIRS = 40


def background_motion_m_s(
    masks: Mapping[int, MaskTrack], reconstruction: Reconstruction, *, time_scale: float = 1.0
) -> NDArray[np.float64]:
    """Return the median speed of the background between neighbouring frames, (T - 1,), m/s.

    What no mask covers should stand still in world axes. Each confident background point of a
    frame is projected into the next camera (intrinsics and poses) and compared with the point
    found there; without intrinsics it is compared with the same pixel, which is right for a still
    camera only. NaN where fewer than 16 points can be compared. Of a longer clip 40 pairs of frames,
    evenly spread, are compared; the others take the nearest one's value.

    Args:
        masks: The moving objects.
        reconstruction: Points, confidences and poses.
        time_scale: Slow-motion factor of the clip.
    """
    from scipy.ndimage import map_coordinates

    frames, height, width = reconstruction.points_m.shape[:3]
    still = np.ones((frames, height, width), dtype=np.bool_)
    for track in masks.values():
        still &= ~masks_on_points(track, reconstruction)
    still &= reconstruction.confidence > 0
    dt_s = np.diff(reconstruction.times_s) / time_scale
    motion = np.full(max(frames - 1, 0), np.nan)
    pairs = np.unique(np.linspace(0, frames - 2, _MAX_PAIRS).round().astype(int))
    for frame in pairs if frames > 1 else ():
        rows, columns = np.nonzero(still[frame])
        stride = max(1, rows.size // _MAX_POINTS)
        rows, columns = rows[::stride], columns[::stride]
        points = reconstruction.points_m[frame, rows, columns].astype(np.float64)
        y, x = _next_pixels(points, rows, columns, reconstruction, frame + 1)
        with np.errstate(invalid="ignore"):
            seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        seen[seen] = still[frame + 1][np.rint(y[seen]).astype(int), np.rint(x[seen]).astype(int)]
        if seen.sum() < _MIN_POINTS:
            continue
        there = np.stack(
            [
                map_coordinates(
                    reconstruction.points_m[frame + 1, :, :, axis], (y[seen], x[seen]), order=1
                )
                for axis in range(3)
            ],
            axis=1,
        )
        steps = np.linalg.norm(there - points[seen], axis=1)
        steps = steps[np.isfinite(steps)]  # a neighbour of the point there may be unknown
        if steps.size >= _MIN_POINTS:
            motion[frame] = np.median(steps) / dt_s[frame]
    if frames > 1:
        motion = motion[pairs[nearest_index(pairs, np.arange(frames - 1))]]
    return motion


def _next_pixels(
    points: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    reconstruction: Reconstruction,
    frame: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column (fractions) at which the points should appear in a frame; NaN behind it."""
    if reconstruction.intrinsics is None:
        return rows.astype(np.float64), columns.astype(np.float64)
    world_to_camera = np.linalg.inv(reconstruction.camera_to_world[frame])
    local = points @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    pixel = local @ reconstruction.intrinsics[frame].T
    depth = np.where(pixel[:, 2] > 1e-9, pixel[:, 2], np.nan)
    return pixel[:, 1] / depth, pixel[:, 0] / depth


def masks_on_points(track: MaskTrack, reconstruction: Reconstruction) -> NDArray[np.bool_]:
    """Return the masks on the grid and times of the points, nearest in both, bool (T, H, W).

    A frame of the reconstruction that lies further from every mask than the masks lie from each
    other has no mask: the object counts as unseen there.
    """
    frames, height, width = reconstruction.points_m.shape[:3]
    if track.times_s.size == 0:
        return np.zeros((frames, height, width), dtype=np.bool_)
    index = nearest_index(track.times_s, reconstruction.times_s)
    step = float(np.median(np.diff(track.times_s))) if track.times_s.size > 1 else np.inf
    near = np.abs(track.times_s[index] - reconstruction.times_s) <= 1.001 * step
    masks = track.masks[index]
    if masks.shape[1:] != (height, width):
        rows = ((np.arange(height) + 0.5) * masks.shape[1] / height).astype(np.int64)
        columns = ((np.arange(width) + 0.5) * masks.shape[2] / width).astype(np.int64)
        masks = masks[:, rows[:, None], columns]
    return np.asarray(masks & near[:, None, None])
