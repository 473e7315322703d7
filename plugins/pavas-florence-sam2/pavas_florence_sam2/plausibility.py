"""Masks that cannot be right: the complement of what was asked for, and jumps. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_florence_sam2.boxes import Box

__all__ = ["IMPLAUSIBLE", "JumpWatch", "is_complement"]

IMPLAUSIBLE = 0.1
"""What the score of an implausible mask is multiplied by, so that it never passes for a good one."""

_MOST_OUTSIDE = 0.5
_MOST_GROWTH = 4.0


def is_complement(mask: NDArray[np.bool_], box: Box) -> bool:
    """Return whether a mask lies mostly outside of the box that prompted it.

    Args:
        mask: bool, (H, W), on the frame of the box.
        box: (x0, y0, x1, y1) as fractions of width and height.
    """
    total = int(mask.sum())
    if total == 0:
        return False
    height, width = mask.shape
    # a pixel of slack: boxes and masks are rounded differently
    left, right = int(np.floor(box[0] * width)) - 1, int(np.ceil(box[2] * width)) + 1
    top, bottom = int(np.floor(box[1] * height)) - 1, int(np.ceil(box[3] * height)) + 1
    inside = int(mask[max(top, 0) : bottom, max(left, 0) : right].sum())
    return total - inside > _MOST_OUTSIDE * total


@dataclass(slots=True, kw_only=True)
class JumpWatch:
    """Follows one object from frame to frame and says when its mask jumps.

    Attributes:
        distance: A mask whose centre is this many of its sizes (root of the area) away from the one
            before, without touching it, has jumped; so has one whose area changes by more than the
            factor four between two neighbouring frames.
    """

    distance: float
    _mask: NDArray[np.bool_] | None = None
    _frame: int = -1

    def jumped(self, mask: NDArray[np.bool_], frame: int) -> bool:
        """Return whether this mask has jumped from the last one that was seen.

        Args:
            mask: bool, (H, W).
            frame: Its number; frames in between, in which nothing was seen, allow it to move on.
        """
        if not mask.any():
            return False
        before, at = self._mask, self._frame
        self._mask, self._frame = mask, frame
        if before is None:
            return False
        gap = max(1, abs(frame - at))
        old, new = int(before.sum()), int(mask.sum())
        if max(old, new) > _MOST_GROWTH * gap * min(old, new):
            return True
        if (mask & before).any():
            return False
        size = np.sqrt(max(old, new))
        moved = float(np.linalg.norm(_centre(mask) - _centre(before)))
        return bool(moved > self.distance * gap * size)


def _centre(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    rows, columns = np.nonzero(mask)
    return np.array([rows.mean(), columns.mean()])
