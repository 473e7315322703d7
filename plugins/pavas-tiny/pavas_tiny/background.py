"""What stands out from the background, without the ghosts and shadows of what moves.

A temporal median alone takes an object that rests half of the time for background: while it is
away, its place stands out as a "ghost". A ghost shows on its outline: the edge is in the
background picture and not in the frame. Such places are repaired with what the frames show there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from pavas_tiny.contested import settle_contested

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.canvas import Canvas

__all__ = ["Foreground", "find_foreground"]

_MEDIAN_FRAMES = 25
_MIN_AREA = 6
_EDGE_SHARE = 0.42
_IN_PLANE = np.array(
    [[[0, 0, 0]] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0]] * 3], dtype=bool
)


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
    background = _median(canvas)
    sample = _sample(canvas.frames.shape[0])
    settle_contested(
        canvas.frames[sample],
        None if canvas.valid is None else canvas.valid[sample],
        background,
    )
    change = _short_change(canvas)
    for _ in range(3):
        contrast = _contrast(canvas, background)
        threshold = _threshold(contrast, background, misregistration_px)
        labels, count = _parts(contrast, threshold)
        repaired = _repair_ghosts(canvas, background, change, threshold, labels, count)
        if not repaired:
            break
    mask = labels > 0
    shade = _shade(canvas, background, mask)
    solid = _without_shade(_above_half(labels, count, contrast), shade, labels, count)
    labels, count = _label(solid)
    labels, count = _drop_small(labels, count, contrast, threshold)
    return Foreground(
        mask=labels > 0,
        labels=labels,
        count=count,
        contrast=contrast,
        background=background,
        threshold=threshold,
        shade=shade,
    )


def _sample(frames: int) -> NDArray[np.intp]:
    """Frames spread evenly over the clip."""
    return np.unique(np.linspace(0, frames - 1, _MEDIAN_FRAMES).round().astype(np.intp))


def _median(canvas: Canvas) -> NDArray[np.uint8]:
    """Per-pixel median over frames spread evenly; where no frame reaches, 0."""
    frames = canvas.frames
    index = _sample(frames.shape[0])
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


def _largest_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of two pictures (H, W, 3), over the colours, (H, W)."""
    difference = np.maximum(a, b)
    difference -= np.minimum(a, b)
    largest = np.maximum(difference[..., 0], difference[..., 1])
    return np.maximum(largest, difference[..., 2], out=largest)


def _contrast(canvas: Canvas, background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    frames = canvas.frames
    contrast = np.empty(frames.shape[:3], dtype=np.uint8)
    for index in range(frames.shape[0]):
        contrast[index] = _largest_difference(frames[index], background)
    if canvas.valid is not None:
        contrast[~canvas.valid] = 0
    return contrast


def _short_change(canvas: Canvas) -> NDArray[np.uint8]:
    """Change to the frames two before and two after, the larger of the two, (T, H, W)."""
    frames = canvas.frames
    count = frames.shape[0]
    lag = min(2, count - 1)
    out = np.zeros(frames.shape[:3], dtype=np.uint8)
    if lag == 0:
        return out
    for index in range(lag, count):
        step = _largest_difference(frames[index], frames[index - lag])
        if canvas.valid is not None:
            step[~(canvas.valid[index] & canvas.valid[index - lag])] = 0
        np.maximum(out[index - lag], step, out=out[index - lag])
        out[index] = step
    return out


def _threshold(
    contrast: NDArray[np.uint8],
    background: NDArray[np.uint8],
    misregistration_px: float,
) -> NDArray[np.float32]:
    """Least contrast that is not noise, per pixel."""
    frames = contrast.shape[0]
    index = _sample(frames)
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


def _label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Connected parts of each frame; a gap of two pixels does not separate."""
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    tall = wide.copy()
    tall[:, :, 1:] |= wide[:, :, :-1]
    tall[:, :, :-1] |= wide[:, :, 1:]
    labels, count = ndimage.label(tall, structure=_IN_PLANE)
    labels *= mask
    return labels, int(count)


def _parts(
    contrast: NDArray[np.uint8], threshold: NDArray[np.float32]
) -> tuple[NDArray[np.int32], int]:
    """Connected parts above the threshold that somewhere reach twice the threshold."""
    mask = contrast > threshold
    labels, count = _label(mask)
    return _drop_small(labels, count, contrast, threshold)


def _drop_small(
    labels: NDArray[np.int32],
    count: int,
    contrast: NDArray[np.uint8],
    threshold: NDArray[np.float32],
) -> tuple[NDArray[np.int32], int]:
    if count == 0:
        return labels, 0
    inside = np.flatnonzero(labels.ravel())
    part = labels.ravel()[inside]
    area = np.bincount(part, minlength=count + 1)
    ratio = contrast.ravel()[inside] / threshold.ravel()[inside % threshold.size]
    strong = np.bincount(part, weights=(ratio > 1.7).astype(np.float64), minlength=count + 1)
    keep = (area >= _MIN_AREA) & (strong >= 3)
    keep[0] = False
    renumber = np.zeros(count + 1, dtype=np.int32)
    renumber[keep] = np.arange(1, int(keep.sum()) + 1)
    return renumber[labels], int(keep.sum())


def _edges(labels: NDArray[np.int32]) -> NDArray[np.intp]:
    """Flat indices of pixels of a part that touch a pixel outside it."""
    mask = labels > 0
    inner = mask.copy()
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    inner[:, :, 1:] &= mask[:, :, :-1]
    inner[:, :, :-1] &= mask[:, :, 1:]
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


def _repair_ghosts(
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
    inside = np.flatnonzero(labels.ravel())
    owner = labels.ravel()[inside]
    moving = np.bincount(owner, weights=change.ravel()[inside], minlength=count + 1)
    limit = np.bincount(
        owner, weights=threshold.ravel()[inside % threshold.size], minlength=count + 1
    )
    ghost = (back_edge > 1.4 * frame_edge) & (moving < limit)
    ghost[0] = False
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


def _shade(
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


def _above_half(
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


def _without_shade(
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
    area = np.bincount(labels.ravel(), minlength=count + 1)
    solid = np.bincount(labels[core], minlength=count + 1)
    keep = solid >= np.maximum(4, 0.06 * area)
    keep[0] = False
    core &= keep[labels]
    places = ndimage.find_objects(labels)
    out = core | (mask & ~keep[labels])
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
    """Pixels with at least three of their eight neighbours in the mask."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    total = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return np.asarray(mask & (total >= 4))
