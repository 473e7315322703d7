"""The picture behind what moves: a median over the clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.canvas import Canvas

__all__ = ["median_background", "spread_frames"]

_MEDIAN_FRAMES = 25


def spread_frames(frames: int) -> NDArray[np.intp]:
    """Frames spread evenly over the clip."""
    return np.unique(np.linspace(0, frames - 1, _MEDIAN_FRAMES).round().astype(np.intp))


def median_background(canvas: Canvas) -> NDArray[np.uint8]:
    """Per-pixel median over frames spread evenly; where no frame reaches, 0."""
    frames = canvas.frames
    index = spread_frames(frames.shape[0])
    stack = np.ascontiguousarray(np.moveaxis(frames[index], 0, -1))
    if canvas.valid is None:
        stack.sort(axis=-1)
        return np.asarray(stack[..., (index.size - 1) // 2])
    valid = np.moveaxis(canvas.valid[index], 0, -1)
    wide = np.where(valid[..., None, :], stack, np.uint8(255))
    wide.sort(axis=-1)
    middle = np.maximum(valid.sum(axis=-1) - 1, 0) // 2
    picked = np.take_along_axis(wide, middle[..., None, None], axis=-1)[..., 0]
    reached = np.asarray(valid.any(axis=-1))
    return np.asarray(np.where(reached[..., None], picked, 0), dtype=np.uint8)
