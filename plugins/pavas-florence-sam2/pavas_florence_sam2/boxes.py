"""Boxes as a grounding model returns them, made fit for a prompt. Numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Box = tuple[float, float, float, float]

__all__ = ["area_fraction", "choose", "clean_boxes", "overlap"]


def clean_boxes(
    boxes: Sequence[Sequence[float]], *, height: int, width: int, min_fraction: float
) -> list[Box]:
    """Return boxes as fractions of the picture, the largest first.

    Corners are put in order, what lies outside of the picture is cut off, tiny boxes and boxes that
    are no numbers are dropped, and so are repetitions.

    Args:
        boxes: (x0, y0, x1, y1) in pixels, in whatever order and place a model writes them.
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        min_fraction: Least share of the picture.
    """
    kept: list[Box] = []
    for box in boxes:
        corners = np.asarray(box, dtype=np.float64)
        if corners.shape != (4,) or not np.isfinite(corners).all():
            continue
        x = np.clip(np.sort(corners[[0, 2]]) / width, 0.0, 1.0)
        y = np.clip(np.sort(corners[[1, 3]]) / height, 0.0, 1.0)
        clean = (float(x[0]), float(y[0]), float(x[1]), float(y[1]))
        if area_fraction(clean) > max(min_fraction, 0.0) and clean not in kept:
            kept.append(clean)
    return sorted(kept, key=lambda box: (-area_fraction(box), box))


def choose(
    boxes: Sequence[Box], *, taken: Sequence[Box], hint: Box | None, max_fraction: float
) -> Box | None:
    """Return the box for an object, or None.

    The best overlap with a hint wins, else the largest that is not nearly the whole picture and is
    not taken by another object already.

    Args:
        boxes: Candidates from `clean_boxes`.
        taken: Boxes of other objects on the same frame.
        hint: Where the detector saw the object, or None.
        max_fraction: Larger boxes are no find.
    """
    free = [box for box in boxes if all(overlap(box, other) < 0.9 for other in taken)]
    found = [box for box in free if area_fraction(box) <= max_fraction]
    if not found:
        return None
    if hint is not None:
        best = max(found, key=lambda box: overlap(box, hint))
        if overlap(best, hint) > 0:
            return best
    return found[0]


def area_fraction(box: Box) -> float:
    """Return the share of the picture that a box covers."""
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes."""
    a: NDArray[np.float64] = np.asarray(first)
    b: NDArray[np.float64] = np.asarray(second)
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    inside = float(np.prod(np.clip(sides, 0.0, None)))
    union = area_fraction(first) + area_fraction(second) - inside
    return inside / union if union > 0 else 0.0
