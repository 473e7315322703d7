"""Draws bodies and rooms: shapes, materials, fillings, colours."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pavas_sdk.simulation.materials import MATERIALS, SURFACES
from pavas_sdk.simulation.scene import Look, Part, Room, SceneObject

__all__ = [
    "MAX_MASS_KG",
    "MIN_MASS_KG",
    "draw_fill",
    "draw_look",
    "draw_object",
    "draw_room",
    "log_uniform",
    "lying",
    "pick",
    "turned",
    "volume_m3",
]

MAX_MASS_KG = 5.0
MIN_MASS_KG = 0.001
_PATTERNS = ("plain", "stripes", "checks", "patches")


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draws from [low, high], uniform in the logarithm."""
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def pick(rng: np.random.Generator, items: tuple[str, ...], weights: tuple[float, ...]) -> str:
    """Draws one of ``items`` with these weights, which need not sum to 1."""
    p = np.asarray(weights, dtype=np.float64)
    return items[int(rng.choice(len(items), p=p / p.sum()))]


def draw_look(rng: np.random.Generator, material: str) -> Look:
    """Draws colours for a material; three in ten objects take any colour at all."""
    source = MATERIALS[material]
    if rng.random() < 0.3:
        base = rng.uniform(0.03, 0.75, 3)
    else:
        base = np.asarray(source.colours[int(rng.integers(len(source.colours)))])
        base = np.clip(base * rng.uniform(0.7, 1.3) + rng.normal(0, 0.03, 3), 0.02, 0.9)
    second = (
        np.clip(base * rng.choice([0.35, 2.2]), 0.02, 0.9)
        if rng.random() < 0.6
        else rng.uniform(0.03, 0.8, 3)
    )
    gloss = float(np.clip(source.gloss + rng.normal(0, 0.25), 0.0, 1.0))
    return Look(
        colour=(float(base[0]), float(base[1]), float(base[2])),
        second_colour=(float(second[0]), float(second[1]), float(second[2])),
        pattern=pick(rng, _PATTERNS, (0.3, 0.3, 0.2, 0.2)),
        pattern_scale=float(rng.uniform(1.5, 5.0)),
        gloss=gloss,
    )


def volume_m3(shape: str, dims: tuple[float, float, float]) -> float:
    """Volume of a sphere, box or rod of these sizes (see `SceneObject`), cubic metres."""
    a, b, c = dims
    if shape == "sphere":
        return 4 / 3 * math.pi * a**3
    if shape == "box":
        return 8 * a * b * c
    return math.pi * b * b * 2 * a + 4 / 3 * math.pi * b**3


def draw_fill(rng: np.random.Generator, material: str, volume: float) -> float:
    """Solid share of the volume, such that the mass stays between 1 g and 5 kg."""
    source = MATERIALS[material]
    solid = source.density_kg_m3 * volume
    low, high = 0.04, source.max_fill
    fill = log_uniform(rng, low, high) if rng.random() < 0.65 else high * rng.uniform(0.75, 1.0)
    top = min(high, MAX_MASS_KG / solid)
    if fill > top:
        fill = top * rng.uniform(0.35, 1.0)
    return float(min(max(fill, MIN_MASS_KG / solid), 1.0))


def _shape(
    rng: np.random.Generator, scale: float, kinds: tuple[float, float, float]
) -> tuple[str, tuple[float, float, float]]:
    shape = pick(rng, ("sphere", "box", "rod"), kinds)
    if shape == "sphere":
        return shape, (scale, 0.0, 0.0)
    if shape == "box":
        a, b, c = (float(scale * rng.uniform(0.55, 1.1)) for _ in range(3))
        return shape, (a, b, c)
    return shape, (float(scale * rng.uniform(1.2, 2.2)), float(scale * rng.uniform(0.2, 0.4)), 0.0)


_NAMES = {"sphere": "ball", "box": "box", "rod": "stick"}


def draw_object(
    rng: np.random.Generator, scale: float, kinds: tuple[float, float, float] = (0.7, 0.2, 0.1)
) -> SceneObject:
    """A body of about half size ``scale`` at the origin, at rest."""
    shape, dims = _shape(rng, scale * float(rng.uniform(0.75, 1.3)), kinds)
    material = pick(rng, tuple(MATERIALS), (1,) * len(MATERIALS))
    volume = volume_m3(shape, dims)
    fill = draw_fill(rng, material, volume)
    return SceneObject(
        label=_NAMES[shape],
        shape=shape,
        dims_m=dims,
        material=material,
        fill=fill,
        mass_kg=MATERIALS[material].density_kg_m3 * volume * fill,
        position_m=(0.0, 0.0, 0.0),
        parts=(Part(shape=shape, dims_m=dims),),
        look=draw_look(rng, material),
    )


def _quaternion(axis: tuple[float, float, float], angle: float) -> tuple[float, ...]:
    n = math.sqrt(sum(a * a for a in axis)) or 1.0
    s = math.sin(angle / 2) / n
    return (math.cos(angle / 2), axis[0] * s, axis[1] * s, axis[2] * s)


def turned(rng: np.random.Generator, item: SceneObject, tilt: float) -> SceneObject:
    """The body with a random heading and a tilt of about ``tilt`` radians."""
    heading = float(rng.uniform(-math.pi, math.pi))
    lean = float(rng.normal(0.0, tilt))
    if item.shape == "sphere":
        axis = rng.normal(size=3)
        w, x, y, z = _quaternion((axis[0], axis[1], axis[2]), heading)
        return replace(item, quaternion=(w, x, y, z))
    a = _quaternion((0.0, 0.0, 1.0), heading)
    b = _quaternion((math.cos(heading), 1.0, 0.0), lean)
    w = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3]
    x = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2]
    y = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1]
    z = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]
    return replace(item, quaternion=(w, x, y, z))


def _rest_height(item: SceneObject) -> float:
    """Height of the centre when the body lies flat."""
    if item.shape == "sphere":
        return item.dims_m[0]
    return item.dims_m[2] if item.shape == "box" else item.dims_m[1]


def lying(rng: np.random.Generator, item: SceneObject, x: float, y: float) -> SceneObject:
    """The body flat on the floor at (x, y), with a random heading."""
    item = turned(rng, item, 0.0)
    return replace(item, position_m=(x, y, _rest_height(item)))


def draw_room(rng: np.random.Generator, scale: float) -> Room:
    """Draws floor, wall and their distances; side walls are far unless an action moves them."""
    floor = pick(rng, tuple(SURFACES), (1.0, 1.0, 0.8, 0.7))
    wall = pick(rng, ("concrete", "wood"), (0.7, 0.3))

    def tint(name: str) -> tuple[float, float, float]:
        colours = SURFACES[name].colours
        colour = np.asarray(colours[int(rng.integers(len(colours)))])
        colour = np.clip(colour * rng.uniform(0.6, 1.4) + rng.normal(0, 0.02, 3), 0.02, 0.9)
        return (float(colour[0]), float(colour[1]), float(colour[2]))

    floor_colour = tint(floor)
    if rng.random() < 0.6:
        shade = rng.uniform(0.25, 0.8)
        wall_colour = tuple(float(np.clip(shade * rng.uniform(0.85, 1.1), 0, 0.9)) for _ in "rgb")
    else:
        wall_colour = tint(wall)
    return Room(
        floor=floor,
        wall=wall,
        back_m=scale * log_uniform(rng, 7.0, 30.0),
        left_m=-scale * 400.0,
        right_m=scale * 400.0,
        floor_colour=floor_colour,
        wall_colour=(wall_colour[0], wall_colour[1], wall_colour[2]),
        tile_m=scale * log_uniform(rng, 12.0, 30.0),
        texture_seed=int(rng.integers(2**31)),
    )
