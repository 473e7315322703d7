"""Sticks, mallets and hammers that strike, or swing without striking."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.arms import arm_parts
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
from pavas_sdk.simulation.scene import Hit, Part, SceneObject, StaticBox, Striker
from pavas_sdk.simulation.setup import Setup, draw_scale
from pavas_sdk.simulation.striker import tip_radius_m

if TYPE_CHECKING:
    from pavas_sdk.simulation.scene import Room

__all__ = ["strike", "swing_past"]

_ARM = 0.6  # share of sticks that an arm from the picture's edge swings
_MISS = 0.15  # share of blows that turn back before they touch
_BESIDE = 0.12  # share of clips in which something is dropped beside


def _stick(rng: np.random.Generator, scale: float) -> tuple[SceneObject, float]:
    """A drumstick, mallet or hammer, and the distance from its centre of mass to the tip."""
    material = pick(rng, ("wood", "metal", "plastic", "rubber"), (0.5, 0.2, 0.2, 0.1))
    radius = scale * float(rng.uniform(0.12, 0.22))
    half = scale * float(rng.uniform(1.8, 3.2))
    shaft_volume = volume_m3("rod", (half, radius, 0.0))
    fill = draw_fill(rng, material, shaft_volume)
    shaft = mass = MATERIALS[material].density_kg_m3 * shaft_volume * fill
    parts: tuple[Part, ...] = (Part(shape="rod", dims_m=(half, radius, 0.0)),)
    tip, label = half, "stick"
    kind = rng.random()
    if kind < 0.65:
        head = scale * float(rng.uniform(0.4, 0.8))
        shape, dims = "sphere", (head, 0.0, 0.0)
        label = "mallet"
        if kind < 0.25:
            shape, dims, label = "box", (0.6 * head, 0.6 * head, 1.2 * head), "hammer"
        head_mass = MATERIALS[material].density_kg_m3 * fill * volume_m3(shape, dims)
        mass = shaft + min(head_mass, MAX_MASS_KG - shaft)
        centre = half * (mass - shaft) / mass
        parts = (
            Part(shape="rod", dims_m=(half, radius, 0.0), offset_m=-centre),
            Part(shape=shape, dims_m=dims, offset_m=half - centre),
        )
        tip = half - centre
    item = SceneObject(
        label=label,
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


def _target(rng: np.random.Generator, scale: float) -> StaticBox:
    """A block, box, plate or bag that stays where it is."""
    label = pick(rng, ("block", "box", "bag"), (0.6, 0.25, 0.15))
    shares = (0.5, 1.2, 1.2, 0.8, 0.8, 0.8)
    material = "rubber" if label == "bag" else pick(rng, tuple(MATERIALS), shares)
    wide, deep = (float(scale * rng.uniform(1.0, 2.6)) for _ in range(2))
    high = scale * log_uniform(rng, 0.5 if label == "bag" else 0.12, 1.6)
    top_fill = MATERIALS[material].max_fill
    return StaticBox(
        centre_m=(0.0, 0.0, high),
        half_m=(wide, deep, high),
        material=material,
        fill=log_uniform(rng, 0.05, min(0.2, top_fill) if label == "box" else top_fill),
        look=draw_look(rng, material),
        label=label,
    )


def _times(rng: np.random.Generator, duration_s: float) -> list[float]:
    """When blows come: one to four, at times all early or all late."""
    count = int(rng.choice([1, 2, 3, 4], p=[0.2, 0.3, 0.3, 0.2]))
    first, last = 0.3, max(duration_s - 0.35, 0.4)
    rest = rng.random()
    if rest < 0.12:
        last = 0.5 * (first + last)
    elif rest < 0.24:
        first = 0.5 * (first + last)
    times = np.sort(rng.uniform(first, last, count))
    for k in range(1, count):
        times[k] = max(times[k], times[k - 1] + 0.32)
    return [float(t) for t in times if t < duration_s - 0.1]


def _hits(
    rng: np.random.Generator, scale: float, duration_s: float, miss: float
) -> tuple[Hit, ...]:
    """Blows, of which this share misses; never all of them unless ``miss`` is 1."""
    base = log_uniform(rng, 0.4, 4.0)
    times = _times(rng, duration_s)
    touches = int(rng.integers(max(len(times), 1)))
    hits = []
    for k, time_s in enumerate(times):
        misses = bool(rng.random() < miss) and (miss >= 1.0 or k != touches)
        gap = scale * log_uniform(rng, 0.3, 4.0)
        hits.append(
            Hit(
                time_s=time_s,
                speed_m_s=float(min(base * log_uniform(rng, 0.45, 2.2), scale * 60.0, 7.0)),
                swing_s=float(rng.uniform(0.10, 0.24)),
                miss_m=gap if misses else None,
            )
        )
    return tuple(hits)


def strike(rng: np.random.Generator, duration_s: float) -> Setup:
    """A stick, mallet or hammer strikes something one to four times, and may miss at others."""
    setup = _swinging(rng, duration_s, _MISS)
    if rng.random() < _BESIDE:
        item = turned(rng, draw_object(rng, setup.scale_m), 0.12)
        side = float(rng.choice([-1.0, 1.0]))
        place = (
            side * setup.scale_m * float(rng.uniform(4.5, 6.5)),
            setup.scale_m * float(rng.normal(0.0, 0.8)),
            min(setup.scale_m * log_uniform(rng, 4.5, 12.0), 1.5) + item.size_m,
        )
        release = float(rng.uniform(0.1, max(0.2, duration_s - 1.5)))
        item = replace(item, position_m=place, release_s=release)
        setup = replace(setup, objects=(*setup.objects, item))
    return setup


def swing_past(rng: np.random.Generator, duration_s: float) -> Setup:
    """A stick, mallet or hammer swings and never touches; things may lie by."""
    setup = _swinging(rng, duration_s, 1.0)
    if rng.random() < 0.3:
        x = setup.scale_m * float(rng.uniform(4.0, 6.0)) * float(rng.choice([-1.0, 1.0]))
        item = replace(lying(rng, draw_object(rng, setup.scale_m), x, 0.0), release_s=1e9)
        setup = replace(setup, objects=(*setup.objects, item))
    return setup


def _swinging(rng: np.random.Generator, duration_s: float, miss: float) -> Setup:
    scale = draw_scale(rng)
    room = draw_room(rng, scale)
    item, tip = _stick(rng, scale)
    target = _target(rng, scale) if rng.random() < 0.8 else None
    reach = (tip + item.dims_m[0]) * float(rng.uniform(1.0, 1.6))
    azimuth = float(rng.choice([0.0, math.pi])) + float(rng.normal(0.0, 0.4))
    if rng.random() < _ARM:
        # the arm turns about an elbow or a shoulder that is mostly out of the picture
        reach = tip + item.dims_m[0] + scale * log_uniform(rng, 2.0, 9.0)
        grip = item.parts[0].offset_m - item.dims_m[0] * float(rng.uniform(0.75, 1.0))
        item = replace(item, parts=(*arm_parts(rng, scale, grip), *item.parts))
        if rng.random() < 0.15:
            azimuth = math.pi / 2 + float(rng.normal(0.0, 0.3))  # from before the camera
    striker = _striker(rng, scale, room, item, target, (tip, reach, azimuth))
    striker = replace(striker, hits=_hits(rng, scale, duration_s, miss))
    return Setup(objects=(item,), room=room, scale_m=scale, striker=striker, target=target)


def _striker(
    rng: np.random.Generator,
    scale: float,
    room: Room,
    item: SceneObject,
    target: StaticBox | None,
    stance: tuple[float, float, float],
) -> Striker:
    """The stick's path but for its blows; ``stance`` is tip offset, reach and azimuth."""
    tip, reach, azimuth = stance
    dip = float(rng.uniform(0.12, 0.6))
    top = 0.0 if target is None else 2 * target.half_m[2]
    contact = np.array([*(rng.normal(0, 0.25, 2) * scale), top + tip_radius_m(item)])
    towards = (math.cos(dip) * math.cos(azimuth), math.cos(dip) * math.sin(azimuth), -math.sin(dip))
    pivot = contact - reach * np.array(towards)
    second = SURFACES[room.floor] if target is None else MATERIALS[target.material]
    e = restitution(MATERIALS[item.material], second)
    if target is not None and target.label == "bag":
        e *= 0.4
    return Striker(
        pivot_m=(float(pivot[0]), float(pivot[1]), float(pivot[2])),
        reach_m=reach,
        tip_offset_m=tip,
        azimuth_rad=azimuth,
        dip_rad=dip,
        restitution=0.75 * e,
        hits=(),
    )
