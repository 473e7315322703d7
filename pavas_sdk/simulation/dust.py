"""Dust that impacts raise: soft grey puffs that grow and fade, painted over the finished picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene

__all__ = ["raise_dust"]

_LEAST_J = 3e-3
_MOST_PUFFS = 6


def raise_dust(
    frames: NDArray[np.uint8],
    times_s: NDArray[np.float64],
    scene: Scene,
    motion: Motion,
    poses: NDArray[np.float64],
    matrix: NDArray[np.float64],
) -> None:
    """Paint a puff at each of the strongest contacts, in place.

    Args:
        frames: (T, H, W, 3).
        times_s: (T,), when they were taken.
        scene: The world; its shooting says how much dust there is.
        motion: Its contacts.
        poses: (T, 4, 4) camera to world.
        matrix: (3, 3) intrinsics.
    """
    rng = np.random.Generator(np.random.PCG64([scene.render_seed, 1]))
    strongest = sorted(motion.collisions, key=lambda c: -c.energy_change_j)[:_MOST_PUFFS]
    shade = rng.uniform(120.0, 235.0) * np.array([1.0, 0.97, 0.92])
    for contact in strongest:
        if contact.energy_change_j < _LEAST_J:
            continue
        size_m = scene.objects[contact.body].size_m * float(rng.uniform(0.7, 1.6))
        life_s = float(rng.uniform(0.25, 0.8))
        drift = rng.normal(0.0, 0.5, 3) * size_m / life_s
        since = times_s - contact.time_s
        for frame in np.flatnonzero((since > 0) & (since < life_s)):
            age = float(since[frame]) / life_s
            place = np.asarray(contact.point_m) + drift * float(since[frame])
            place[2] += 0.5 * size_m * age
            spread_m = size_m * (0.3 + 0.9 * math.sqrt(age))
            strength = scene.shooting.dust * 0.7 * (1.0 - age) ** 1.5
            _puff(frames[frame], place, spread_m, strength, shade, poses[frame], matrix)


def _puff(
    picture: NDArray[np.uint8],
    place_m: NDArray[np.float64],
    spread_m: float,
    strength: float,
    shade: NDArray[np.float64],
    pose: NDArray[np.float64],
    matrix: NDArray[np.float64],
) -> None:
    x, y, z = (place_m - pose[:3, 3]) @ pose[:3, :3]
    if z <= spread_m:
        return
    u, v = matrix[0, 0] * x / z + matrix[0, 2], matrix[1, 1] * y / z + matrix[1, 2]
    spread = matrix[0, 0] * spread_m / z
    height, width = picture.shape[:2]
    top, bottom = max(0, int(v - 2 * spread)), min(height, int(v + 2 * spread) + 1)
    left, right = max(0, int(u - 2 * spread)), min(width, int(u + 2 * spread) + 1)
    if top >= bottom or left >= right:
        return
    rows, columns = np.mgrid[top:bottom, left:right]
    square = ((rows - v) ** 2 + (columns - u) ** 2) / spread**2
    share = (strength * np.clip(np.exp(-square) - math.exp(-4.0), 0.0, 1.0))[..., None]
    part = picture[top:bottom, left:right]
    part[:] = np.round(part + share * (shade - part)).astype(np.uint8)
