"""Masks as outlines: closed polygons along the edge, smooth at any magnification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["outline"]

_BLUR_PX = 0.7
_CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))  # row, column of a cell's corners, clockwise


def outline(
    mask: NDArray[np.bool_], *, tolerance_px: float = 0.35, min_points: int = 4
) -> list[NDArray[np.float64]]:
    """Return the edge of a mask as closed polygons, each (n, 2) of x and y in [0, 1].

    The mask is blurred a little and followed at one half (marching squares), which rounds off the
    pixel steps; points that lie within ``tolerance_px`` of a straight line are left out.

    Args:
        mask: (H, W).
        tolerance_px: How far a polygon may stray from the edge.
        min_points: Smaller polygons are left out.
    """
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return []
    pad = 4
    part = np.pad(
        mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64), pad
    )
    level = gaussian_filter(part, _BLUR_PX, mode="constant")
    if level.max() <= 0.5:  # a pixel or two: blurred away, so follow the pixels themselves
        level = part
    polygons = []
    for points in _rings(_segments(level)):
        simple = _simplified(points, tolerance_px)
        if len(simple) >= min_points:
            # a pixel's middle lies half a pixel from its corner
            x = (simple[:, 1] - pad + columns[0] + 0.5) / width
            y = (simple[:, 0] - pad + rows[0] + 0.5) / height
            polygons.append(np.stack([x, y], axis=1).clip(0.0, 1.0))
    return polygons


def _segments(
    level: NDArray[np.float64],
) -> dict[tuple[int, int, int], tuple[tuple[int, int, int], NDArray[np.float64]]]:
    """Where the half level passes through each cell: from edge to (next edge, point).

    An edge is (row, column, direction): 0 to the right of a grid point, 1 below it.
    """
    inside = level > 0.5
    links = {}
    mixed = np.zeros((level.shape[0] - 1, level.shape[1] - 1), dtype=np.int64)
    for bit, (down, right) in enumerate(_CORNERS):
        mixed |= inside[down : down + mixed.shape[0], right : right + mixed.shape[1]] << bit
    for row, column in zip(*np.nonzero((mixed > 0) & (mixed < 15)), strict=True):
        edges = {
            0: (row, column, 0),
            1: (row, column + 1, 1),
            2: (row + 1, column, 0),
            3: (row, column, 1),
        }
        state = [bool(mixed[row, column] >> bit & 1) for bit in range(4)]
        # walking clockwise round the cell, the line enters where inside begins and leaves where
        # it ends; with two crossings each, neighbours in this order belong together
        turns = [(side, state[(side + 1) % 4]) for side in range(4)]
        changes = [(side, now) for side, now in turns if state[side] != now]
        for index, (side, begins) in enumerate(changes):
            if begins:
                leaving = changes[(index + 1) % len(changes)][0]
                start = edges[side]
                links[start] = (edges[leaving], _crossing(level, start))
    return links


def _crossing(level: NDArray[np.float64], edge: tuple[int, int, int]) -> NDArray[np.float64]:
    row, column, down = edge
    a = level[row, column]
    b = level[row + 1, column] if down else level[row, column + 1]
    share = (0.5 - a) / (b - a)
    return np.array([row + share * down, column + share * (1 - down)])


def _rings(
    links: dict[tuple[int, int, int], tuple[tuple[int, int, int], NDArray[np.float64]]],
) -> list[NDArray[np.float64]]:
    """Follow the links to closed rings."""
    rings = []
    while links:
        _, (following, point) = links.popitem()
        points = [point]
        while following in links:
            following, point = links.pop(following)
            points.append(point)
        rings.append(np.array(points))
    return rings


def _simplified(points: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Douglas-Peucker on a closed ring, split at its first point and the one furthest away."""
    if len(points) < 4:
        return points
    far = int(np.argmax(((points - points[0]) ** 2).sum(axis=1)))
    closed = np.concatenate([points, points[:1]])
    keep = np.zeros(len(closed), dtype=np.bool_)
    keep[[0, far]] = True
    stack = [(0, far), (far, len(points))]
    while stack:
        start, end = stack.pop()
        if end - start < 2:
            continue
        a, b = closed[start], closed[end]
        along = b - a
        offset = closed[start + 1 : end] - a
        length = float(np.hypot(*along))
        away = (
            np.abs(offset[:, 0] * along[1] - offset[:, 1] * along[0]) / length
            if length > 0
            else np.hypot(offset[:, 0], offset[:, 1])
        )
        worst = int(np.argmax(away))
        if away[worst] > tolerance:
            middle = start + 1 + worst
            keep[middle] = True
            stack += [(start, middle), (middle, end)]
    return closed[:-1][keep[:-1]]
