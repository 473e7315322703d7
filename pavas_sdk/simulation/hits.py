"""Where a ray meets spheres, boxes, rods and the room. Directions are unit vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pavas_sdk.simulation.kernels import kernel

if TYPE_CHECKING:
    from pavas_sdk.simulation.dynamics import Array

__all__ = [
    "BODY",
    "BOX",
    "CENTRE",
    "COLUMNS",
    "FAR",
    "GLOSS",
    "KIND",
    "LOOK",
    "PATTERN",
    "REACH",
    "ROD",
    "SIZE",
    "SPHERE",
    "TURN",
    "Stage",
    "hit_box",
    "into_body",
    "into_world",
    "trace",
    "trace_room",
]

FAR = 1e9
SPHERE, BOX, ROD = 0, 1, 2


# Columns of a primitive's row. One array holds all there is to know about the visible things at
# one moment: handing several arrays from kernel to kernel costs more than the arithmetic in them.
KIND = 0  # sphere, box, or rod along its own x axis
SIZE = 1  # (radius, -, -), half extents, or (half length, radius, -)
CENTRE = 4
TURN = 7  # quaternion (w, x, y, z), own axes to world
LOOK = 11  # colour, second colour
PATTERN = 17  # 0 plain, 1 stripes, 2 checks, 3 patches; then its periods across the thing
GLOSS = 19
REACH = 20  # radius of the ball that holds the primitive
BODY = 21  # index of its body; -1 for scenery
COLUMNS = 22


class Stage(NamedTuple):
    """Room and light, all plain numbers: floor z = 0, walls, an upright post, one distant light.

    Attributes:
        back: The back wall is y = back.
        left: The left wall is x = left.
        right: The right wall is x = right.
        floor_r: Colour of the floor, linear, with ``floor_g`` and ``floor_b``; so for wall, post.
        floor_tiles: Texture tiles per metre.
        wall_tiles: Texture tiles per metre.
        post_x: Axis of the post.
        post_y: Axis of the post.
        post_radius: 0 = no post.
        light_x: Unit vector towards the light, with ``light_y`` and ``light_z``.
        light_width: Tangent of the light's half angle.
        ambient: Share of light without direction.
        bright_floor: Brightness of the bare floor; so for the walls.
        pixel: Angle that a pixel spans.
    """

    back: float
    left: float
    right: float
    floor_r: float
    floor_g: float
    floor_b: float
    wall_r: float
    wall_g: float
    wall_b: float
    floor_tiles: float
    wall_tiles: float
    post_x: float
    post_y: float
    post_radius: float
    post_r: float
    post_g: float
    post_b: float
    light_x: float
    light_y: float
    light_z: float
    light_width: float
    ambient: float
    bright_floor: float
    bright_back: float
    bright_left: float
    bright_right: float
    pixel: float


@kernel(fast=True)
def into_world(things: Array, k: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Turns a vector from the axes of primitive k into the world's."""
    # element by element: a view of the row would cost more than the arithmetic
    w, a, b, c = things[k, TURN], things[k, TURN + 1], things[k, TURN + 2], things[k, TURN + 3]
    tx, ty, tz = 2.0 * (b * z - c * y), 2.0 * (c * x - a * z), 2.0 * (a * y - b * x)
    return (
        x + w * tx + b * tz - c * ty,
        y + w * ty + c * tx - a * tz,
        z + w * tz + a * ty - b * tx,
    )


@kernel(fast=True)
def into_body(things: Array, k: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Turns a world vector into the axes of primitive k."""
    w, a, b, c = things[k, TURN], -things[k, TURN + 1], -things[k, TURN + 2], -things[k, TURN + 3]
    tx, ty, tz = 2.0 * (b * z - c * y), 2.0 * (c * x - a * z), 2.0 * (a * y - b * x)
    return (
        x + w * tx + b * tz - c * ty,
        y + w * ty + c * tx - a * tz,
        z + w * tz + a * ty - b * tx,
    )


@kernel(fast=True)
def _hit_sphere(
    lx: float, ly: float, lz: float, dx: float, dy: float, dz: float, r: float
) -> float:
    """Ray against a ball whose centre is at l from the ray's origin."""
    b = lx * dx + ly * dy + lz * dz
    h = r * r - (lx * lx + ly * ly + lz * lz - b * b)
    if h < 0.0:
        return FAR
    t = b - math.sqrt(h)
    return t if t > 1e-6 else FAR


@kernel(fast=True)
def hit_box(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, a: float, b: float, c: float
) -> tuple[float, int]:
    """Local ray against the box of half extents a, b, c: (t, axis of the face)."""
    near, far, axis = -FAR, FAR, 0
    for k in range(3):
        o = ox if k == 0 else (oy if k == 1 else oz)
        d = dx if k == 0 else (dy if k == 1 else dz)
        h = a if k == 0 else (b if k == 1 else c)
        if abs(d) < 1e-12:
            if abs(o) > h:
                return FAR, 0
            continue
        t0, t1 = (-h - o) / d, (h - o) / d
        if t0 > t1:
            t0, t1 = t1, t0
        if t0 > near:
            near, axis = t0, k
        far = min(far, t1)
    if near > far or near < 1e-6:
        return FAR, 0
    return near, axis


@kernel(fast=True)
def _hit_rod(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, half: float, r: float
) -> float:
    """Local ray against a capsule along x."""
    best = FAR
    a = dy * dy + dz * dz
    if a > 1e-12:
        b = oy * dy + oz * dz
        h = b * b - a * (oy * oy + oz * oz - r * r)
        if h >= 0.0:
            t = (-b - math.sqrt(h)) / a
            if t > 1e-6 and abs(ox + t * dx) <= half:
                best = t
    best = min(best, _hit_sphere(-half - ox, -oy, -oz, dx, dy, dz, r))
    return min(best, _hit_sphere(half - ox, -oy, -oz, dx, dy, dz, r))


@kernel(fast=True)
def trace(
    things: Array, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[float, int, int]:
    """Nearest primitive: (t, index or -1, axis of a box's face)."""
    best, index, face = FAR, -1, 0
    for k in range(things.shape[0]):
        lx, ly, lz = things[k, CENTRE] - ox, things[k, CENTRE + 1] - oy, things[k, CENTRE + 2] - oz
        b = lx * dx + ly * dy + lz * dz
        reach = things[k, REACH]
        if lx * lx + ly * ly + lz * lz - b * b > reach * reach or b < -reach:
            continue
        axis = 0
        u, v = things[k, SIZE], things[k, SIZE + 1]
        if things[k, KIND] == SPHERE:
            t = _hit_sphere(lx, ly, lz, dx, dy, dz, u)
        else:
            px, py, pz = into_body(things, k, -lx, -ly, -lz)
            qx, qy, qz = into_body(things, k, dx, dy, dz)
            if things[k, KIND] == BOX:
                t, axis = hit_box(px, py, pz, qx, qy, qz, u, v, things[k, SIZE + 2])
            else:
                t = _hit_rod(px, py, pz, qx, qy, qz, u, v)
        if t < best:
            best, index, face = t, k, axis
    return best, index, face


@kernel(fast=True)
def trace_room(
    stage: Stage, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[float, int]:
    """Nearest of floor (0), back wall (1), left (2), right (3), post (4): (t, which or -1).

    The direction may have any length.
    """
    best, which = FAR, -1
    if dz < -1e-9:
        best, which = -oz / dz, 0
    if dy > 1e-9:
        t = (stage.back - oy) / dy
        if 0 < t < best:
            best, which = t, 1
    if dx < -1e-9:
        t = (stage.left - ox) / dx
        if 0 < t < best:
            best, which = t, 2
    elif dx > 1e-9:
        t = (stage.right - ox) / dx
        if 0 < t < best:
            best, which = t, 3
    if stage.post_radius > 0.0:
        lx, ly = ox - stage.post_x, oy - stage.post_y
        a = dx * dx + dy * dy
        b = lx * dx + ly * dy
        h = b * b - a * (lx * lx + ly * ly - stage.post_radius * stage.post_radius)
        if h >= 0.0 and a > 1e-12:
            t = (-b - math.sqrt(h)) / a
            if 1e-6 < t < best:
                best, which = t, 4
    return best, which
