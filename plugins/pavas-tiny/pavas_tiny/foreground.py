"""What stands out from the background, without the ghosts and shadows of what moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_tiny.background import median_background, spread_frames
from pavas_tiny.contrast import contrast_to, noise_threshold
from pavas_tiny.parts import label_parts, strong_parts, without_small
from pavas_tiny.resting import settle_rested
from pavas_tiny.shade import above_half_contrast, find_shade, without_shade
from pavas_tiny.swinging import settle_swinging

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pavas_tiny.canvas import Canvas

__all__ = ["Foreground", "find_foreground"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Foreground:
    """What differs from the background.

    Attributes:
        mask: bool, (T, H, W), without the shadows that touch their thing.
        labels: int32, (T, H, W): connected parts, numbered through all frames, 0 is background.
        count: Number of parts.
        contrast: uint8, (T, H, W), largest difference over the colours.
        background: uint8, (H, W, 3).
        threshold: float32, (H, W), least difference that counts.
        shade: bool, (T, H, W), pixels that look like the background under less light.
    """

    mask: NDArray[np.bool_]
    labels: NDArray[np.int32]
    count: int
    contrast: NDArray[np.uint8]
    background: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    shade: NDArray[np.bool_]


def find_foreground(canvas: Canvas, *, misregistration_px: float = 0.0) -> Foreground:
    """Separate what moves, or rests for a while, from the background.

    Args:
        canvas: Frames in one reference picture.
        misregistration_px: How far the registration may be off: edges of the background count
            less accordingly.
    """
    background = median_background(canvas)
    sample = spread_frames(canvas.frames.shape[0])
    shown = canvas.frames[sample]
    valid = None if canvas.valid is None else canvas.valid[sample]
    settle_rested(shown, valid, background)
    settle_swinging(shown, valid, background)
    contrast = contrast_to(canvas, background)
    threshold = noise_threshold(contrast, background, misregistration_px)
    labels, count = strong_parts(contrast, threshold)
    mask = labels > 0
    shade = find_shade(canvas, background, mask)
    solid = without_shade(above_half_contrast(labels, count, contrast), shade, labels, count)
    labels, count = label_parts(solid)
    labels, count = without_small(labels, count, contrast, threshold)
    return Foreground(
        mask=labels > 0,
        labels=labels,
        count=count,
        contrast=contrast,
        background=background,
        threshold=threshold,
        shade=shade,
    )
