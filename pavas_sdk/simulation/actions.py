"""Draws the bodies of a world and sets them going: one function per action."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.bodies import (
    MAX_MASS_KG,
    MIN_MASS_KG,
    draw_fill,
    draw_look,
    draw_object,
    draw_room,
    log_uniform,
    lying,
    pick,
    turned,
    volume_m3,
)
from pavas_sdk.simulation.materials import MATERIALS, SURFACES, restitution
from pavas_sdk.simulation.scene import Hit, Part, Room, SceneObject, StaticBox, Striker

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SETUPS", "Setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Bodies, and what may be struck.

    Attributes:
        objects: Bodies with their start.
        room: Floor and walls.
        scale_m: Typical half size of an object; the whole world scales with it.
        striker: Path of body 0, or None.
        target: Block that is struck, or None.
    """

    objects: tuple[SceneObject, ...]
    room: Room
    scale_m: float
    striker: Striker | None = None
    target: StaticBox | None = None


def _scale(rng: np.random.Generator) -> float:
    return log_uniform(rng, 0.03, 0.15)


def _drop(rng: np.random.Generator, duration_s: float) -> Setup:
    scale = _scale(rng)
    room = draw_room(rng, scale)
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))
    latest = max(0.15, duration_s - 1.6)
    releases = np.sort(rng.uniform(0.08, latest, count))
    if count == 1:
        releases[0] = rng.uniform(0.08, min(1.4, latest))
    objects = []
    spacing = scale * float(rng.uniform(3.6, 6.0))
    for k in range(count):
        item = turned(rng, draw_object(rng, scale), 0.12)
        height = min(max(scale * log_uniform(rng, 4.5, 18.0), 0.25), 2.0) + item.size_m
        x = (k - (count - 1) / 2) * spacing + float(rng.normal(0, 0.2)) * scale
        drift = scale * rng.normal(0.0, 1.2, 2)
        objects.append(
            replace(
                item,
                position_m=(x, float(rng.normal(0, 0.8)) * scale, height),
                velocity_m_s=(float(drift[0]), float(drift[1]), 0.0),
                spin_rad_s=tuple(float(w) for w in rng.normal(0, 0.6, 3)),  # type: ignore[arg-type]  # three numbers
                release_s=float(releases[k]),
            )
        )
    return Setup(objects=tuple(objects), room=room, scale_m=scale)


def _throw(rng: np.random.Generator, duration_s: float) -> Setup:
    scale = _scale(rng)
    room = draw_room(rng, scale)
    count = int(rng.choice([1, 2], p=[0.75, 0.25]))
    objects = []
    side = float(rng.choice([-1.0, 1.0]))
    for k in range(count):
        item = turned(rng, draw_object(rng, scale, (0.8, 0.12, 0.08)), 0.6)
        start = item.size_m + scale * log_uniform(rng, 1.0, 8.0)
        rise = scale * float(rng.uniform(0.0, 10.0))
        vz = math.sqrt(2 * 9.81 * rise)
        flight = (vz + math.sqrt(vz * vz + 2 * 9.81 * start)) / 9.81
        reach = scale * log_uniform(rng, 5.0, 18.0)
        heading = float(rng.normal(0.0, 0.5))
        speed = min(reach / flight, 5.0)
        low = 0.05 if k == 0 else 0.8
        objects.append(
            replace(
                item,
                position_m=(
                    -side * reach * 0.8,
                    (k * 3.4 + float(rng.normal(0, 0.6))) * scale,
                    start,
                ),
                velocity_m_s=(side * speed * math.cos(heading), speed * math.sin(heading), vz),
                spin_rad_s=tuple(float(w) for w in rng.normal(0, 5.0, 3)),  # type: ignore[arg-type]  # three numbers
                release_s=float(rng.uniform(low, max(low + 0.05, duration_s - 2.2))),
            )
        )
    return Setup(objects=tuple(objects), room=room, scale_m=scale)


def _bounce(rng: np.random.Generator, duration_s: float) -> Setup:
    """Thrown against a wall."""
    scale = _scale(rng)
    room = draw_room(rng, scale)
    item = draw_object(rng, scale, (0.93, 0.07, 0.0))
    distance = scale * log_uniform(rng, 6.0, 16.0)
    height = item.size_m + scale * log_uniform(rng, 1.0, 7.0)
    flight = float(rng.uniform(0.12, 0.45))
    speed = min(distance / flight, 7.0)
    vz = float(rng.uniform(0.2, 0.7)) * 9.81 * (distance / speed)
    side = float(rng.choice([-1.0, 1.0]))
    if rng.random() < 0.5:
        room = replace(room, back_m=distance + item.size_m)
        velocity = (float(rng.normal(0, 0.2)) * speed, speed, vz)
    else:
        room = _with_wall(room, side, distance + item.size_m)
        velocity = (side * speed, float(rng.normal(0, 0.15)) * speed, vz)
    item = replace(
        item,
        position_m=(0.0, 0.0, height),
        velocity_m_s=velocity,
        spin_rad_s=tuple(float(w) for w in rng.normal(0, 4.0, 3)),  # type: ignore[arg-type]  # three numbers
        release_s=float(rng.uniform(0.1, max(0.15, duration_s - 2.0))),
    )
    return Setup(objects=(item,), room=room, scale_m=scale)


def _with_wall(room: Room, side: float, distance: float) -> Room:
    return replace(room, right_m=distance) if side > 0 else replace(room, left_m=-distance)


def _rolling(item: SceneObject, velocity: tuple[float, float]) -> SceneObject:
    """The body sent off along the floor; balls start without slipping."""
    r = item.dims_m[0]
    spin = (-velocity[1] / r, velocity[0] / r, 0.0) if item.shape == "sphere" else (0.0, 0.0, 0.0)
    return replace(item, velocity_m_s=(velocity[0], velocity[1], 0.0), spin_rad_s=spin)


def _roll(rng: np.random.Generator, duration_s: float) -> Setup:
    """Rolls (a box slides) along the floor, mostly into a wall."""
    scale = _scale(rng)
    room = draw_room(rng, scale)
    item = draw_object(rng, scale, (0.93, 0.07, 0.0))
    side = float(rng.choice([-1.0, 1.0]))
    distance = scale * log_uniform(rng, 8.0, 26.0)
    item = lying(rng, item, -side * distance, float(rng.normal(0, 1.0)) * scale)
    travel = float(rng.uniform(min(0.5, 0.35 * duration_s), 0.7 * duration_s))
    drag = SURFACES[room.floor].rolling_resistance * 9.81
    travel = min(travel, 0.8 * math.sqrt(2 * distance / drag))
    speed = min(distance / travel + 0.5 * drag * travel, 4.0)
    if item.shape == "box":
        speed = min(math.sqrt(2 * 0.45 * 9.81 * distance) + float(rng.uniform(0.2, 1.5)), 6.0)
    back = rng.random() < 0.25
    if rng.random() < 0.88:
        if back:
            room = replace(room, back_m=distance * 0.6 + item.position_m[1])
        else:
            room = _with_wall(room, side, item.size_m * 1.05)
    heading = 0.7 if back else float(rng.normal(0.0, 0.08))
    item = _rolling(item, (side * speed * math.cos(heading), speed * math.sin(heading)))
    release = 0.0 if rng.random() < 0.6 else float(rng.uniform(0.0, 0.25 * duration_s))
    return Setup(objects=(replace(item, release_s=release),), room=room, scale_m=scale)


def _collide(rng: np.random.Generator, duration_s: float) -> Setup:
    """One ball rolls into another body at rest; at times a second follows or a wall stands by."""
    scale = _scale(rng)
    room = draw_room(rng, scale)
    side = float(rng.choice([-1.0, 1.0]))
    target = draw_object(rng, scale, (0.8, 0.2, 0.0))
    target = lying(rng, target, 0.0, 0.0)
    drag = SURFACES[room.floor].rolling_resistance * 9.81
    objects = []
    for k in range(int(rng.choice([1, 2], p=[0.7, 0.3]))):
        ball = draw_object(rng, scale, (1.0, 0.0, 0.0))
        gap = scale * log_uniform(rng, 5.0, 16.0)
        travel = (
            float(rng.uniform(min(0.35, 0.2 * duration_s), 0.45 * duration_s))
            + 0.3 * k * duration_s
        )
        wait = 0.0 if k == 0 else float(rng.uniform(0.3, 0.6)) * travel
        offset = float(rng.normal(0.0, 0.15)) * (ball.size_m + target.size_m)
        direction = side if k == 0 else -side
        x = -direction * (gap + ball.size_m + target.size_m)
        span = min(travel - wait, 0.8 * math.sqrt(2 * gap / drag))
        speed = min(gap / span + 0.5 * drag * span, 5.0)
        ball = replace(
            _rolling(turned(rng, ball, 0.0), (direction * speed, 0.0)),
            position_m=(x, offset, ball.dims_m[0]),
            release_s=wait,
        )
        objects.append(ball)
    if len(objects) == 1 and rng.random() < 0.5:
        room = _with_wall(room, side, target.size_m + scale * log_uniform(rng, 2.5, 10.0))
    return Setup(objects=(*objects, target), room=room, scale_m=scale)


def _stick(rng: np.random.Generator, scale: float) -> tuple[SceneObject, float]:
    """A drumstick or mallet, and the distance from its centre of mass to the tip."""
    material = pick(rng, ("wood", "metal", "plastic", "rubber"), (0.5, 0.2, 0.2, 0.1))
    radius = scale * float(rng.uniform(0.12, 0.22))
    half = scale * float(rng.uniform(1.8, 3.2))
    source = MATERIALS[material]
    shaft_volume = volume_m3("rod", (half, radius, 0.0))
    fill = draw_fill(rng, material, shaft_volume)
    shaft = source.density_kg_m3 * shaft_volume * fill
    mass = shaft
    parts: tuple[Part, ...] = (Part(shape="rod", dims_m=(half, radius, 0.0)),)
    tip = half
    if rng.random() < 0.55:
        head = scale * float(rng.uniform(0.4, 0.8))
        head_mass = source.density_kg_m3 * fill * volume_m3("sphere", (head, 0.0, 0.0))
        head_mass = min(head_mass, MAX_MASS_KG - shaft)
        mass = shaft + head_mass
        centre = half * head_mass / mass
        parts = (
            Part(shape="rod", dims_m=(half, radius, 0.0), offset_m=-centre),
            Part(shape="sphere", dims_m=(head, 0.0, 0.0), offset_m=half - centre),
        )
        tip = half - centre
    item = SceneObject(
        label="stick" if len(parts) == 1 else "mallet",
        shape="rod",
        dims_m=(half, radius, 0.0),
        material=material,
        fill=fill,
        mass_kg=max(mass, MIN_MASS_KG),
        position_m=(0.0, 0.0, 0.0),
        parts=parts,
        look=draw_look(rng, material),
    )
    return item, tip


def _strike(rng: np.random.Generator, duration_s: float) -> Setup:
    """A hand-held stick or mallet strikes a block, a plate or the floor one to four times."""
    scale = _scale(rng)
    room = draw_room(rng, scale)
    item, tip = _stick(rng, scale)
    target, top = None, 0.0
    surface_e = SURFACES[room.floor]
    if rng.random() < 0.8:
        material = pick(rng, tuple(MATERIALS), (0.5, 1.2, 1.2, 0.8, 0.8, 0.8))
        wide, deep = (float(scale * rng.uniform(1.0, 2.6)) for _ in range(2))
        high = scale * log_uniform(rng, 0.12, 1.6)
        target = StaticBox(
            centre_m=(0.0, 0.0, high),
            half_m=(wide, deep, high),
            material=material,
            fill=log_uniform(rng, 0.05, MATERIALS[material].max_fill),
            look=draw_look(rng, material),
        )
        top = 2 * high
    count = int(rng.choice([1, 2, 3, 4], p=[0.2, 0.3, 0.3, 0.2]))
    first, last = 0.3, duration_s - 0.35
    times = np.sort(rng.uniform(first, max(last, first + 0.1), count))
    for k in range(1, count):
        times[k] = max(times[k], times[k - 1] + 0.32)
    times = times[times < duration_s - 0.1]
    dip = float(rng.uniform(0.12, 0.6))
    reach = (tip + item.dims_m[0]) * float(rng.uniform(1.0, 1.6))
    azimuth = float(rng.choice([0.0, math.pi])) + float(rng.normal(0.0, 0.4))
    end = item.parts[-1]
    radius = end.dims_m[0] if end.shape == "sphere" else end.dims_m[1]
    side = np.array([math.cos(azimuth), math.sin(azimuth)])
    contact = np.array([*(rng.normal(0, 0.25, 2) * scale), top + radius])
    pivot = contact - reach * np.array(
        [math.cos(dip) * side[0], math.cos(dip) * side[1], -math.sin(dip)]
    )
    base = log_uniform(rng, 0.4, 4.0)
    limit = scale * 60.0
    hits = tuple(
        Hit(
            time_s=float(t),
            speed_m_s=float(min(base * log_uniform(rng, 0.45, 2.2), limit, 7.0)),
            swing_s=float(rng.uniform(0.10, 0.24)),
        )
        for t in times
    )
    e = restitution(
        MATERIALS[item.material], surface_e if target is None else MATERIALS[target.material]
    )
    striker = Striker(
        pivot_m=(float(pivot[0]), float(pivot[1]), float(pivot[2])),
        reach_m=reach,
        tip_offset_m=tip,
        azimuth_rad=azimuth,
        dip_rad=dip,
        restitution=0.75 * e,
        hits=hits,
    )
    return Setup(objects=(item,), room=room, scale_m=scale, striker=striker, target=target)


def _still(rng: np.random.Generator, duration_s: float) -> Setup:
    """Nothing moves."""
    del duration_s
    scale = _scale(rng)
    room = draw_room(rng, scale)
    count = int(rng.choice([1, 2, 3]))
    objects = tuple(
        replace(
            lying(rng, draw_object(rng, scale), (k - count / 2) * 4.2 * scale, 0.0), release_s=1e9
        )
        for k in range(count)
    )
    return Setup(objects=objects, room=room, scale_m=scale)


SETUPS: dict[str, Callable[[np.random.Generator, float], Setup]] = {
    "drop": _drop,
    "throw": _throw,
    "bounce": _bounce,
    "roll": _roll,
    "collide": _collide,
    "strike": _strike,
    "still": _still,
}
