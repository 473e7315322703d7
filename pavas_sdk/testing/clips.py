"""Tiny clips in memory with exact truth: discs that move before a textured wall.

The camera looks straight at a wall; a pixel is `METRES_PER_PIXEL` wide, so masks, points, paths
and speeds are known exactly. Each disc moves along a line and turns round in the middle of the
clip, as if it had hit something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import MaskTrack, MassEstimate, MovingObject, Reconstruction, Video

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource

__all__ = ["METRES_PER_PIXEL", "TinyClip", "moving_discs"]

METRES_PER_PIXEL = 0.02
RADIUS_PX = 5.0
COLOURS = ((250, 240, 235), (235, 205, 250), (205, 250, 215))


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyClip:
    """A clip with everything that is true about it.

    Attributes:
        video: The frames.
        objects: The discs, ids from 0.
        masks: Their exact masks.
        reconstruction: The exact points of every pixel.
        masses: Their masses.
        speeds_m_s: Real speed of each disc by id, metres per real second.
        hidden: bool, (T,), frames in which the discs are not there.
    """

    video: Video
    objects: tuple[MovingObject, ...]
    masks: dict[int, MaskTrack]
    reconstruction: Reconstruction
    masses: dict[int, MassEstimate]
    speeds_m_s: dict[int, float]
    hidden: NDArray[np.bool_]

    @property
    def source(self) -> FrameSource:
        """The video as the frame source that components are given."""
        from pavas_sdk.media import MemorySource

        return MemorySource(self.video)


def moving_discs(
    count: int = 1,
    *,
    frames: int = 20,
    fps: float = 25.0,
    height: int = 48,
    width: int = 64,
    hidden: tuple[int, int] = (0, 0),
    time_scale: float = 1.0,
) -> TinyClip:
    """Return a clip of ``count`` discs (0 to 3), the same for the same arguments.

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
    labels = ("white ball", "violet ball", "green ball")
    return TinyClip(
        video=video,
        objects=tuple(
            MovingObject(object_id=index, label=labels[index], action="bouncing", score=1.0)
            for index in range(count)
        ),
        masks=masks,
        reconstruction=_wall_points(times, height, width),
        masses={
            index: MassEstimate(object_id=index, mass_kg=0.5 * (index + 1), source="truth")
            for index in range(count)
        },
        speeds_m_s={
            index: _step_px(index) * METRES_PER_PIXEL * fps * time_scale for index in range(count)
        },
        hidden=gone,
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
