"""A tracker that needs no model: it follows the bright thing that touches the one before."""

from __future__ import annotations

import numpy as np
from pavas_florence_sam2.tracker import Seen
from scipy import ndimage


class BrightTracker:
    """Keeps the interface of `Tracker`; remembers what it was asked."""

    image_side = 64

    def __init__(self, threshold=150):
        self.threshold = threshold
        self.asked = []

    def track(self, frames, prompts, *, first, size):
        self.asked.append((len(frames), first, list(prompts)))
        before = {}
        for index, frame in enumerate(frames):
            bright = frame.mean(axis=-1) > self.threshold
            parts, count = ndimage.label(bright)
            seen = {}
            for prompt in prompts:
                if prompt.frame == index:
                    before[prompt.object_id] = _area(prompt, bright.shape)
            for key, old in before.items():
                touched = [
                    n
                    for n in range(1, count + 1)
                    if (ndimage.binary_dilation(old, iterations=3) & (parts == n)).any()
                ]
                mask = np.isin(parts, touched) if touched else np.zeros_like(bright)
                if mask.any():
                    before[key] = mask
                seen[key] = Seen(mask=mask, score=0.9)
            if index >= first and seen:
                yield index, seen


def _area(prompt, shape):
    if prompt.mask is not None:
        return prompt.mask
    height, width = shape
    x0, y0, x1, y1 = prompt.box
    area = np.zeros(shape, bool)
    area[int(y0 * height) : int(y1 * height) + 1, int(x0 * width) : int(x1 * width) + 1] = True
    return area
