"""Sets bodies going that will be heard: one function per action."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.bodies import draw_object, draw_room, log_uniform, lying, turned
from pavas_sdk.simulation.materials import SURFACES
from pavas_sdk.simulation.quiet import QUIET_SETUPS
from pavas_sdk.simulation.setup import Setup, draw_scale, rolling, with_wall
from pavas_sdk.simulation.strikes import strike

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SETUPS"]


def _drop(rng: np.random.Generator, duration_s: float) -> Setup:
    scale = draw_scale(rng)
    room = draw_room(rng, scale)
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))
    latest = max(0.15, duration_s - 1.6)
    releases = np.sort(rng.uniform(0.08, latest, count))
    if count == 1:
        # mostly early; at times after a long rest
        rests = rng.spawn(1)[0].random() < 0.2
        releases[0] = rng.uniform(0.08, latest if rests else min(1.4, latest))
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
    scale = draw_scale(rng)
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
    scale = draw_scale(rng)
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
        room = with_wall(room, side, distance + item.size_m)
        velocity = (side * speed, float(rng.normal(0, 0.15)) * speed, vz)
    item = replace(
        item,
        position_m=(0.0, 0.0, height),
        velocity_m_s=velocity,
        spin_rad_s=tuple(float(w) for w in rng.normal(0, 4.0, 3)),  # type: ignore[arg-type]  # three numbers
        release_s=float(rng.uniform(0.1, max(0.15, duration_s - 2.0))),
    )
    return Setup(objects=(item,), room=room, scale_m=scale)


def _roll(rng: np.random.Generator, duration_s: float) -> Setup:
    """Rolls (a box slides) along the floor, mostly into a wall."""
    scale = draw_scale(rng)
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
            room = with_wall(room, side, item.size_m * 1.05)
    heading = 0.7 if back else float(rng.normal(0.0, 0.08))
    item = rolling(item, (side * speed * math.cos(heading), speed * math.sin(heading)))
    release = 0.0 if rng.random() < 0.6 else float(rng.uniform(0.0, 0.25 * duration_s))
    return Setup(objects=(replace(item, release_s=release),), room=room, scale_m=scale)


def _collide(rng: np.random.Generator, duration_s: float) -> Setup:
    """One ball rolls into another body at rest; at times a second follows or a wall stands by."""
    scale = draw_scale(rng)
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
            rolling(turned(rng, ball, 0.0), (direction * speed, 0.0)),
            position_m=(x, offset, ball.dims_m[0]),
            release_s=wait,
        )
        objects.append(ball)
    if len(objects) == 1 and rng.random() < 0.5:
        room = with_wall(room, side, target.size_m + scale * log_uniform(rng, 2.5, 10.0))
    return Setup(objects=(*objects, target), room=room, scale_m=scale)


SETUPS: dict[str, Callable[[np.random.Generator, float], Setup]] = {
    "drop": _drop,
    "throw": _throw,
    "bounce": _bounce,
    "roll": _roll,
    "collide": _collide,
    "strike": strike,
    **QUIET_SETUPS,
}
