"""Intrinsics from a point map: the focal length that explains where the points were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["estimate_focal", "estimate_focal_median", "intrinsics"]

ITERATIONS = 10


def estimate_focal(points: NDArray[np.float32]) -> float:
    """Return the focal length in pixels of a point map in its own camera, (H, W, 3).

    Minimises the sum of distances between where each pixel is and where its point projects
    (Weiszfeld's iteration), with the principal point at (W // 2, H // 2). Every pixel counts, as
    in the published code. 0 says that it failed: the points do not look like a camera's.
    """
    offsets, ratios = _offsets_and_ratios(points)
    ratios = np.nan_to_num(ratios, nan=0.0, posinf=0.0, neginf=0.0)
    along, square = (ratios * offsets).sum(axis=-1), (ratios * ratios).sum(axis=-1)
    total = square.mean()
    if not total > 0:
        return 0.0
    focal = along.mean() / total
    for _ in range(ITERATIONS):
        distance = np.linalg.norm(offsets - focal * ratios, axis=-1)
        weight = 1.0 / np.maximum(distance, 1e-8)
        focal = (weight * along).mean() / (weight * square).mean()
    return max(float(focal), 0.0)


def estimate_focal_median(points: NDArray[np.float32]) -> float:
    """Return the median of the focal lengths that single coordinates ask for; see `estimate_focal`.

    Of an even number of votes it is the lower middle one.
    """
    offsets, ratios = _offsets_and_ratios(points)
    with np.errstate(divide="ignore", invalid="ignore"):
        votes = offsets / ratios
    if not np.isfinite(votes).any():
        return 0.0
    return max(float(np.nanquantile(votes, 0.5, method="lower")), 0.0)


def _offsets_and_ratios(
    points: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixel offsets from the principal point and x/z, y/z, float64 (H, W, 2) each."""
    height, width = points.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    offsets = np.stack([columns - width // 2, rows - height // 2], axis=-1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = points[..., :2].astype(np.float64) / points[..., 2:].astype(np.float64)
    return offsets, ratios


def intrinsics(focal_px: float, height: int, width: int) -> NDArray[np.float64]:
    """Return the matrix (3, 3) of a focal length, principal point at (W // 2, H // 2)."""
    return np.array([[focal_px, 0, width // 2], [0, focal_px, height // 2], [0, 0, 1.0]])
