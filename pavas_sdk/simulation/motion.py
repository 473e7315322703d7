"""Runs a scene's physics: states at every step, and the contacts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.simulation.dynamics import GRAVITY_M_S2, STEP_S, Laws, World, step_world
from pavas_sdk.simulation.materials import MATERIALS, SURFACES, friction, restitution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.simulation.scene import Room, SceneObject, StaticBox, Striker

__all__ = ["FLOOR", "SURFACE_NAMES", "Contact", "Motion", "run_world"]

FLOOR = -1
SURFACE_NAMES = {-1: "floor", -2: "back wall", -3: "left wall", -4: "right wall", -5: "target"}
_MERGE_S = 0.012  # touches of one pair within this time are one contact
_MAX_TOUCHES = 8192
_KINDS = {"sphere": 0, "box": 1, "rod": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One contact between a body and a surface or another body.

    Attributes:
        time_s: When.
        body: Index of the body in `Scene.objects`.
        other: Index of the other body, or a negative key of `SURFACE_NAMES`.
        surface: Key of `SURFACES`/`MATERIALS` of what was hit, "" for another body.
        impulse_n_s: Normal impulse.
        normal_speed_before_m_s: Approach speed at the point of contact.
        normal_speed_after_m_s: Parting speed at the point of contact.
        speed_before_m_s: Speed of the body's centre of mass just before.
        speed_after_m_s: And just after.
        energy_change_j: |1/2 m (after^2 - before^2)| of the body whose energy changed most; what
            APCC calls dE_k and what the loudness follows.
        other_energy_change_j: The same of the other body, 0 for a surface.
        point_m: Where.
    """

    time_s: float
    body: int
    other: int
    surface: str
    impulse_n_s: float
    normal_speed_before_m_s: float
    normal_speed_after_m_s: float
    speed_before_m_s: float
    speed_after_m_s: float
    energy_change_j: float
    other_energy_change_j: float
    point_m: tuple[float, float, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "point_m": list(self.point_m)
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Contact:
        """Read what `to_json` wrote."""
        x, y, z = data["point_m"]
        known = {k: v for k, v in data.items() if k in cls.__slots__}
        return cls(**{**known, "point_m": (x, y, z)})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Motion:
    """States at every step, body by body.

    Attributes:
        step_s: Time between states.
        position_m: (S, n, 3) centres of mass.
        velocity_m_s: (S, n, 3).
        quaternion: (S, n, 4) body to world.
        floor_speed_m_s: (S, n) horizontal speed while touching the floor, else 0.
        contacts: In order of time.
    """

    step_s: float
    position_m: NDArray[np.float64]
    velocity_m_s: NDArray[np.float64]
    quaternion: NDArray[np.float64]
    floor_speed_m_s: NDArray[np.float64]
    contacts: tuple[Contact, ...]

    def at(self, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return positions (T, n, 3) and quaternions (T, n, 4) at any times (linear between)."""
        last = self.position_m.shape[0] - 1
        place = np.clip(np.asarray(times_s) / self.step_s, 0.0, float(last))
        low = np.minimum(place.astype(np.int64), max(last - 1, 0))
        share = (place - low)[:, None, None]
        high = np.minimum(low + 1, last)
        # written so that equal neighbours give exactly themselves
        position = self.position_m[low]
        position = position + (self.position_m[high] - position) * share
        q = self.quaternion[low]
        q = q + (self.quaternion[high] - q) * share
        return position, q / np.linalg.norm(q, axis=-1, keepdims=True)


def run_world(
    objects: tuple[SceneObject, ...],
    room: Room,
    duration_s: float,
    *,
    striker: Striker | None = None,
    target: StaticBox | None = None,
    gravity_m_s2: float = GRAVITY_M_S2,
    step_s: float = STEP_S,
) -> Motion:
    """Steps a world for ``duration_s`` and returns every state.

    Args:
        objects: Bodies. With a striker, body 0 follows the striker's path.
        room: Floor and walls.
        duration_s: How long.
        striker: Path of body 0.
        target: What the striker hits, None = the floor.
        gravity_m_s2: Downward acceleration.
        step_s: Step; the kernels expect 0.5 ms or finer.
    """
    steps = math.ceil(duration_s / step_s) + 2
    free = objects[1:] if striker is not None else objects
    position, velocity, quaternion, touch, raw = _step(free, room, steps, gravity_m_s2, step_s)
    shift = len(objects) - len(free)
    contacts = _merge(raw, free, room, shift)
    if striker is not None:
        p, v, q, blows = _swing(objects[0], striker, target, room, steps, step_s)
        position = np.concatenate([p[:, None], position], axis=1)
        velocity = np.concatenate([v[:, None], velocity], axis=1)
        quaternion = np.concatenate([q[:, None], quaternion], axis=1)
        touch = np.concatenate([np.zeros((steps + 1, 1)), touch], axis=1)
        contacts += [blow for blow in blows if blow.time_s < duration_s]
    contacts = sorted((c for c in contacts if c.time_s < duration_s), key=lambda c: c.time_s)
    return Motion(
        step_s=step_s,
        position_m=position,
        velocity_m_s=velocity,
        quaternion=quaternion,
        floor_speed_m_s=touch,
        contacts=tuple(contacts),
    )


def inertia_of(item: SceneObject) -> tuple[float, float, float]:
    """Principal moments of inertia of a body about its own axes, kg m^2."""
    a, b, c = item.dims_m
    m = item.mass_kg
    if item.shape == "sphere":
        # between a solid ball (2/5) and a thin shell (2/3)
        i = (2 / 3 - (2 / 3 - 2 / 5) * item.fill) * m * a * a
        return i, i, i
    if item.shape == "box":
        return m / 3 * (b * b + c * c), m / 3 * (a * a + c * c), m / 3 * (a * a + b * b)
    across = m * ((2 * (a + b)) ** 2 / 12 + b * b / 4)
    return m * b * b / 2, across, across


def _planes(room: Room) -> NDArray[np.float64]:
    return np.array(
        [
            [0.0, 0.0, 1.0, 0.0],
            [0.0, -1.0, 0.0, -room.back_m],
            [1.0, 0.0, 0.0, room.left_m],
            [-1.0, 0.0, 0.0, -room.right_m],
        ]
    )


def _step(
    objects: tuple[SceneObject, ...], room: Room, steps: int, gravity: float, step_s: float
) -> tuple[NDArray[np.float64], ...]:
    n = len(objects)
    if n == 0:
        empty = np.zeros((steps + 1, 0, 3))
        return (
            empty,
            empty,
            np.zeros((steps + 1, 0, 4)),
            np.zeros((steps + 1, 0)),
            np.zeros((0, 13)),
        )
    materials = [MATERIALS[o.material] for o in objects]
    floor, wall = SURFACES[room.floor], SURFACES[room.wall]
    # edges and ends give in more than a ball does
    give = [1.0 if o.shape == "sphere" else 0.55 for o in objects]
    e_plane = np.array(
        [
            [g * restitution(m, s) for s in (floor, wall, wall, wall)]
            for m, g in zip(materials, give, strict=True)
        ]
    )
    mu_plane = np.array([[friction(m, s) for s in (floor, wall, wall, wall)] for m in materials])
    e_pair = np.array([[restitution(a, b) for b in materials] for a in materials])
    mu_pair = np.array([[friction(a, b) for b in materials] for a in materials])
    mass = np.array([o.mass_kg for o in objects], dtype=np.float64)
    world = World(
        kind=np.array([_KINDS[o.shape] for o in objects], dtype=np.int64),
        dims=np.array([o.dims_m for o in objects], dtype=np.float64),
        reach=np.array([reach_of(o.shape, o.dims_m) for o in objects]),
        inv_mass=1.0 / mass,
        inv_inertia=1.0 / np.array([inertia_of(o) for o in objects], dtype=np.float64),
        release=np.array([o.release_s for o in objects], dtype=np.float64),
        pos=np.array([o.position_m for o in objects], dtype=np.float64),
        vel=np.array([o.velocity_m_s for o in objects], dtype=np.float64),
        quat=np.array([o.quaternion for o in objects], dtype=np.float64),
        omega=np.array([o.spin_rad_s for o in objects], dtype=np.float64),
        still=np.zeros(n, dtype=np.int64),
        log=np.empty((_MAX_TOUCHES, 13)),
        logged=np.zeros(1, dtype=np.int64),
    )
    laws = Laws(
        planes=_planes(room),
        e_plane=e_plane,
        mu_plane=mu_plane,
        rolling=np.full(n, floor.rolling_resistance),
        e_pair=e_pair,
        mu_pair=mu_pair,
        gravity=gravity,
    )
    states = step_world(world, laws, steps, step_s)
    return (*states, world.log[: world.logged[0]])


def reach_of(shape: str, dims_m: tuple[float, float, float]) -> float:
    """Radius of the ball about the centre that holds a body."""
    a, b, c = dims_m
    if shape == "sphere":
        return a
    return math.sqrt(a * a + b * b + c * c) if shape == "box" else a + b


def _merge(
    raw: NDArray[np.float64], objects: tuple[SceneObject, ...], room: Room, shift: int
) -> list[Contact]:
    """Joins touches of one pair that follow within a few milliseconds."""
    groups: dict[tuple[int, int], list[list[NDArray[np.float64]]]] = {}
    for row in raw:
        runs = groups.setdefault((int(row[1]), int(row[2])), [])
        if runs and row[0] - runs[-1][-1][0] <= _MERGE_S:
            runs[-1].append(row)
        else:
            runs.append([row])
    contacts = []
    for (a, b), runs in groups.items():
        for run in runs:
            first, last = run[0], run[-1]
            strongest = max(run, key=lambda r: r[3])
            energy = _energy(objects[a].mass_kg, first[6], last[7])
            other_energy = _energy(objects[b].mass_kg, first[8], last[9]) if b >= 0 else 0.0
            body, other, before, after = a, b, first[6], last[7]
            if other_energy > energy:
                body, other, before, after = b, a, first[8], last[9]
                energy, other_energy = other_energy, energy
            surface = "" if b >= 0 else (room.floor if b == FLOOR else room.wall)
            contacts.append(
                Contact(
                    time_s=float(first[0]),
                    body=body + shift,
                    other=other + shift if other >= 0 else other,
                    surface=surface,
                    impulse_n_s=float(sum(r[3] for r in run)),
                    normal_speed_before_m_s=float(strongest[4]),
                    normal_speed_after_m_s=float(strongest[5]),
                    speed_before_m_s=float(before),
                    speed_after_m_s=float(after),
                    energy_change_j=energy,
                    other_energy_change_j=other_energy,
                    point_m=(float(strongest[10]), float(strongest[11]), float(strongest[12])),
                )
            )
    return contacts


def _energy(mass_kg: float, before: float, after: float) -> float:
    return float(abs(0.5 * mass_kg * (after**2 - before**2)))


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


def _swing(
    item: SceneObject,
    striker: Striker,
    target: StaticBox | None,
    room: Room,
    steps: int,
    step_s: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], list[Contact]]:
    """Positions, velocities, orientations and contacts of the striker."""
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
    contacts = []
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
        contacts.append(
            Contact(
                time_s=hit.time_s,
                body=0,
                other=-5 if target is not None else FLOOR,
                surface=target.material if target is not None else room.floor,
                impulse_n_s=item.mass_kg * (before + after),
                normal_speed_before_m_s=v0,
                normal_speed_after_m_s=v1,
                speed_before_m_s=before,
                speed_after_m_s=after,
                energy_change_j=_energy(item.mass_kg, before, after),
                other_energy_change_j=0.0,
                point_m=(float(tip[0]), float(tip[1]), float(tip[2] - tip_radius)),
            )
        )
    return position, velocity, quaternion, contacts
