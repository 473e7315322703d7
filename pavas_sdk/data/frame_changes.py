"""Where a video cuts to another scene, and which of its frames show nothing, or nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SMALL_SIDE", "blank_frames", "find_cuts", "repeated_frames"]

SMALL_SIDE = 64
"""Longer side in pixels of the frames that these functions are meant for."""

# Measured on real clips: fast movers and shaking cameras stay below both, cuts above both.
_CELLS = 8
_CELL_CHANGE = 0.06
_HISTOGRAM_CHANGE = 0.15
_JUMP = 4.0
_BLANK_LEVELS = 2.0
_REPEAT_SHARE = 0.1  # of the change around it; a codec leaves a little noise on what it repeats
_REPEAT_LEVELS = 0.5  # mean change, in levels of 255: more is never a repetition
_AROUND = 4  # frames on either side that say what a change is here
_LONGEST_REPEAT = 2  # what stays the same for longer is at rest, and that was seen


def blank_frames(frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which frames (T, H, W, 3) are of one colour (black, white), bool (T,)."""
    grey = frames.reshape(frames.shape[0], -1, 3).mean(axis=2)
    return np.asarray(grey.std(axis=1) < _BLANK_LEVELS)


def repeated_frames(frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which frames (T, H, W, 3) show the frame before once more, bool (T,).

    Video of 24 or 15 frames per second is often stored at 30, every other frame twice. Such a frame is no
    observation: what moves seems to stop in it and to go twice as fast afterwards. It is told by a
    change far below that of the frames around it, and by its length: at most two frames in a row,
    else the scene is at rest.

    Args:
        frames: uint8, of any size; 160 pixels a side are enough.
    """
    count = frames.shape[0]
    repeated = np.zeros(count, dtype=np.bool_)
    if count < 3:
        return repeated
    change = np.array(
        [_mean_change(frames[index], frames[index + 1]) for index in range(count - 1)]
    )
    for index in range(count - 1):
        around = change[max(index - _AROUND, 0) : index + _AROUND + 1]
        limit = min(_REPEAT_SHARE * float(np.median(around)), _REPEAT_LEVELS)
        repeated[index + 1] = change[index] < limit
    edges = np.flatnonzero(np.diff(np.concatenate([[False], repeated, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        if end - start > _LONGEST_REPEAT:
            repeated[start:end] = False
    return repeated


def find_cuts(frames: NDArray[np.uint8]) -> list[int]:
    """Return the frames (T, H, W, 3) that begin another scene than the frame before; never 0.

    A cut changes the picture's coarse layout and its colours together, and far more than the
    frames around it change. Fast movers change the one or the other. Blank frames are passed over: what
    follows them is compared with what came before. Slow transitions are not found.

    Args:
        frames: At most about 64 pixels a side.
    """
    shown = np.flatnonzero(~blank_frames(frames))
    if shown.size < 2:
        return []
    cells = np.stack([_cells(frames[index]) for index in shown])
    change = np.abs(np.diff(cells, axis=0)).mean(axis=(1, 2, 3))
    usual = np.array([_usual(change, index) for index in range(change.size)])
    cut = (change > _CELL_CHANGE) & (change > _JUMP * np.maximum(usual, 0.01))
    for index in np.flatnonzero(cut):  # colours take longest, and few frames come so far
        before, after = (_colours(frames[shown[index + side]]) for side in (0, 1))
        cut[index] = 0.5 * float(np.abs(after - before).sum()) > _HISTOGRAM_CHANGE
    return [int(index) for index in shown[1:][cut]]


def _mean_change(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two frames, in levels."""
    return float((np.maximum(first, second) - np.minimum(first, second)).mean())


def _cells(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean colours of a coarse grid, (rows, columns, 3) in [0, 1]."""
    height, width = frame.shape[:2]
    rows = np.linspace(0, height, min(_CELLS, height) + 1).astype(int)[:-1]
    columns = np.linspace(0, width, min(_CELLS, width) + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(frame.astype(np.float64), rows, 0), columns, 1)
    areas = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    return np.asarray(sums / areas[:, :, None] / 255)


def _colours(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Shares of 4 x 4 x 4 colours, each pixel spread softly over neighbouring levels, (64,)."""
    position = frame.reshape(-1, 3).astype(np.float64) / 255 * 3
    low = np.minimum(position.astype(int), 2)
    high_share = position - low
    shares = np.zeros((position.shape[0], 3, 4))
    pixel = np.arange(position.shape[0])
    for channel in range(3):
        shares[pixel, channel, low[:, channel]] += 1 - high_share[:, channel]
        shares[pixel, channel, low[:, channel] + 1] += high_share[:, channel]
    joint = np.einsum("pi,pj,pk->ijk", shares[:, 0], shares[:, 1], shares[:, 2])
    return np.asarray(joint.ravel() / position.shape[0])


def _usual(change: NDArray[np.float64], index: int) -> float:
    """Median change of the frames around one, without it."""
    around = np.concatenate([change[max(index - 8, 0) : index], change[index + 1 : index + 9]])
    return float(np.median(around)) if around.size else 0.0
