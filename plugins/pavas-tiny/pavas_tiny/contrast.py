"""How much pixels differ from the background and from frame to frame, and how much is noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from pavas_tiny.background import spread_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.canvas import Canvas

__all__ = ["contrast_to", "largest_difference", "noise_threshold"]


def largest_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of two pictures (H, W, 3), over the colours, (H, W)."""
    difference = np.maximum(a, b)
    difference -= np.minimum(a, b)
    largest = np.maximum(difference[..., 0], difference[..., 1])
    return np.maximum(largest, difference[..., 2], out=largest)


def contrast_to(canvas: Canvas, background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Largest difference to the background over the colours, uint8, (T, H, W); 0 beyond a frame."""
    frames = canvas.frames
    contrast = np.empty(frames.shape[:3], dtype=np.uint8)
    for index in range(frames.shape[0]):
        contrast[index] = largest_difference(frames[index], background)
    if canvas.valid is not None:
        contrast[~canvas.valid] = 0
    return contrast


def noise_threshold(
    contrast: NDArray[np.uint8],
    background: NDArray[np.uint8],
    misregistration_px: float,
) -> NDArray[np.float32]:
    """Least contrast that is not noise, per pixel."""
    frames = contrast.shape[0]
    index = spread_frames(frames)
    stack = np.sort(np.moveaxis(contrast[index], 0, -1), axis=-1)
    typical = stack[..., int(0.4 * (index.size - 1))].astype(np.float32)
    everywhere = float(np.median(typical))
    # an object that is there half of the time must not hide behind its own difference
    typical = np.minimum(typical, 3.0 * everywhere + 4.0)
    typical = ndimage.uniform_filter(typical, 3)
    threshold = 5.0 + 2.6 * np.maximum(typical, everywhere)
    if misregistration_px > 0:
        grey = background.astype(np.float32).max(axis=-1)
        gy, gx = np.gradient(grey)
        slope = ndimage.maximum_filter(np.hypot(gx, gy), 3)
        threshold = threshold + misregistration_px * slope
    return np.asarray(threshold, dtype=np.float32)
