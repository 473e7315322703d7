"""How the camera moves: one similarity per frame, from the background's brightness gradients.

Lucas-Kanade registration (inverse compositional) against key frames, on a small grey picture, with
Tukey weights so that moving objects do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CameraMotion", "estimate_camera_motion"]

_POINTS = 1400
_STILL_PX = 0.25
_PROBES = 9
_NEW_KEY_SHARE = 0.3  # a key frame serves until the picture has moved by this share of its side
_BETTER = 0.95  # of the misfit of a camera that stands still
_LARGEST_MISFIT = 12.0
_CELL = 10
_LEAST_STRENGTH = 2.0  # squared slope: what noise does not reach
_BRIGHTNESS = np.array([1, 2, 1], dtype=np.float32)  # whole numbers: sums are exact
_BOX = np.ones(3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CameraMotion:
    """Similarities from each frame into the reference picture.

    A pixel (x, y) of frame t lies at ``matrix[t] @ (x, y, 1)`` in the reference, in pixels of the
    analysed size. The reference is the middle frame.

    Attributes:
        matrix: float64, (T, 2, 3).
        moving: Whether the camera moves at all; if not, every matrix is the identity.
        residual: Mean absolute brightness difference of the background after registration.
    """

    matrix: NDArray[np.float64]
    moving: bool
    residual: float


@dataclass(slots=True, eq=False)
class _Template:
    """A key frame, reduced to its points of strong gradient."""

    points: NDArray[np.float64]  # (n, 2) centred, in units of half the picture's side
    values: NDArray[np.float32]
    steepest: NDArray[np.float64]  # (n, 4)
    to_reference: NDArray[np.float64]  # (3, 3)


def estimate_camera_motion(frames: NDArray[np.uint8]) -> CameraMotion:
    """Register every frame to the middle one.

    Args:
        frames: uint8, (T, H, W, 3).
    """
    count, height, width = frames.shape[:3]
    identity = np.tile(np.eye(2, 3), (count, 1, 1))
    step = max(1, min(height, width) // 48) if min(height, width) >= 96 else 1
    middle = count // 2
    template = _template(_small(frames[middle : middle + 1], step)[0], np.eye(3))
    if count < 2 or template is None:
        return CameraMotion(matrix=identity, moving=False, residual=0.0)
    still_residual = _residual_if_still(template, frames, step)
    if still_residual is not None:
        return CameraMotion(matrix=identity, moving=False, residual=still_residual)
    small = _small(frames, step)
    warps, residual = _follow_camera(template, small)
    matrix = _to_pixels(warps, small.shape[1:], step)
    return CameraMotion(matrix=matrix, moving=True, residual=residual)


def _residual_if_still(template: _Template, frames: NDArray[np.uint8], step: int) -> float | None:
    """Median residual of a few frames spread over the clip; None when the camera moves.

    A registration that shifts the picture must also explain it better than no shift at all: hands
    and patterned things that move would else be taken for a camera that does.
    """
    count = frames.shape[0]
    probes = np.unique(np.linspace(0, count - 1, _PROBES).round().astype(int))
    residuals, misfits = [], []
    shifted = False
    for probe in _small(frames[probes], step):
        warp, residual = _register(template, probe, np.eye(3))
        residuals.append(residual)
        misfits.append((_misfit(template, probe, warp), _misfit(template, probe, np.eye(3))))
        shifted |= _shift(warp, probe.shape) * step > _STILL_PX
    warped, still = np.sum(misfits, axis=0)
    if shifted and warped < _BETTER * still:
        return None
    return float(np.median(residuals))


def _follow_camera(
    template: _Template, small: NDArray[np.float32]
) -> tuple[NDArray[np.float64], float]:
    """Frame-to-reference similarities (T, 3, 3), outwards from the middle; mean residual."""
    count, size = small.shape[0], small.shape[1:]
    middle = count // 2
    warps = np.tile(np.eye(3), (count, 1, 1))
    residual_sum = 0.0
    for order in (range(middle + 1, count), range(middle - 1, -1, -1)):
        key: _Template = template
        guess = np.eye(3)
        for index in order:
            warp, residual = _register(key, small[index], guess)
            if _misfit(key, small[index], warp) > _misfit(key, small[index], guess):
                warp = guess
            warps[index] = key.to_reference @ np.linalg.inv(warp)
            residual_sum += residual
            guess = warp
            if _shift(warp, size) > _NEW_KEY_SHARE * min(size):
                fresh = _template(small[index], warps[index])
                if fresh is not None:
                    key, guess = fresh, np.eye(3)
    return warps, residual_sum / max(count - 1, 1)


def _brightness(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness after a 3 x 3 box filter, float32 (T, H, W)."""
    out = np.empty(frames.shape[:3], dtype=np.float32)
    for index, frame in enumerate(frames):
        across = ndimage.correlate1d(frame @ _BRIGHTNESS, _BOX, axis=1, mode="nearest")
        ndimage.correlate1d(across, _BOX, axis=0, mode="nearest", output=out[index])
    out *= np.float32(1 / 36)
    return out


def _small(frames: NDArray[np.uint8], step: int) -> NDArray[np.float32]:
    """Brightness of blocks of ``step`` by ``step`` pixels, float32 (T, H // step, W // step)."""
    grey = _brightness(frames)
    if step == 1:
        return grey
    count, height, width = grey.shape
    h, w = height // step, width // step
    blocks = grey[:, : h * step, : w * step].reshape(count, h, step, w, step)
    return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)


def _unit(shape: tuple[int, ...]) -> float:
    return 0.5 * min(shape)


def _template(image: NDArray[np.float32], to_reference: NDArray[np.float64]) -> _Template | None:
    height, width = image.shape
    gy, gx = (np.asarray(slope) for slope in np.gradient(image))
    strength: NDArray[np.float32] = np.asarray(gx * gx + gy * gy)
    strength[:2] = strength[-2:] = 0
    strength[:, :2] = strength[:, -2:] = 0
    if float(strength.max(initial=0.0)) < 1.0:
        return None
    rows, columns = _spread_points(strength)
    if rows.size < 50:
        return None
    unit = _unit(image.shape)
    x = (columns - (width - 1) / 2) / unit
    y = (rows - (height - 1) / 2) / unit
    dx, dy = gx[rows, columns] * unit, gy[rows, columns] * unit
    # similarity increments: x' = (1 + a) x - b y + tx, y' = b x + (1 + a) y + ty
    steepest = np.stack([dx * x + dy * y, dy * x - dx * y, dx, dy], axis=1)
    return _Template(
        points=np.stack([x, y], axis=1),
        values=image[rows, columns],
        steepest=steepest.astype(np.float64),
        to_reference=to_reference,
    )


def _spread_points(strength: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the strongest points of every cell of the picture.

    The same number from each cell: a hand or a patterned thing that moves must not outvote the
    background, however strong its edges are.
    """
    height, width = strength.shape
    down, across = -(-height // _CELL), -(-width // _CELL)
    padded = np.zeros((down * _CELL, across * _CELL), dtype=np.float32)
    padded[:height, :width] = strength
    blocks = padded.reshape(down, _CELL, across, _CELL).swapaxes(1, 2)
    cells = blocks.reshape(down * across, _CELL * _CELL)
    each = min(max(1, round(_POINTS / cells.shape[0])), _CELL * _CELL)
    best = np.sort(np.argpartition(cells, -each, axis=1)[:, -each:], axis=1)
    cell, place = np.nonzero(np.take_along_axis(cells, best, axis=1) > _LEAST_STRENGTH)
    inside = best[cell, place]
    return (cell // across) * _CELL + inside // _CELL, (cell % across) * _CELL + inside % _CELL


def _register(
    template: _Template, image: NDArray[np.float32], guess: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Similarity (3, 3) from template to image coordinates (centred units), and the residual."""
    unit = _unit(image.shape)
    warp = guess.copy()
    residual = 0.0
    for _ in range(8):
        inside, error = _difference(template, image, warp)
        if error.size < 40:
            break
        error = error - np.median(error)
        size = np.abs(error)
        residual = float(np.median(size))
        cut = 4.0 * (residual + 0.5)
        weight = np.square(np.clip(1.0 - np.square(size / cut), 0.0, None))
        steepest = template.steepest[inside]
        weighted = steepest * weight[:, None]
        normal = steepest.T @ weighted + np.eye(4) * 1e-3
        a, b, tx, ty = np.linalg.solve(normal, weighted.T @ error)
        increment = np.array([[1 + a, -b, tx], [b, 1 + a, ty], [0.0, 0.0, 1.0]])
        warp = warp @ np.linalg.inv(increment)
        if max(abs(a), abs(b), abs(tx), abs(ty)) * unit < 0.01:
            break
    return warp, residual


def _difference(
    template: _Template, image: NDArray[np.float32], warp: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which of the template's points lie in the image, and how much brighter it is there."""
    height, width = image.shape
    unit = _unit(image.shape)
    x = warp[0, 0] * template.points[:, 0] + warp[0, 1] * template.points[:, 1] + warp[0, 2]
    y = warp[1, 0] * template.points[:, 0] + warp[1, 1] * template.points[:, 1] + warp[1, 2]
    x = x * unit + (width - 1) / 2
    y = y * unit + (height - 1) / 2
    inside = (x >= 0) & (x < width - 1.001) & (y >= 0) & (y < height - 1.001)
    column, row = np.floor(x[inside]), np.floor(y[inside])
    fx, fy = x[inside] - column, y[inside] - row
    at = row.astype(np.int64) * width + column.astype(np.int64)
    flat = image.ravel()
    top = flat[at] * (1 - fx) + flat[at + 1] * fx
    bottom = flat[at + width] * (1 - fx) + flat[at + width + 1] * fx
    return inside, np.asarray(top * (1 - fy) + bottom * fy - template.values[inside])


def _misfit(template: _Template, image: NDArray[np.float32], warp: NDArray[np.float64]) -> float:
    """Mean difference of the points, each at most 12: what moves by itself costs no more."""
    _, error = _difference(template, image, warp)
    if error.size < 40:
        return _LARGEST_MISFIT
    size = np.abs(error - np.median(error))
    return float(np.minimum(size, _LARGEST_MISFIT).mean())


def _shift(warp: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Largest displacement of a corner, in pixels of the small picture."""
    unit = _unit(shape)
    height, width = shape
    corners = np.array([[sx * width, sy * height, 2 * unit] for sx in (-1, 1) for sy in (-1, 1)])
    corners = corners / (2 * unit)
    moved = corners @ (warp - np.eye(3)).T
    return float(np.abs(moved[:, :2]).max() * unit)


def _to_pixels(
    warps: NDArray[np.float64], small: tuple[int, ...], step: int
) -> NDArray[np.float64]:
    """From centred units to pixels of the full analysed picture."""
    unit = _unit(small) * step
    centre = np.array([small[1] * step - 1, small[0] * step - 1]) / 2
    matrix = warps[:, :2].copy()
    linear = matrix[:, :, :2]
    matrix[:, :, 2] = matrix[:, :, 2] * unit + centre - linear @ centre
    return np.asarray(matrix)
