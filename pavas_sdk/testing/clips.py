"""Small clips in memory with exact truth: discs that move before a textured wall.

The camera looks straight at a wall; a pixel is `METRES_PER_PIXEL` wide, so masks, points, paths
and speeds are known exactly. Each disc moves along a line and turns round in the middle of the
clip, as if it had hit something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import (
    LabelledClip,
    MaskTrack,
    MovingObject,
    ObjectPhysics,
    PhysicsEstimate,
    Reconstruction,
    Video,
)
from pavas_sdk.data.timing import mid_times
from pavas_sdk.media import MemorySource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METRES_PER_PIXEL", "moving_discs"]

METRES_PER_PIXEL = 0.02
RADIUS_PX = 5.0
LABELS = ("white ball", "violet ball", "green ball")
COLOURS = ((250, 240, 235), (235, 205, 250), (205, 250, 215))


def moving_discs(
    count: int = 1,
    *,
    frames: int = 20,
    fps: float = 25.0,
    height: int = 48,
    width: int = 64,
    hidden: tuple[int, int] = (0, 0),
    time_scale: float = 1.0,
) -> LabelledClip:
    """Return a clip of ``count`` discs (0 to 3), the same for the same arguments.

    Its physics holds each disc's mass and its one real speed (metres per real second); its
    reconstruction the exact points of every pixel. It has no sound.

    Args:
        count: How many discs; 0 gives the bare wall.
        frames: How many frames.
        fps: Frames per second of the video.
        height: Pixels.
        width: Pixels.
        hidden: First and last + 1 frame in which the discs are not there.
        time_scale: Slow-motion factor of the video.
    """
    times = np.arange(frames) / fps
    gone = (np.arange(frames) >= hidden[0]) & (np.arange(frames) < hidden[1])
    picture = np.repeat(_wall_picture(height, width)[None], frames, axis=0)
    masks: dict[int, MaskTrack] = {}
    for index in range(count):
        row = (index + 1) * height / (count + 1)
        inside = _disc(index, row, frames, height, width) & ~gone[:, None, None]
        picture[inside] = COLOURS[index]
        scores = np.where(gone, np.nan, 1.0)
        masks[index] = MaskTrack(object_id=index, masks=inside, times_s=times, scores=scores)
    video = Video(
        frames=np.round(picture).astype(np.uint8),
        times_s=times,
        source="tiny clip",
        end_s=frames / fps,
        time_scale=time_scale,
    )
    return LabelledClip(
        clip_id=f"{count} moving discs",
        source=MemorySource(video),
        physics=_true_physics(count, video),
        masks=masks,
        reconstruction=_wall_points(times, height, width),
    )


def _true_physics(count: int, video: Video) -> PhysicsEstimate:
    middles_s = mid_times(video.times_s)
    speed_m_s = METRES_PER_PIXEL * video.fps * video.time_scale
    return PhysicsEstimate(
        objects=tuple(
            ObjectPhysics(
                object=MovingObject(
                    object_id=index, label=LABELS[index], action="bouncing", score=1.0
                ),
                mass_kg=0.5 * (index + 1),
                speed_times_s=middles_s,
                speed_m_s=np.full(middles_s.size, _step_px(index) * speed_m_s),
                sources={"mass": "truth", "speed": "truth"},
            )
            for index in range(count)
        ),
        duration_s=video.duration_s,
        time_scale=video.time_scale,
    )


def _wall_picture(height: int, width: int) -> NDArray[np.float64]:
    """A dark grey texture, (H, W, 3)."""
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    wall = 40 + 12 * np.sin(rows * 0.9) * np.cos(columns * 0.7) + 8 * np.sin(columns * 0.31)
    return np.repeat(wall[:, :, None], 3, axis=2)


def _step_px(index: int) -> float:
    """Pixels per frame of a disc."""
    return 1.0 + 0.5 * index


def _disc(index: int, row: float, frames: int, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels of a disc that goes left and comes back, (T, H, W)."""
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    middle = (frames - 1) / 2
    x = width - 10.0 + _step_px(index) * (np.abs(np.arange(frames) - middle) - middle)
    return np.asarray((columns - x[:, None, None]) ** 2 + (rows - row) ** 2 <= RADIUS_PX**2)


def _wall_points(times: NDArray[np.float64], height: int, width: int) -> Reconstruction:
    """The wall, 2 m before a camera at the origin (x right, y down, z forward)."""
    distance_m = 2.0
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    x = (columns - (width - 1) / 2) * METRES_PER_PIXEL
    y = (rows - (height - 1) / 2) * METRES_PER_PIXEL
    points = np.stack([x, y, np.full_like(x, distance_m)], axis=-1)
    focal_px = distance_m / METRES_PER_PIXEL
    intrinsics = np.array(
        [[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1.0]]
    )
    count = times.size
    return Reconstruction(
        points_m=np.repeat(points[None], count, axis=0),
        confidence=np.ones((count, height, width), dtype=np.float32),
        camera_to_world=np.repeat(np.eye(4)[None], count, axis=0),
        times_s=times,
        intrinsics=np.repeat(intrinsics[None], count, axis=0),
        scale_source="truth",
    )
