"""Ghosts: places where the background picture holds an object that rested there.

A temporal median alone takes an object that rests half of the time for background: while it is
away, its place stands out as a "ghost". A ghost shows on its outline: the edge is in the
background picture and not in the frame. Such places are repaired with what the frames show there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.canvas import Canvas

__all__ = ["repair_ghosts"]

_NEIGHBOURS = ndimage.generate_binary_structure(2, 1)[None]


def repair_ghosts(
    canvas: Canvas,
    background: NDArray[np.uint8],
    change: NDArray[np.uint8],
    threshold: NDArray[np.float32],
    labels: NDArray[np.int32],
    count: int,
) -> bool:
    """Paint what the frames show into the background where it holds an object; whether it did.

    Two tests find the places. A whole part is a ghost when it stands still and its outline is an
    edge of the background rather than of the frame. Where ghost and object overlap in one part,
    each pixel goes by the outline pixels near it, averaged over all frames.
    """
    if count == 0:
        return False
    edge = _edges(labels)
    part = labels.ravel()[edge]
    frame_slope = _slope_at(canvas.frames, edge)
    back_slope = _slope_at(background, edge)
    frame_edge = np.bincount(part, weights=frame_slope, minlength=count + 1)
    back_edge = np.bincount(part, weights=back_slope, minlength=count + 1)
    inside = np.flatnonzero(labels.ravel() > 0)
    owner = labels.ravel()[inside]
    moving = np.bincount(owner, weights=change.ravel()[inside], minlength=count + 1)
    limit = np.bincount(
        owner, weights=threshold.ravel()[inside % threshold.size], minlength=count + 1
    )
    ghost = (back_edge > 1.4 * frame_edge) & (moving < limit)
    ghostly = ghost[labels]
    least = max(2, min(4, labels.shape[0] // 10))
    wanted = ghostly.sum(axis=0) >= least
    # the pixel test
    plane = threshold.size
    vote = (back_slope - frame_slope) / (back_slope + frame_slope + 8.0)
    votes = np.bincount(edge % plane, weights=vote, minlength=plane).reshape(threshold.shape)
    ballots = np.bincount(edge % plane, minlength=plane).reshape(threshold.shape)
    near = ndimage.gaussian_filter(votes, 2.0, truncate=3.0)
    weight = ndimage.gaussian_filter(ballots.astype(np.float64), 2.0, truncate=3.0)
    shown = labels > 0
    by_pixel = (near > 0.22 * weight) & (weight > 0.05 * least) & (shown.sum(axis=0) >= least)
    by_pixel &= ~wanted
    painted = _paint(canvas, background, wanted, ghostly, steady=False)
    return _paint(canvas, background, by_pixel, shown, steady=True) or painted


def _edges(labels: NDArray[np.int32]) -> NDArray[np.intp]:
    """Flat indices of pixels of a part that touch a pixel outside it."""
    mask = labels > 0
    inner = ndimage.binary_erosion(mask, _NEIGHBOURS, border_value=1)
    return np.flatnonzero(mask & ~inner)


def _slope_at(pictures: NDArray[np.uint8], flat: NDArray[np.intp]) -> NDArray[np.float64]:
    """Brightness slope of (T, H, W, 3) or (H, W, 3) pictures at flat (t, y, x) indices."""
    height, width = pictures.shape[-3:-1]
    column = flat % width
    row = (flat // width) % height
    base = (flat // (width * height)) * (width * height) if pictures.ndim == 4 else 0
    pixels = pictures.reshape(-1, 3)

    def value(y: NDArray[np.intp], x: NDArray[np.intp]) -> NDArray[np.int32]:
        return np.asarray(pixels[base + y * width + x], dtype=np.int32)

    right = value(row, np.minimum(column + 1, width - 1))
    left = value(row, np.maximum(column - 1, 0))
    down = value(np.minimum(row + 1, height - 1), column)
    up = value(np.maximum(row - 1, 0), column)
    return np.asarray(np.maximum(np.abs(right - left), np.abs(down - up)).max(axis=-1), np.float64)


def _paint(
    canvas: Canvas,
    background: NDArray[np.uint8],
    where: NDArray[np.bool_],
    when: NDArray[np.bool_],
    *,
    steady: bool,
) -> bool:
    """Set the background to the median of the frames ``when``, in place; whether any was set.

    With ``steady`` only where those frames agree, as they do on a background.
    """
    if not where.any():
        return False
    rim = ndimage.binary_dilation(where, iterations=2)
    rows, columns = np.nonzero(rim)
    nearest = ndimage.distance_transform_edt(~where, return_distances=False, return_indices=True)
    use = when[:, nearest[0, rows, columns], nearest[1, rows, columns]]
    if canvas.valid is not None:
        use = use & canvas.valid[:, rows, columns]
    number = use.sum(axis=0)
    seen = np.where(use[..., None], canvas.frames[:, rows, columns], np.uint8(255))
    seen = np.sort(np.ascontiguousarray(np.moveaxis(seen, 0, -1)), axis=-1)  # (n, 3, T)

    def rank(share: float) -> NDArray[np.uint8]:
        at = (share * np.maximum(number - 1, 0)).astype(np.intp)
        return np.asarray(np.take_along_axis(seen, at[:, None, None], axis=-1)[..., 0])

    middle = rank(0.5)
    good = number > 0
    if steady:
        spread = (rank(0.8).astype(np.int16) - rank(0.2)).max(axis=1)
        good &= spread < 24
    background[rows[good], columns[good]] = middle[good]
    return bool(good.any())
