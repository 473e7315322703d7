"""The path of a hand-held stick or mallet, swung about a fixed point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.collisions import FLOOR, TARGET, Collision, energy_change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.scene import Room, SceneObject, StaticBox, Striker

__all__ = ["swing", "tip_radius_m"]


def tip_radius_m(item: SceneObject) -> float:
    """How far the tip of a stick, mallet or hammer reaches down from its middle."""
    end = [part for part in item.parts if not part.scenery][-1]
    return end.dims_m[{"sphere": 0, "rod": 1, "box": 2}[end.shape]]


def _lift(
    striker: Striker, times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Height angle of the stick above contact and its rate, (S,) each."""
    per_rad = striker.reach_m * math.cos(striker.dip_rad)
    theta = np.zeros_like(times)
    rate = np.zeros_like(times)
    # where the last blow left the stick: time, height angle, rate
    before_s, low, slope = -1.0, 0.0, 0.0
    for k, hit in enumerate(striker.hits):
        swing = hit.swing_s if k == 0 else min(hit.swing_s, 0.6 * (hit.time_s - before_s))
        bottom = 0.0 if hit.miss_m is None else hit.miss_m / per_rad
        top = bottom + hit.speed_m_s * swing / 2 / per_rad
        start = hit.time_s - swing
        if k == 0:
            theta[times <= start] = top
        else:
            _hermite(theta, rate, times, (before_s, low, slope), (start, top, 0.0))
        # with this slope the downward swing has constant acceleration
        arrival = -hit.speed_m_s / per_rad if hit.miss_m is None else 0.0
        _hermite(theta, rate, times, (start, top, 0.0), (hit.time_s, bottom, arrival))
        before_s, low = hit.time_s, bottom
        slope = -striker.restitution * arrival
    end = before_s + 0.35
    raised = low + 0.2 * slope
    _hermite(theta, rate, times, (before_s, low, slope), (end, raised, 0.0))
    theta[times > end] = raised
    return theta, rate


def _hermite(
    theta: NDArray[np.float64],
    rate: NDArray[np.float64],
    times: NDArray[np.float64],
    start: tuple[float, float, float],
    end: tuple[float, float, float],
) -> None:
    """Cubic between two (time, value, slope), in place, over the times after the first."""
    where = (times > start[0]) & (times <= end[0])
    span = end[0] - start[0]
    u = (times[where] - start[0]) / span
    m0, m1 = start[2] * span, end[2] * span
    rise = end[1] - start[1]
    theta[where] = start[1] + m0 * u + (3 * rise - 2 * m0 - m1) * u**2 + (m0 + m1 - 2 * rise) * u**3
    rate[where] = (m0 + 2 * (3 * rise - 2 * m0 - m1) * u + 3 * (m0 + m1 - 2 * rise) * u**2) / span


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
    tip_radius = tip_radius_m(item)
    collisions = []
    for hit in striker.hits:
        if hit.miss_m is not None:
            continue
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
