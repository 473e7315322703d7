"""The frames in one reference picture, and what the background looks like there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Canvas", "build_canvas", "smoothed"]

_MAX_GROWTH = 2.5
_BINOMIAL = (1, 2, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """Frames laid over each other.

    Attributes:
        frames: uint8, (T, Hc, Wc, 3), lightly blurred; 0 where a frame does not reach.
        valid: bool, (T, Hc, Wc), or None when every frame covers everything (still camera).
        offset: (x, y) of the canvas' first pixel in the reference picture.
    """

    frames: NDArray[np.uint8]
    valid: NDArray[np.bool_] | None
    offset: tuple[float, float]


def smoothed(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the frames after a 3 x 3 binomial filter (noise down to about 3/8), uint8.

    Frame by frame: one frame fits into the processor's cache, a clip does not.
    """
    out = np.empty(frames.shape, dtype=np.uint8)
    for index, frame in enumerate(frames):
        total = ndimage.correlate1d(frame, _BINOMIAL, axis=0, mode="nearest", output=np.uint16)
        ndimage.correlate1d(total, _BINOMIAL, axis=1, mode="nearest", output=total)
        out[index] = (total + 8) >> 4
    return out


def build_canvas(frames: NDArray[np.uint8], matrix: NDArray[np.float64], *, moving: bool) -> Canvas:
    """Blur the frames and, with a moving camera, warp them into the reference picture.

    Args:
        frames: uint8, (T, H, W, 3).
        matrix: (T, 2, 3), frame to reference in pixels.
        moving: Whether the camera moves.
    """
    blurred = smoothed(frames)
    if not moving:
        return Canvas(frames=blurred, valid=None, offset=(0.0, 0.0))
    count, height, width = frames.shape[:3]
    corners = np.array(
        [[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]]
    )
    places = np.einsum("tij,kj->tki", matrix, corners)
    low = np.floor(places.min(axis=(0, 1)))
    high = np.ceil(places.max(axis=(0, 1)))
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    reach = 0.5 * _MAX_GROWTH * np.array([width, height])
    low = np.maximum(low, np.floor(centre - reach))
    high = np.minimum(high, np.ceil(centre + reach))
    canvas_width, canvas_height = (high - low + 1).astype(int)
    grid_y, grid_x = np.mgrid[0:canvas_height, 0:canvas_width].astype(np.float32)
    grid_x += np.float32(low[0])
    grid_y += np.float32(low[1])
    out = np.zeros((count, canvas_height, canvas_width, 3), dtype=np.uint8)
    valid = np.zeros((count, canvas_height, canvas_width), dtype=np.bool_)
    for index in range(count):
        out[index], valid[index] = _warp(blurred[index], matrix[index], grid_x, grid_y)
    return Canvas(frames=out, valid=valid, offset=(float(low[0]), float(low[1])))


def _warp(
    frame: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    grid_x: NDArray[np.float32],
    grid_y: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A frame seen on the canvas (bilinear), and where it reaches."""
    height, width = frame.shape[:2]
    inverse = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]])).astype(np.float32)
    x = inverse[0, 0] * grid_x + inverse[0, 1] * grid_y + inverse[0, 2]
    y = inverse[1, 0] * grid_x + inverse[1, 1] * grid_y + inverse[1, 2]
    valid = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    column = np.clip(x.astype(np.int32), 0, width - 2)
    row = np.clip(y.astype(np.int32), 0, height - 2)
    fx = np.rint((np.clip(x, 0, width - 1) - column) * 16).astype(np.uint16)[..., None]
    fy = np.rint((np.clip(y, 0, height - 1) - row) * 16).astype(np.uint16)[..., None]
    flat = frame.reshape(-1, 3)  # sums are uint16, into which 255 * 16 * 16 + 128 just fits
    at = (row * width + column).astype(np.intp)
    top = flat.take(at, axis=0) * (16 - fx) + flat.take(at + 1, axis=0) * fx
    bottom = flat.take(at + width, axis=0) * (16 - fx) + flat.take(at + width + 1, axis=0) * fx
    blended = (top * (16 - fy) + bottom * fy + 128) >> 8
    blended[~valid] = 0
    return blended.astype(np.uint8), valid
