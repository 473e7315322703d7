"""From the surface that a camera sees to the middle of the body behind it.

The centroid of visible points lies before the middle of a round body, towards the camera, by two
thirds of a ball's radius. When the body moves sideways that offset turns with the line of sight,
so the centroid moves less than the body: by two thirds of radius over distance, some 2 to 5 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["bulge_m", "near_median_depth"]

# Of a ball, seen as a disc with s = (angle from its middle / angle of its rim)^2 uniform in [0, 1]:
# 1 / depth = (1 + e sqrt(1 - s) + e^2) / d up to terms of e^3, e being radius over distance d. The
# least-squares slope of sqrt(1 - s) is -0.8, its mean 2/3. A plane has no such slope at all, because
# its 1 / depth is linear in the angles.
_SLOPE = 0.8
_MEAN = 2.0 / 3.0
_FEWEST_POINTS = 12


def near_median_depth(
    points: NDArray[np.float64], origin: NDArray[np.float64], mads: float
) -> NDArray[np.bool_]:
    """Return which points lie about as far from the camera as most do, (N,).

    Points of the background that a mask covers by mistake lie behind the object.

    Args:
        points: (N, 3), metres.
        origin: (3,), the camera.
        mads: How many median absolute deviations (scaled to a standard deviation) are about.
    """
    towards = np.median(points, axis=0) - origin
    distance = float(np.linalg.norm(towards))
    if distance == 0:
        return np.ones(len(points), dtype=np.bool_)
    depth = (points - origin) @ (towards / distance)
    middle = np.median(depth)
    spread = 1.4826 * np.median(np.abs(depth - middle))
    return np.asarray(np.abs(depth - middle) <= mads * spread + 1e-9 * distance)


def bulge_m(points: NDArray[np.float64], origin: NDArray[np.float64]) -> float:
    """Return how far behind the centroid of its visible points the middle of a body lies, metres.

    A paraboloid is fitted to the inverse depth over the visible outline (an ellipse) and read as a
    ball's; a plane, tilted or not, gives 0. NaN with fewer than 12 points, when they lie on a line,
    or when a point lies behind the camera.

    Args:
        points: (N, 3), metres, evenly spread over the picture of the body.
        origin: (3,), the camera.
    """
    if len(points) < _FEWEST_POINTS:
        return float("nan")
    ahead = points.mean(axis=0) - origin
    distance = float(np.linalg.norm(ahead))
    if distance == 0:
        return float("nan")
    ahead = ahead / distance
    side = np.cross(ahead, np.eye(3)[np.argmin(np.abs(ahead))])
    side /= np.linalg.norm(side)
    rays = points - origin
    depth = rays @ ahead
    if not (depth > 0).all():
        return float("nan")
    angles = np.stack([rays @ side, rays @ np.cross(ahead, side)], axis=1) / depth[:, None]
    angles -= angles.mean(axis=0)
    spread = np.cov(angles.T)
    if not np.linalg.det(spread) > 1e-9 * np.trace(spread) ** 2:
        return float("nan")
    # of an evenly filled ellipse each axis has a variance of a quarter of its square
    s = np.einsum("ij,jk,ik->i", angles, np.linalg.inv(spread), angles) / 4.0
    design = np.column_stack([np.ones(len(points)), angles, s])
    inverse = distance / depth
    slope = float(np.linalg.lstsq(design, inverse, rcond=None)[0][3])
    ratio = -slope / float(inverse.mean()) / _SLOPE
    ratio *= 1.0 + _MEAN * ratio  # radius over distance
    share = _MEAN * ratio + 0.5 * ratio**2
    return distance * share / (1.0 - share) if share < 0.5 else float("nan")
