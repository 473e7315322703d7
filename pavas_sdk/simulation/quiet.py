"""What is seen and makes no sound: bodies that rest, hang, roll on, are laid down or pass by."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.arms import carried, free_arm, path_through, shoulder
from pavas_sdk.simulation.bodies import (
    draw_look,
    draw_object,
    draw_room,
    log_uniform,
    lying,
    turned,
)
from pavas_sdk.simulation.guides import Guide
from pavas_sdk.simulation.materials import SURFACES
from pavas_sdk.simulation.scene import Part
from pavas_sdk.simulation.setup import Setup, draw_scale, rolling, with_guided
from pavas_sdk.simulation.strikes import swing_past

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["QUIET_SETUPS", "with_arm", "with_passer"]


def _still(rng: np.random.Generator, duration_s: float) -> Setup:
    """Nothing moves."""
    del duration_s
    scale = draw_scale(rng)
    room = draw_room(rng, scale)
    count = int(rng.choice([1, 2, 3]))
    objects = tuple(
        replace(
            lying(rng, draw_object(rng, scale), (k - count / 2) * 4.2 * scale, 0.0), release_s=1e9
        )
        for k in range(count)
    )
    return Setup(objects=objects, room=room, scale_m=scale)


def _pendulum(rng: np.random.Generator, duration_s: float) -> Setup:
    """Hangs on a string and swings without touching anything."""
    scale = draw_scale(rng)
    room = draw_room(rng, scale)
    item = draw_object(rng, scale, (0.85, 0.15, 0.0))
    length = item.size_m + scale * log_uniform(rng, 4.0, 11.0)
    azimuth = float(rng.uniform(-0.6, 0.6)) + float(rng.choice([0.0, math.pi]))
    amplitude = float(rng.uniform(0.15, 0.9))
    height = item.size_m * 1.8 + scale * float(rng.uniform(0.5, 4.0))
    room = replace(room, back_m=max(room.back_m, length + 2 * item.size_m))
    pivot = np.array([0.0, 0.0, height + length])
    rate = math.sqrt(9.81 / length) * (1 - amplitude**2 / 16)
    phase = float(rng.uniform(0.0, 2 * math.pi))
    fade = float(rng.uniform(0.0, 0.3))
    times = np.arange(0.0, duration_s + 0.05, 0.02)
    angle = amplitude * np.exp(-fade * times) * np.cos(rate * times + phase)
    ahead = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    places = pivot + length * (
        np.sin(angle)[:, None] * ahead - np.cos(angle)[:, None] * np.array([0.0, 0.0, 1.0])
    )
    speeds = np.gradient(places, times, axis=0)
    thread = Part(
        shape="rod",
        dims_m=(length / 2, scale * float(rng.uniform(0.03, 0.08)), 0.0),
        offset_m=length / 2,
        look=draw_look(rng, "plastic"),
        scenery=True,
    )
    item = replace(item, parts=(*item.parts, thread))
    guide = Guide(
        times_s=tuple(float(t) for t in times),
        points_m=tuple((float(p[0]), float(p[1]), float(p[2])) for p in places),
        velocities_m_s=tuple((float(v[0]), float(v[1]), float(v[2])) for v in speeds),
        anchor_m=(float(pivot[0]), float(pivot[1]), float(pivot[2])),
        azimuth_rad=azimuth,
    )
    return Setup(objects=(item,), guides=(guide,), room=room, scale_m=scale)


def _glide(rng: np.random.Generator, duration_s: float) -> Setup:
    """A ball rolls, or a box slides, and meets nothing."""
    scale = draw_scale(rng)
    room = draw_room(rng, scale)
    item = draw_object(rng, scale, (0.85, 0.15, 0.0))
    side = float(rng.choice([-1.0, 1.0]))
    distance = scale * log_uniform(rng, 6.0, 22.0)
    heading = float(rng.normal(0.0, 0.15))
    item = lying(rng, item, -side * distance / 2, float(rng.normal(0, 1.0)) * scale)
    drag = SURFACES[room.floor].rolling_resistance * 9.81
    speed = min(distance / (0.8 * duration_s) + 0.3 * drag * duration_s, 3.0)
    if item.shape == "box":
        speed = min(math.sqrt(2 * 0.45 * 9.81 * distance), 3.0)
    item = rolling(item, (side * speed * math.cos(heading), speed * math.sin(heading)))
    release = 0.0 if rng.random() < 0.6 else float(rng.uniform(0.0, 0.4 * duration_s))
    return Setup(objects=(replace(item, release_s=release),), room=room, scale_m=scale)


def _settle(rng: np.random.Generator, duration_s: float) -> Setup:
    """Comes to rest softly: laid down on the floor, or stopped in the air."""
    scale = draw_scale(rng)
    room = draw_room(rng, scale)
    item = lying(rng, draw_object(rng, scale), 0.0, 0.0)
    side = float(rng.choice([-1.0, 1.0]))
    rest = np.asarray(item.position_m)
    laid = rng.random() < 0.6
    if not laid:
        item = turned(rng, item, 0.3)
        rest = rest + np.array([0.0, 0.0, scale * float(rng.uniform(1.0, 5.0))])
    shift = np.array([side * rng.uniform(0.0, 8.0), rng.normal(0.0, 0.8), rng.uniform(2.0, 9.0)])
    span = min(log_uniform(rng, 0.35, 1.8), 0.6 * duration_s)
    begin = float(rng.uniform(0.05, max(0.06, duration_s - span - 0.5)))
    guide = path_through([rest + scale * shift, rest], (begin, begin + span))
    setup = Setup(objects=(item,), guides=(guide,), room=room, scale_m=scale)
    if rng.random() < 0.75:
        leaves = begin + span + float(rng.uniform(0.1, 0.5)) if laid else None
        setup = with_guided(setup, *carried(rng, scale, item, guide, leaves))
    return setup


def with_passer(rng: np.random.Generator, setup: Setup, duration_s: float) -> Setup:
    """The setup with something that passes through the picture, behind or before the action."""
    scale = setup.scale_m
    item = turned(rng, draw_object(rng, scale), 0.4)
    deep = float(rng.uniform(3.5, 6.5)) * scale * float(rng.choice([1.0, 1.0, -1.0]))
    deep = min(deep, setup.room.back_m - 2 * item.size_m)
    side = float(rng.choice([-1.0, 1.0]))
    height = item.size_m * 1.5 + scale * float(rng.uniform(0.5, 8.0))
    reach = scale * 26.0
    span = log_uniform(rng, 0.8, 3.0)
    begin = float(rng.uniform(-0.4 * span, max(0.1, duration_s - 0.6 * span)))
    speed = 2 * side * reach / span
    # it is on its way all the time, mostly out of the picture
    ends = (-0.1, duration_s + 0.1)
    guide = Guide(
        times_s=ends,
        points_m=tuple((-side * reach + speed * (t - begin), deep, height) for t in ends),
        velocities_m_s=((speed, 0.0, 0.0),) * 2,
    )
    return with_guided(setup, item, guide)


def with_arm(rng: np.random.Generator, setup: Setup, duration_s: float) -> Setup:
    """The setup with an arm that moves about in the air."""
    scale = setup.scale_m
    deep = scale * float(rng.uniform(-4.0, 4.0))
    deep = min(deep, setup.room.back_m - 3.0 * scale)
    middle = np.array([0.0, deep, scale * float(rng.uniform(4.0, 9.0))])
    anchor = shoulder(rng, scale, middle)
    out = (anchor - middle) / np.linalg.norm(anchor - middle)
    count = int(rng.integers(2, 6))
    points = [middle + out * scale * 18.0]
    spread = np.array([4.0, 2.0, 2.0])
    points += [middle + scale * spread * rng.uniform(-1.0, 1.0, 3) for _ in range(count)]
    if rng.random() < 0.5:
        points.append(points[0])
    moments = np.sort(rng.uniform(0.0, duration_s, 2 * len(points) - 2))
    moments += 0.08 * np.arange(moments.size)
    guide = path_through(points, [float(t) for t in moments], anchor=anchor)
    return with_guided(setup, free_arm(rng, scale), guide)


def _pass(rng: np.random.Generator, duration_s: float) -> Setup:
    """Things lie still while others pass by behind or before them."""
    setup = with_passer(rng, _still(rng, duration_s), duration_s)
    return with_passer(rng, setup, duration_s) if rng.random() < 0.3 else setup


def _wave(rng: np.random.Generator, duration_s: float) -> Setup:
    """Things lie still while an arm moves above them."""
    return with_arm(rng, _still(rng, duration_s), duration_s)


QUIET_SETUPS: dict[str, Callable[[np.random.Generator, float], Setup]] = {
    "still": _still,
    "pendulum": _pendulum,
    "glide": _glide,
    "settle": _settle,
    "pass": _pass,
    "swing": swing_past,
    "wave": _wave,
}
