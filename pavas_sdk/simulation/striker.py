"""The path of a hand-held stick or mallet, swung about a fixed point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.collisions import FLOOR, TARGET, Collision, energy_change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.scene import Room, SceneObject, StaticBox, Striker

__all__ = ["swing"]


def _lift(
    striker: Striker, times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Height angle of the stick above contact and its rate, (S,) each."""
    per_rad = striker.reach_m * math.cos(striker.dip_rad)
    theta = np.zeros_like(times)
    rate = np.zeros_like(times)
    before_s, before_v = -1.0, 0.0
    for k, hit in enumerate(striker.hits):
        swing = hit.swing_s if k == 0 else min(hit.swing_s, 0.6 * (hit.time_s - before_s))
        top = hit.speed_m_s * swing / 2 / per_rad
        down = (times <= hit.time_s) & (times > hit.time_s - swing)
        left = times[down] - (hit.time_s - swing)
        theta[down] = top - hit.speed_m_s / swing / 2 / per_rad * left**2
        rate[down] = -hit.speed_m_s / swing / per_rad * left
        rise = (times > before_s) & (times <= hit.time_s - swing)
        if k == 0:
            theta[rise] = top
        else:
            _hermite(
                theta, rate, rise, times, before_s, hit.time_s - swing, before_v / per_rad, top
            )
        before_s, before_v = hit.time_s, striker.restitution * hit.speed_m_s
    after = times > before_s
    end = before_s + 0.35
    _hermite(
        theta,
        rate,
        after & (times <= end),
        times,
        before_s,
        end,
        before_v / per_rad,
        0.2 * before_v / per_rad,
    )
    theta[times > end] = 0.2 * before_v / per_rad
    return theta, rate


def _hermite(
    theta: NDArray[np.float64],
    rate: NDArray[np.float64],
    where: NDArray[np.bool_],
    times: NDArray[np.float64],
    start: float,
    end: float,
    slope: float,
    top: float,
) -> None:
    """Cubic from (0, slope) to (top, 0), in place."""
    span = end - start
    u = (times[where] - start) / span
    theta[where] = (u**3 - 2 * u**2 + u) * slope * span + (3 * u**2 - 2 * u**3) * top
    rate[where] = (3 * u**2 - 4 * u + 1) * slope + (6 * u - 6 * u**2) * top / span


def swing(
    item: SceneObject,
    striker: Striker,
    target: StaticBox | None,
    room: Room,
    steps: int,
    step_s: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], list[Collision]]:
    """Follows the planned path.

    Returns:
        Positions of the centre of mass (steps + 1, 3), velocities, quaternions (steps + 1, 4),
        collisions.
    """
    times: NDArray[np.float64] = np.arange(steps + 1, dtype=np.float64) * step_s
    theta, rate = _lift(striker, times)
    dip = striker.dip_rad - theta
    ca, sa = math.cos(striker.azimuth_rad), math.sin(striker.azimuth_rad)
    direction = np.stack([np.cos(dip) * ca, np.cos(dip) * sa, -np.sin(dip)], axis=1)
    slope = np.stack([np.sin(dip) * ca, np.sin(dip) * sa, np.cos(dip)], axis=1) * rate[:, None]
    arm = striker.reach_m - striker.tip_offset_m
    pivot = np.asarray(striker.pivot_m)
    position = pivot + arm * direction
    velocity = arm * slope
    # rotate x first down by dip about y, then about z by the azimuth
    half, turn = dip / 2, striker.azimuth_rad / 2
    cy, sy = np.cos(half), np.sin(half)
    cz, sz = math.cos(turn), math.sin(turn)
    quaternion = np.stack([cz * cy, -sz * sy, cz * sy, sz * cy], axis=1)
    share = arm / striker.reach_m
    tip_radius = item.parts[-1].dims_m[0 if item.parts[-1].shape == "sphere" else 1]
    collisions = []
    for hit in striker.hits:
        v0, v1 = hit.speed_m_s, striker.restitution * hit.speed_m_s
        # both refer to the stick swung about the pivot: the tip moves vertically at contact
        before = v0 * share / math.cos(striker.dip_rad)
        after = v1 * share / math.cos(striker.dip_rad)
        tip = pivot + striker.reach_m * np.array(
            [
                math.cos(striker.dip_rad) * ca,
                math.cos(striker.dip_rad) * sa,
                -math.sin(striker.dip_rad),
            ]
        )
        collisions.append(
            Collision(
                time_s=hit.time_s,
                body=0,
                other=TARGET if target is not None else FLOOR,
                surface=target.material if target is not None else room.floor,
                impulse_n_s=item.mass_kg * (before + after),
                normal_speed_before_m_s=v0,
                normal_speed_after_m_s=v1,
                speed_before_m_s=before,
                speed_after_m_s=after,
                energy_change_j=energy_change(item.mass_kg, before, after),
                other_energy_change_j=0.0,
                point_m=(float(tip[0]), float(tip[1]), float(tip[2] - tip_radius)),
            )
        )
    return position, velocity, quaternion, collisions
