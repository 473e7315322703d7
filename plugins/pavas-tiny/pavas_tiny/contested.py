"""The background where two pictures compete: under what rests, or moves by less than its size.

A pixel that shows two things for a while each (the object and what is behind it) is contested. The
background is the one that continues the known background around it: contested regions are peeled
from the outside, each pixel taking the candidate that is nearer to its known neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["settle_contested"]

_LEAST_GAP = 16  # in the colour that changes most
_LEAST_SHARE = 0.08
_MAX_LAYERS = 40


def settle_contested(
    frames: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    background: NDArray[np.uint8],
) -> None:
    """Correct ``background`` in place.

    Args:
        frames: uint8, (n, H, W, 3), frames spread over the clip.
        valid: bool, (n, H, W), where a frame reaches, or None.
        background: uint8, (H, W, 3), the median over the clip.
    """
    count = frames.shape[0]
    least = max(2, round(_LEAST_SHARE * count))
    if count < 2 * least + 1:
        return
    colour = np.ptp(frames, axis=0).argmax(axis=-1)[..., None]
    level = np.take_along_axis(frames, colour[None], axis=-1)[..., 0].astype(np.int16)
    if valid is not None:
        level = np.where(valid, level, np.take_along_axis(background, colour, axis=-1)[..., 0])
    span = np.sort(level, axis=0)
    gaps = np.diff(span[least - 1 : count - least + 1], axis=0)
    place = gaps.argmax(axis=0)
    contested = np.take_along_axis(gaps, place[None], axis=0)[0] > _LEAST_GAP
    if not contested.any():
        return
    rows, columns = np.nonzero(contested)
    cut = np.take_along_axis(span, (place + least - 1)[None], axis=0)[0][rows, columns]
    pixels = frames[:, rows, columns].astype(np.float32)
    dark = level[:, rows, columns] <= cut
    use = np.ones_like(dark) if valid is None else valid[:, rows, columns]
    candidates = np.stack([_mean(pixels, dark & use), _mean(pixels, ~dark & use)])  # (2, n, 3)
    shares = np.stack([dark.mean(axis=0), 1.0 - dark.mean(axis=0)])
    chosen = _peel(contested, rows, columns, candidates, shares, background)
    background[rows, columns] = np.clip(np.rint(chosen), 0, 255).astype(np.uint8)


def _mean(pixels: NDArray[np.float32], use: NDArray[np.bool_]) -> NDArray[np.float32]:
    total = (pixels * use[..., None]).sum(axis=0)
    return np.asarray(total / np.maximum(use.sum(axis=0), 1)[:, None], dtype=np.float32)


def _peel(
    contested: NDArray[np.bool_],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    candidates: NDArray[np.float32],
    shares: NDArray[np.float64],
    background: NDArray[np.uint8],
) -> NDArray[np.float32]:
    """The candidate of each contested pixel, (n, 3)."""
    number = np.full(contested.shape, -1)
    number[rows, columns] = np.arange(rows.size)
    known = ~contested
    picture = background.astype(np.float32)
    chosen = np.where((shares[0] >= shares[1])[:, None], candidates[0], candidates[1])
    for _ in range(_MAX_LAYERS):
        front = ndimage.binary_dilation(known) & ~known
        if not front.any():
            break
        weight = known.astype(np.float32)
        around = ndimage.uniform_filter(weight, 5)[front]
        near = (
            np.stack(
                [ndimage.uniform_filter(picture[..., c] * weight, 5)[front] for c in range(3)],
                axis=1,
            )
            / np.maximum(around, 1e-6)[:, None]
        )
        at = number[front]
        miss = np.linalg.norm(candidates[:, at] - near[None], axis=2) - 10.0 * np.log(
            np.maximum(shares[:, at], 0.02)
        )
        pick = np.argmin(miss, axis=0)
        chosen[at] = candidates[pick, at]
        picture[front] = chosen[at]
        known |= front
    return np.asarray(chosen)
