"""What swings about its place: the background that shows beside it, now here, now there.

What is always in the picture and moves by about its own size covers its middle for most of the time,
where a median takes it for background. Such pixels show two colours in turn. The background goes on
from where it is known: from the rim inwards each pixel of two colours gets the one that continues what
is beside it. A middle that is never uncovered is filled from around. All of it counts only where the
thing is seen outside, too: what is majority within is minority around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["settle_swinging"]

_LEAST_GAP = 24.0  # between the two colours, in the one that differs most
_LEAST_SHARE = 0.12  # of the frames that show the rarer colour
_LOYAL = 0.75  # share of the frames that are near to one of the two; the rest is the rim passing
_NEAR = 0.35  # of the gap
_CLEAR = 2.5  # how much better the rarer colour must continue what is beside it
_ALIKE = 0.4  # of the gap: the thing within and the thing around
_RIM = 0.75  # of the gap: where the outline passes, both are mixed
_LEAST_AREA = 8
_LEAST_AROUND = 0.3  # of the corrected area: where the thing is seen outside of it
_ROUNDS = 80
_EDGE = 4  # pixels: the outermost are smoothed and mixed
_EIGHT = np.ones((3, 3), dtype=bool)


def settle_swinging(
    frames: NDArray[np.uint8], valid: NDArray[np.bool_] | None, background: NDArray[np.uint8]
) -> None:
    """Correct ``background`` in place.

    Args:
        frames: uint8, (n, H, W, 3), frames spread over the clip.
        valid: bool, (n, H, W), where a frame reaches, or None.
        background: uint8, (H, W, 3), the median over the clip, settled where things rested.
    """
    changing, two, rarer = _two_colours(frames, valid, background)
    if np.count_nonzero(two) < _LEAST_AREA:
        return
    unknown = ndimage.binary_fill_holes(ndimage.binary_closing(changing, _EIGHT) | changing)
    within = _not_continued(background, rarer, two, unknown)
    labels, count = ndimage.label(unknown, _EIGHT)
    for index in range(1, count + 1):
        here = labels == index
        if _touches_the_edge(here):
            continue
        thing = _thing_colour(here & within, here & two & ~within, background, rarer)
        if thing is not None:
            _take_out(thing, here, two, rarer, background)


def _two_colours(
    frames: NDArray[np.uint8], valid: NDArray[np.bool_] | None, background: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float32]]:
    """Which pixels change, which of them show two colours in turn, and the one that is not background."""
    reach = np.ones(frames.shape[:3], dtype=np.bool_) if valid is None else valid
    away = np.abs(frames.astype(np.int16) - background).max(axis=-1)
    far = (away > _LEAST_GAP) & reach
    seen = reach.sum(axis=0)
    changing = far.sum(axis=0) >= np.maximum(2, _LEAST_SHARE * seen)
    two = changing.copy()
    rarer = np.zeros(background.shape, dtype=np.float32)
    rows, columns = np.nonzero(two)
    if not rows.size:
        return changing, two, rarer
    pixels, use = frames[:, rows, columns].astype(np.float32), far[:, rows, columns]
    wide = np.sort(np.where(use[..., None], pixels, np.float32(np.inf)), axis=0)
    middle = (use.sum(axis=0) - 1) // 2
    second = np.take_along_axis(wide, middle[None, :, None], axis=0)[0]
    first = background[rows, columns].astype(np.float32)
    gap = np.abs(second - first).max(axis=-1)
    nearest = np.minimum(np.abs(pixels - first).max(axis=-1), np.abs(pixels - second).max(axis=-1))
    loyal = ((nearest < _NEAR * gap) & reach[:, rows, columns]).sum(axis=0)
    two[rows, columns] = loyal >= _LOYAL * seen[rows, columns]
    rarer[rows, columns] = second
    return changing, two, rarer


def _not_continued(
    background: NDArray[np.uint8],
    rarer: NDArray[np.float32],
    two: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Where, from the rim of the unknown inwards, the rarer colour continues what is beside it."""
    colours = background.astype(np.float32)
    trusted = ~unknown
    reached, changed = trusted.copy(), np.zeros_like(trusted)
    for _ in range(_ROUNDS):
        rim = ndimage.binary_dilation(reached, _EIGHT) & ~reached
        if not rim.any():
            break
        rows, columns = np.nonzero(rim)
        beside = _mean_beside(colours, trusted, rows, columns)
        first, second = colours[rows, columns], rarer[rows, columns]
        step = np.abs(first - beside).max(axis=-1)
        other = np.abs(second - beside).max(axis=-1)
        choose = two[rows, columns] & (step > _LEAST_GAP) & (step > _CLEAR * other)
        colours[rows, columns] = np.where(choose[:, None], second, first)
        changed[rows, columns] = choose
        trusted[rows, columns] = choose | (step <= _LEAST_GAP)
        reached |= rim
    return changed


def _take_out(
    thing: NDArray[np.float32],
    region: NDArray[np.bool_],
    two: NDArray[np.bool_],
    rarer: NDArray[np.float32],
    background: NDArray[np.uint8],
) -> None:
    """Give every pixel of a region that has the colour of the thing that of the background."""
    region = ndimage.binary_dilation(region, _EIGHT)
    colours = background.astype(np.float32)
    usual = np.median(colours[region & (np.abs(colours - thing).max(axis=-1) > _LEAST_GAP)], axis=0)
    gap = float(np.abs(thing - usual).max())
    off = np.abs(colours - thing).max(axis=-1)
    wrong = region & (off < _ALIKE * gap)
    wrong |= ndimage.binary_dilation(wrong, _EIGHT) & (off < _RIM * gap)
    shown = wrong & two & (np.abs(rarer - thing).max(axis=-1) > _ALIKE * gap)
    colours[shown] = rarer[shown]
    known = ~(wrong & ~shown)
    for _ in range(_ROUNDS):
        rim = ndimage.binary_dilation(known, _EIGHT) & ~known
        if not rim.any():
            break
        rows, columns = np.nonzero(rim)
        colours[rows, columns] = _mean_beside(colours, known, rows, columns)
        known |= rim
    background[wrong] = np.clip(np.rint(colours[wrong]), 0, 255).astype(np.uint8)


def _mean_beside(
    colours: NDArray[np.float32],
    known: NDArray[np.bool_],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Mean colour of the known pixels within two of each given one, (p, 3)."""
    height, width = known.shape
    total = np.zeros((rows.size, 3), dtype=np.float32)
    number = np.zeros(rows.size, dtype=np.float32)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            use = known[y, x]
            total += np.where(use[:, None], colours[y, x], 0.0)
            number += use
    return np.asarray(total / np.maximum(number, 1.0)[:, None], dtype=np.float32)


def _touches_the_edge(region: NDArray[np.bool_]) -> bool:
    sides = (region[:_EDGE], region[-_EDGE:], region[:, :_EDGE], region[:, -_EDGE:])
    return any(side.any() for side in sides)


def _thing_colour(
    within: NDArray[np.bool_],
    around: NDArray[np.bool_],
    background: NDArray[np.uint8],
    rarer: NDArray[np.float32],
) -> NDArray[np.float32] | None:
    """The colour of what is majority within and comes and goes around; None where these differ."""
    area = np.count_nonzero(within)
    if area < _LEAST_AREA or np.count_nonzero(around) < _LEAST_AROUND * area:
        return None
    thing = np.median(background[within], axis=0)
    seen = np.median(rarer[around], axis=0)
    gap = float(np.abs(thing - np.median(background[around], axis=0)).max())
    if np.abs(thing - seen).max() >= _ALIKE * gap:
        return None
    return np.asarray(seen, dtype=np.float32)
