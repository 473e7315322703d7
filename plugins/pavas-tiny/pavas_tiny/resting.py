"""What rested: the background where a thing came to rest, or left the place where it lay.

A median over the clip takes for background what is there most of the time. A pixel whose colour
changes once, and keeps the new one, shows a thing and the background behind it, one before and one
after: connected pixels that do so are one region, and the whole region is decided at once. A thing
has an outline; the background continues across it. What changes back and forth, as under a hand that
returns, stays with the median.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["settle_rested"]

_LEAST_GAP = 14.0  # in the colour that changes most
_LEAST_SHARE = 0.08
_LOYAL = 0.8  # share of the frames of a side that are nearer to its colour than to the other's
_LEAST_AREA = 8
_LEAST_PAIRS = 8
_CLEAR = 1.2  # how much stronger the outline of the thing must be


def settle_rested(
    frames: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    background: NDArray[np.uint8],
) -> None:
    """Correct ``background`` in place.

    Args:
        frames: uint8, (n, H, W, 3), frames spread over the clip, in order.
        valid: bool, (n, H, W), where a frame reaches, or None.
        background: uint8, (H, W, 3), the median over the clip.
    """
    count = frames.shape[0]
    least = max(2, round(_LEAST_SHARE * count))
    if count < 2 * least + 1:
        return
    reach = np.ones(frames.shape[:3], dtype=np.bool_) if valid is None else valid
    span = np.where(reach[..., None], frames, background).astype(np.uint8)
    rows, columns = np.nonzero(np.ptp(span, axis=0).max(axis=-1) > _LEAST_GAP)
    if not rows.size:
        return
    split, before, after = _once_changed(
        frames[:, rows, columns].astype(np.float32), reach[:, rows, columns], least
    )
    changed = split > 0
    when = np.zeros(background.shape[:2], dtype=np.int64)
    when[rows, columns] = split
    sides = np.repeat(background[None].astype(np.float32), 2, axis=0)
    sides[0, rows[changed], columns[changed]] = before[changed]
    sides[1, rows[changed], columns[changed]] = after[changed]
    for region in _regions(when):
        side = _without_outline(region, when > 0, sides, background)
        if side is not None:
            background[region] = np.clip(np.rint(sides[side][region]), 0, 255).astype(np.uint8)


def _once_changed(
    pixels: NDArray[np.float32], seen: NDArray[np.bool_], least: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """First frame after the one change of each pixel (0: none), colours before and after.

    Args:
        pixels: (n, p, 3).
        seen: (n, p), which of them count.
        least: Frames that must count on each side.
    """
    count = pixels.shape[0]
    splits = np.arange(least, count - least + 1)
    total = (pixels * seen[..., None]).cumsum(axis=0)
    number = seen.cumsum(axis=0).astype(np.float32)
    left, right = total[splits - 1], total[-1] - total[splits - 1]
    few, rest = number[splits - 1], number[-1] - number[splits - 1]
    # least squares: the best split is where the two means explain most
    explained = (left**2).sum(axis=-1) / np.maximum(few, 1)
    explained += (right**2).sum(axis=-1) / np.maximum(rest, 1)
    allowed = (few >= least) & (rest >= least)
    split = splits[np.where(allowed, explained, -1.0).argmax(axis=0)]
    early = np.arange(count)[:, None] < split
    before, after = _median(pixels, early & seen), _median(pixels, ~early & seen)
    gap = np.abs(after - before).max(axis=-1)
    nearer = np.abs(pixels - before).max(axis=-1) <= np.abs(pixels - after).max(axis=-1)
    once = allowed.any(axis=0) & (gap > _LEAST_GAP)
    for side in (early & seen, ~early & seen):
        once &= ((nearer == early) & side).sum(axis=0) >= _LOYAL * side.sum(axis=0)
    return np.where(once, split, 0), before, after


def _median(pixels: NDArray[np.float32], use: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Median over the frames ``use`` (n, p), (p, 3)."""
    wide = np.sort(np.where(use[..., None], pixels, np.float32(np.inf)), axis=0)
    number = use.sum(axis=0)
    middle = np.take_along_axis(wide, np.maximum(number - 1, 0)[None, :, None] // 2, axis=0)[0]
    return np.asarray(np.where(number[:, None] > 0, middle, 0.0), dtype=np.float32)


def _regions(when: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """Connected pixels that changed at about the same time, (H, W) each."""
    regions = []
    for group in _close_times(when):
        labels, _ = ndimage.label(np.isin(when, group))
        sizes = np.bincount(labels.ravel())
        regions += [labels == k for k in range(1, sizes.size) if sizes[k] >= _LEAST_AREA]
    return regions


def _close_times(when: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Runs of neighbouring times at which pixels changed."""
    times = np.unique(when[when > 0])
    return [run for run in np.split(times, np.flatnonzero(np.diff(times) > 1) + 1) if run.size]


def _without_outline(
    region: NDArray[np.bool_],
    unsure: NDArray[np.bool_],
    sides: NDArray[np.float32],
    background: NDArray[np.uint8],
) -> int | None:
    """Which side continues the background around the region; None when it is not clear."""
    known = background.astype(np.float32)
    steps = np.zeros(2)
    pairs = 0
    for axis in (0, 1):
        for reach in (2, -2):
            outside = ~np.roll(unsure, -reach, axis=axis) & region
            edge = [slice(None), slice(None)]
            edge[axis] = slice(-reach, None) if reach > 0 else slice(None, -reach)
            outside[tuple(edge)] = False
            across = np.roll(known, -reach, axis=axis)[outside]
            pairs += across.shape[0]
            for side in (0, 1):
                steps[side] += np.abs(sides[side][outside] - across).max(axis=-1).sum()
    if pairs < _LEAST_PAIRS:
        return None
    if max(steps) < _CLEAR * min(steps):
        return None
    return int(np.argmin(steps))
