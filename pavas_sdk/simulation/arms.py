"""Arms and hands, as far as a camera needs them: what swings a hammer, carries, or waves."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.bodies import draw_look, log_uniform
from pavas_sdk.simulation.guides import Guide
from pavas_sdk.simulation.scene import Look, Part, SceneObject

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["arm_parts", "carried", "free_arm", "path_through"]

_SKIN = ((0.62, 0.40, 0.30), (0.40, 0.24, 0.16), (0.16, 0.09, 0.06), (0.70, 0.50, 0.40))


def _looks(rng: np.random.Generator) -> tuple[Look, Look]:
    """Skin, and a sleeve or skin again."""
    base = np.asarray(_SKIN[int(rng.integers(len(_SKIN)))]) * rng.uniform(0.8, 1.2)
    colour = (float(base[0]), float(base[1]), float(base[2]))
    skin = Look(colour=colour, second_colour=colour, pattern="plain", pattern_scale=1.0, gloss=0.1)
    return skin, skin if rng.random() < 0.4 else replace(draw_look(rng, "plastic"), gloss=0.0)


def arm_parts(
    rng: np.random.Generator, scale: float, grip_m: float, *, direction: float = -1.0
) -> tuple[Part, ...]:
    """A hand at ``grip_m`` along the body's x axis and an arm from there to out of the picture.

    Args:
        rng: Random numbers.
        scale: Half size of the objects, metres.
        grip_m: Middle of the hand.
        direction: -1 when the arm lies towards -x, else 1.
    """
    skin, sleeve = _looks(rng)
    hand = scale * float(rng.uniform(0.4, 0.65))
    thick = hand * float(rng.uniform(0.55, 0.85))
    lower, upper = scale * float(rng.uniform(4.0, 7.0)), scale * 14.0
    parts = [Part(shape="sphere", dims_m=(hand, 0.0, 0.0), offset_m=grip_m, look=skin)]
    near = grip_m
    for half, look, girth in ((lower / 2, skin, thick), (upper / 2, sleeve, 1.35 * thick)):
        middle = near + direction * half
        parts.append(Part(shape="rod", dims_m=(half, girth, 0.0), offset_m=middle, look=look))
        near = middle + direction * half
    return tuple(replace(part, scenery=True) for part in parts)


def free_arm(rng: np.random.Generator, scale: float) -> SceneObject:
    """An arm with its hand at the origin, lying towards its own +x; it is no object of a clip."""
    parts = arm_parts(rng, scale, 0.0, direction=1.0)
    assert parts[0].look is not None
    return SceneObject(
        label="arm",
        shape="sphere",
        dims_m=parts[0].dims_m,
        material="rubber",
        fill=1.0,
        mass_kg=1.0,
        position_m=(0.0, 0.0, 0.0),
        parts=parts,
        look=parts[0].look,
        counts=False,
    )


def path_through(
    points: Sequence[np.ndarray],
    times_s: Sequence[float],
    *,
    anchor: np.ndarray | None = None,
    azimuth_rad: float | None = None,
) -> Guide:
    """A path that rests at each point and moves smoothly (least jerk) from one to the next.

    Args:
        points: (n,) places.
        times_s: (2 n - 2,): when each way begins and ends.
        anchor: See `Guide`.
        azimuth_rad: See `Guide`.
    """
    knots: list[float] = []
    places: list[np.ndarray] = []
    speeds: list[np.ndarray] = []
    for k, (a, b) in enumerate(itertools.pairwise(points)):
        start, end = times_s[2 * k], times_s[2 * k + 1]
        count = max(8, int((end - start) / 0.03))
        for u in np.linspace(0.0, 1.0, count + 1):
            time_s = start + (end - start) * float(u)
            if knots and time_s <= knots[-1] + 1e-9:
                continue
            share = 10 * u**3 - 15 * u**4 + 6 * u**5
            rate = (30 * u**2 - 60 * u**3 + 30 * u**4) / (end - start)
            knots.append(time_s)
            places.append(a + share * (b - a))
            speeds.append(rate * (b - a))
    return Guide(
        times_s=tuple(knots),
        points_m=tuple((float(p[0]), float(p[1]), float(p[2])) for p in places),
        velocities_m_s=tuple((float(v[0]), float(v[1]), float(v[2])) for v in speeds),
        anchor_m=None if anchor is None else (float(anchor[0]), float(anchor[1]), float(anchor[2])),
        azimuth_rad=azimuth_rad,
    )


def shoulder(rng: np.random.Generator, scale: float, near: np.ndarray) -> np.ndarray:
    """A point far outside of the picture, to the side and above, where an arm ends."""
    side = float(rng.choice([-1.0, 1.0]))
    heading = float(rng.normal(0.0, 0.5))
    away = scale * 40.0
    rise = math.sin(float(rng.uniform(0.15, 0.7)))
    return near + away * np.array([side * math.cos(heading), math.sin(heading), rise])


def carried(
    rng: np.random.Generator, scale: float, item: SceneObject, guide: Guide, leaves_s: float | None
) -> tuple[SceneObject, Guide]:
    """An arm whose hand goes with a guided body, and at ``leaves_s`` draws back.

    Args:
        rng: Random numbers.
        scale: Half size of the objects, metres.
        item: What is carried.
        guide: Its path.
        leaves_s: When the hand lets go, or None: never.
    """
    arm = free_arm(rng, scale)
    last = np.asarray(guide.points_m[-1])
    anchor = shoulder(rng, scale, last)
    out = (anchor - last) / np.linalg.norm(anchor - last)
    grip = out * item.size_m * float(rng.uniform(0.7, 1.0))
    points = [np.asarray(p) + grip for p in guide.points_m]
    times, speeds = list(guide.times_s), [np.asarray(v) for v in guide.velocities_m_s]
    if leaves_s is not None and leaves_s > times[-1]:
        span = log_uniform(rng, 0.3, 1.0)
        back = path_through(
            [points[-1], points[-1] + out * scale * 30.0], (leaves_s, leaves_s + span)
        )
        times += list(back.times_s)
        points += [np.asarray(p) for p in back.points_m]
        speeds += [np.asarray(v) for v in back.velocities_m_s]
    return arm, Guide(
        times_s=tuple(times),
        points_m=tuple((float(p[0]), float(p[1]), float(p[2])) for p in points),
        velocities_m_s=tuple((float(v[0]), float(v[1]), float(v[2])) for v in speeds),
        anchor_m=(float(anchor[0]), float(anchor[1]), float(anchor[2])),
    )
