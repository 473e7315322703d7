"""Paths of bodies that no law of motion moves: what hands carry, what hangs, what passes by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicHermiteSpline

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Guide", "follow"]

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A path through knots; before the first and after the last knot the body rests there.

    Attributes:
        times_s: (k,), increasing, two knots or more.
        points_m: (k,) places of the centre of mass.
        velocities_m_s: (k,) velocities there.
        anchor_m: Point towards which the body's own x axis looks at all times (where a string or
            an arm ends), or None: the body does not turn.
        azimuth_rad: Plane, seen from above, in which the body turns about its anchor; None: any.
    """

    times_s: tuple[float, ...]
    points_m: tuple[Point, ...]
    velocities_m_s: tuple[Point, ...]
    anchor_m: Point | None = None
    azimuth_rad: float | None = None


def follow(
    guide: Guide, quaternion: tuple[float, float, float, float], times_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (S, 3), velocities (S, 3) and quaternions (S, 4) at ``times_s``.

    Args:
        guide: The path.
        quaternion: Orientation of a body without an anchor.
        times_s: (S,), seconds.
    """
    path = CubicHermiteSpline(
        np.asarray(guide.times_s), np.asarray(guide.points_m), np.asarray(guide.velocities_m_s)
    )
    within = np.clip(times_s, guide.times_s[0], guide.times_s[-1])
    position = path(within)
    velocity = np.where((within == times_s)[:, None], path(within, 1), 0.0)
    if guide.anchor_m is None:
        return position, velocity, np.tile(np.asarray(quaternion), (len(times_s), 1))
    x, y, z = np.moveaxis(np.asarray(guide.anchor_m) - position, -1, 0)
    if guide.azimuth_rad is None:
        turn, ahead = np.arctan2(y, x) / 2, np.hypot(x, y)
    else:
        turn = np.full_like(x, guide.azimuth_rad / 2)
        ahead = x * np.cos(guide.azimuth_rad) + y * np.sin(guide.azimuth_rad)
    dip = -np.arctan2(z, ahead) / 2
    cy, sy, cz, sz = np.cos(dip), np.sin(dip), np.cos(turn), np.sin(turn)
    return position, velocity, np.stack([cz * cy, -sz * sy, cz * sy, sz * cy], axis=1)
