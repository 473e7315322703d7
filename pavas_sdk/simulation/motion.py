"""Runs a scene's physics: states at every step, and the collisions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.collisions import merge_touches
from pavas_sdk.simulation.dynamics import GRAVITY_M_S2, STEP_S, Laws, World, step_world
from pavas_sdk.simulation.guides import follow
from pavas_sdk.simulation.materials import MATERIALS, SURFACES, friction, restitution
from pavas_sdk.simulation.striker import swing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.collisions import Collision
    from pavas_sdk.simulation.guides import Guide
    from pavas_sdk.simulation.scene import Room, SceneObject, StaticBox, Striker

__all__ = ["Motion", "run_world"]

_MAX_TOUCHES = 8192
_KINDS = {"sphere": 0, "box": 1, "rod": 2}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Motion:
    """States at every step, body by body.

    Attributes:
        step_s: Time between states.
        position_m: (S, n, 3) centres of mass.
        velocity_m_s: (S, n, 3).
        quaternion: (S, n, 4) body to world.
        floor_speed_m_s: (S, n) horizontal speed while touching the floor, else 0.
        collisions: In order of time.
    """

    step_s: float
    position_m: NDArray[np.float64]
    velocity_m_s: NDArray[np.float64]
    quaternion: NDArray[np.float64]
    floor_speed_m_s: NDArray[np.float64]
    collisions: tuple[Collision, ...]

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
    guides: tuple[Guide, ...] = (),
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
        guides: Paths of the bodies that follow (the striker); they touch nothing.
        gravity_m_s2: Downward acceleration.
        step_s: Step; the kernels expect 0.5 ms or finer.
    """
    steps = math.ceil(duration_s / step_s) + 2
    first = 0 if striker is None else 1
    shift = first + len(guides)
    free = objects[shift:]
    stepped = _step(free, room, steps, gravity_m_s2, step_s)
    collisions = merge_touches(stepped[4], free, room, shift)
    times = np.arange(steps + 1, dtype=np.float64) * step_s
    led = [
        follow(guide, item.quaternion, times)
        for guide, item in zip(guides, objects[first:shift], strict=True)
    ]
    if striker is not None:
        p, v, q, blows = swing(objects[0], striker, target, room, steps, step_s)
        led.insert(0, (p, v, q))
        collisions += [blow for blow in blows if blow.time_s < duration_s]
    position, velocity, quaternion = (
        np.concatenate([*(path[k][:, None] for path in led), stepped[k]], axis=1) for k in range(3)
    )
    touch = np.concatenate([np.zeros((steps + 1, shift)), stepped[3]], axis=1)
    collisions = sorted((c for c in collisions if c.time_s < duration_s), key=lambda c: c.time_s)
    return Motion(
        step_s=step_s,
        position_m=position,
        velocity_m_s=velocity,
        quaternion=quaternion,
        floor_speed_m_s=touch,
        collisions=tuple(collisions),
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
