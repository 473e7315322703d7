"""Shadows: parts of a mask that look like the background under less light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.canvas import Canvas

__all__ = ["above_half_contrast", "find_shade", "without_shade"]

_EDGE_SHARE = 0.42


def find_shade(
    canvas: Canvas, background: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Pixels of the mask that look like the background under less light."""
    at = np.flatnonzero(mask)
    seen = canvas.frames.reshape(-1, 3)[at].astype(np.float32) + 6.0
    height_width = background.shape[0] * background.shape[1]
    floor = background.reshape(-1, 3)[at % height_width].astype(np.float32) + 6.0
    ratio = seen / floor
    low, high = ratio.min(axis=-1), ratio.max(axis=-1)
    shaded = (high < 1.0) & (low > 0.45) & (high - low < 0.10 + 0.08 * (1 - low))
    out = np.zeros(mask.shape, dtype=np.bool_)
    out.ravel()[at] = shaded
    return out


def above_half_contrast(
    labels: NDArray[np.int32], count: int, contrast: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Pixels that reach a share of their part's contrast: the rim lies at the edge, not outside."""
    mask = labels > 0
    inside = np.flatnonzero(mask)
    part = labels.ravel()[inside]
    level = contrast.ravel()[inside].astype(np.float64)
    total = np.bincount(part, weights=level, minlength=count + 1)
    strong = np.bincount(part, weights=level * level, minlength=count + 1) / np.maximum(total, 1.0)
    mask.ravel()[inside] = level >= _EDGE_SHARE * strong[part]
    return mask


def without_shade(
    mask: NDArray[np.bool_],
    shade: NDArray[np.bool_],
    labels: NDArray[np.int32],
    count: int,
) -> NDArray[np.bool_]:
    """The solid core of each part, filled. A part that is all shade stays as it is.

    Whether such a part is a shadow or a grey thing before a grey wall is decided for its whole
    track (see ``selection``).
    """
    if count == 0:
        return mask
    core = _opened(mask & ~shade)
    area = np.bincount(labels[labels > 0], minlength=count + 1)
    solid = np.bincount(labels[core], minlength=count + 1)
    keep = solid >= np.maximum(4, 0.06 * area)
    keep[0] = False
    kept = keep.take(labels)
    core &= kept
    places = ndimage.find_objects(labels)
    out = core | (mask & ~kept)
    for index in np.flatnonzero(keep & (solid < area)):
        t, rows, columns = places[index - 1]
        own = labels[t.start, rows, columns] == index
        out[t.start, rows, columns] |= _spanned(core[t.start, rows, columns] & own) & own
    return np.asarray(out)


def _spanned(core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Everything between the first and the last pixel of each row, then of each column."""
    across = np.logical_or.accumulate(core, axis=1)
    across &= np.logical_or.accumulate(core[:, ::-1], axis=1)[:, ::-1]
    down = np.logical_or.accumulate(across, axis=0)
    down &= np.logical_or.accumulate(across[::-1], axis=0)[::-1]
    return np.asarray(down)


def _opened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels with at least three of their eight neighbours in the mask.

    Sums of slices: ``ndimage.convolve`` gives the same in twenty times the time.
    """
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    total = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return np.asarray(mask & (total >= 4))
