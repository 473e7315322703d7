"""Draws films of a moving scene pixel by pixel, and casts rays for the geometric truth.

With a still camera the background, including everything that never moves, is drawn once; each
frame redraws only the pixels that a moving thing, its shadow or its dim surroundings can reach.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pavas_sdk.simulation.hits import (
    BODY,
    BOX,
    CENTRE,
    FAR,
    KIND,
    REACH,
    ROD,
    SIZE,
    TURN,
    Stage,
    into_world,
    trace,
    trace_room,
)
from pavas_sdk.simulation.kernels import kernel
from pavas_sdk.simulation.shading import room_colour, shade

if TYPE_CHECKING:
    from pavas_sdk.simulation.dynamics import Array

__all__ = ["Film", "Lens", "Shots", "cast_points", "draw_frames"]


class Lens(NamedTuple):
    """Focal length and optical axis in pixels; the middle of pixel (i, j) is at (u, v) = (j, i)."""

    focal: float
    cx: float
    cy: float


class Shots(NamedTuple):
    """The scene at S moments within each of T exposures, and last at the frame's own time.

    Attributes:
        things: (T, S + 1, n, COLUMNS) visible primitives.
        poses: (T, S + 1, 4, 4) camera to world.
        fixed: How many of the first primitives never move before a still camera.
        still_camera: Whether all poses are equal.
    """

    things: Array
    poses: Array
    fixed: int
    still_camera: bool


class Film(NamedTuple):
    """From light to bytes.

    Attributes:
        exposure: (T,) gain of each frame.
        noise_level: Standard deviation of sensor noise in bright parts, full scale = 1.
        noise: (m,) normal numbers, m a power of two.
        offsets: (T, H) where each row begins in ``noise``.
        curve: (4097,) uint8, tone curve over [0, 1].
    """

    exposure: Array
    noise_level: float
    noise: Array
    offsets: Array
    curve: Array


@kernel(fast=True)
def _ray(pose: Array, lens: Lens, u: float, v: float) -> tuple[float, float, float]:
    x, y = (u - lens.cx) / lens.focal, (v - lens.cy) / lens.focal
    dx = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2]
    dy = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2]
    dz = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2]
    n = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
    return dx * n, dy * n, dz * n


@kernel(fast=True)
def _colour(
    stage: Stage, tiles: Array, things: Array, pose: Array, lens: Lens, u: float, v: float
) -> tuple[float, float, float]:
    dx, dy, dz = _ray(pose, lens, u, v)
    return shade(stage, tiles, things, pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz)


@kernel(fast=True)
def _identify(stage: Stage, things: Array, pose: Array, lens: Lens, i: int, j: int) -> int:
    """Body seen at the middle of pixel (i, j), or -1."""
    dx, dy, dz = _ray(pose, lens, float(j), float(i))
    ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
    t_room, _ = trace_room(stage, ox, oy, oz, dx, dy, dz)
    t, index, _ = trace(things, ox, oy, oz, dx, dy, dz)
    if index >= 0 and t < t_room:
        return int(things[index, BODY])
    return -1


@kernel(fast=True)
def _span(
    pose: Array, lens: Lens, x: float, y: float, z: float, r: float
) -> tuple[float, float, float, float]:
    """Columns from, to and rows from, to that a ball covers.

    All of them when the camera is in or near it, none (from > to) when it is behind the camera.
    """
    rx, ry, rz = x - pose[0, 3], y - pose[1, 3], z - pose[2, 3]
    a = pose[0, 0] * rx + pose[1, 0] * ry + pose[2, 0] * rz
    b = pose[0, 1] * rx + pose[1, 1] * ry + pose[2, 1] * rz
    c = pose[0, 2] * rx + pose[1, 2] * ry + pose[2, 2] * rz
    if c < -r:
        return FAR, -FAR, FAR, -FAR
    if c <= 1.2 * r or c < 1e-6:
        return -FAR, FAR, -FAR, FAR
    u, v = lens.cx + lens.focal * a / c, lens.cy + lens.focal * b / c
    s = lens.focal * r / (c - r) * (1.0 + max(abs(a), abs(b)) / c) + 1.5
    return u - s, u + s, v - s, v + s


@kernel(fast=True)
def _raise(dirty: Array, u0: float, u1: float, v0: float, v1: float, value: int) -> None:
    """Raises the pixels of a rectangle to at least ``value``."""
    h, w = dirty.shape
    j0, j1 = int(min(max(u0, 0.0), w)), int(max(min(u1 + 1.0, w - 1.0), -1.0))
    i0, i1 = int(min(max(v0, 0.0), h)), int(max(min(v1 + 1.0, h - 1.0), -1.0))
    for i in range(i0, i1 + 1):
        for j in range(j0, j1 + 1):
            if dirty[i, j] < value:
                dirty[i, j] = value


@kernel(fast=True)
def _mark(
    dirty: Array, pose: Array, lens: Lens, x: float, y: float, z: float, r: float, value: int
) -> None:
    """Marks the rectangle that a ball covers in the picture."""
    u0, u1, v0, v1 = _span(pose, lens, x, y, z, r)
    _raise(dirty, u0, u1, v0, v1, value)


@kernel(fast=True)
def _mark_corners(
    dirty: Array, pose: Array, lens: Lens, stage: Stage, things: Array, k: int, shadow: bool
) -> None:
    """Marks a box (2) or its shadow on the floor (1) by its corners: tighter than a ball."""
    left, right, top, bottom = FAR, -FAR, FAR, -FAR
    for i in range(8):
        ax, ay, az = into_world(
            things,
            k,
            things[k, SIZE] * (1.0 if i & 1 else -1.0),
            things[k, SIZE + 1] * (1.0 if i & 2 else -1.0),
            things[k, SIZE + 2] * (1.0 if i & 4 else -1.0),
        )
        x, y, z = things[k, CENTRE] + ax, things[k, CENTRE + 1] + ay, things[k, CENTRE + 2] + az
        r = 0.0
        if shadow:
            t = max(z, 0.0) / stage.light_z
            x, y, z = x - stage.light_x * t, y - stage.light_y * t, 0.0
            r = stage.light_width * t / stage.light_z
        u0, u1, v0, v1 = _span(pose, lens, x, y, z, r)
        if u0 > u1:
            # a corner behind the camera: the picture's edge is no bound
            u0, u1, v0, v1 = -FAR, FAR, -FAR, FAR
        left, right, top, bottom = min(left, u0), max(right, u1), min(top, v0), max(bottom, v1)
    _raise(dirty, left, right, top, bottom, 1 if shadow else 2)


@kernel(fast=True)
def _mark_shadow(
    dirty: Array,
    pose: Array,
    lens: Lens,
    stage: Stage,
    x: float,
    y: float,
    z: float,
    r: float,
    props: bool,
) -> None:
    """Marks where the shadow of a ball falls: on the floor, on walls, on fixed things."""
    lx, ly, lz = stage.light_x, stage.light_y, stage.light_z
    width, back, left, right = stage.light_width, stage.back, stage.left, stage.right
    t = max(z, 0.0) / lz
    fx, fy = x - lx * t, y - ly * t
    _mark(dirty, pose, lens, fx, fy, 0.0, (r + width * t) / lz, 1)
    if props:
        steps = int(min(t / r, 24.0))
        for s in range(steps):
            u = t * s / steps
            _mark(dirty, pose, lens, x - lx * u, y - ly * u, z - lz * u, r + width * u, 1)
    if fy > back - 2.0 * r and ly < -1e-6:
        t = max((y - back) / ly, 0.0)
        spread = (r + width * t) / max(-ly, 0.15)
        _mark(dirty, pose, lens, x - lx * t, back, z - lz * t, spread, 1)
    spread = 1.0 / max(abs(lx), 0.15)
    if lx > 1e-6 and fx < left + 2.0 * r:
        t = max((x - left) / lx, 0.0)
        _mark(dirty, pose, lens, left, y - ly * t, z - lz * t, (r + width * t) * spread, 1)
    if lx < -1e-6 and fx > right - 2.0 * r:
        t = max((x - right) / lx, 0.0)
        _mark(dirty, pose, lens, right, y - ly * t, z - lz * t, (r + width * t) * spread, 1)


@kernel(fast=True)
def _mark_dim(
    dirty: Array,
    pose: Array,
    lens: Lens,
    stage: Stage,
    x: float,
    y: float,
    z: float,
    dim: float,
    props: bool,
) -> None:
    """Marks what a thing takes ambient light from: all within ``dim`` metres of it."""
    if props:
        _mark(dirty, pose, lens, x, y, z, dim, 1)
        return
    if z < dim:
        _mark(dirty, pose, lens, x, y, 0.0, math.sqrt(dim * dim - z * z), 1)
    if stage.back - y < dim:
        _mark(dirty, pose, lens, x, stage.back, z, dim, 1)
    if x - stage.left < dim:
        _mark(dirty, pose, lens, stage.left, y, z, dim, 1)
    if stage.right - x < dim:
        _mark(dirty, pose, lens, stage.right, y, z, dim, 1)


@kernel(fast=True)
def _falls_on_floor(stage: Stage, x: float, y: float, z: float, r: float) -> bool:
    """Whether the shadow of a ball stays clear of the walls."""
    t = (max(z, 0.0) + r) / stage.light_z
    fx, fy = x - stage.light_x * t, y - stage.light_y * t
    reach = (r + stage.light_width * t) / stage.light_z
    inside = fx - reach > stage.left and fx + reach < stage.right and fy + reach < stage.back
    return bool(inside)


@kernel(fast=True)
def _mark_thing(
    dirty: Array, pose: Array, lens: Lens, stage: Stage, things: Array, k: int, props: bool
) -> None:
    """Marks a primitive (2), and its shadow and dim surroundings (1)."""
    x, y, z = things[k, CENTRE], things[k, CENTRE + 1], things[k, CENTRE + 2]
    a, b, r, pieces = things[k, SIZE], things[k, SIZE + 1], things[k, REACH], 1
    if things[k, KIND] == ROD:
        # a row of balls hugs a long rod more closely than one ball
        pieces = min(int(a / b) + 1, 8)
        r = a / pieces + b
    else:
        dim = a + b + things[k, SIZE + 2] if things[k, KIND] == BOX else 3.0 * r
        _mark_dim(dirty, pose, lens, stage, x, y, z, dim, props)
    if things[k, KIND] == BOX and not props and _falls_on_floor(stage, x, y, z, r):
        _mark_corners(dirty, pose, lens, stage, things, k, False)
        _mark_corners(dirty, pose, lens, stage, things, k, True)
        return
    for p in range(pieces):
        along = 0.0 if pieces == 1 else a * ((2 * p + 1) / pieces - 1.0)
        ax, ay, az = into_world(things, k, along, 0.0, 0.0)
        _mark(dirty, pose, lens, x + ax, y + ay, z + az, r, 2)
        _mark_shadow(dirty, pose, lens, stage, x + ax, y + ay, z + az, r, props)


@kernel(fast=True)
def _draw_background(
    picture: Array, ids: Array, shots: Shots, stage: Stage, tiles: Array, lens: Lens
) -> None:
    """Draws what never moves, with four rays per pixel."""
    pose = shots.poses[0, 0]
    scenery = shots.things[0, 0, : shots.fixed]
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            r, g, b = 0.0, 0.0, 0.0
            for s in range(4):
                u, v = j - 0.25 + 0.5 * (s & 1), i - 0.25 + 0.5 * (s >> 1)
                r1, g1, b1 = _colour(stage, tiles, scenery, pose, lens, u, v)
                r, g, b = r + r1, g + g1, b + b1
            picture[i, j, 0], picture[i, j, 1], picture[i, j, 2] = r / 4, g / 4, b / 4
            ids[i, j] = _identify(stage, scenery, pose, lens, i, j)


@kernel(fast=True)
def _unchanged(shots: Shots, f: int) -> bool:
    """Whether the previous frame shows exactly this one."""
    if f == 0 or not shots.still_camera:
        return False
    last = shots.things.shape[1] - 1
    for s in range(last + 1):
        for k in range(shots.fixed, shots.things.shape[2]):
            for c in range(CENTRE, TURN + 4):
                if shots.things[f, s, k, c] != shots.things[f - 1, last, k, c]:
                    return False
    return True


@kernel(fast=True)
def _draw_room(
    picture: Array,
    dirty: Array,
    scenery: Array,
    stage: Stage,
    tiles: Array,
    pose: Array,
    lens: Lens,
) -> None:
    """Draws the pixels that nothing but the room can reach, before a moving camera."""
    ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            if dirty[i, j] != 0:
                continue
            x, y = (j - lens.cx) * stage.pixel, (i - lens.cy) * stage.pixel
            dx = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2]
            dy = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2]
            dz = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2]
            t, which = trace_room(stage, ox, oy, oz, dx, dy, dz)
            if which < 0 or which == 4:
                r, g, b = _colour(stage, tiles, scenery, pose, lens, float(j), float(i))
            else:
                r, g, b = room_colour(stage, tiles, t, which, ox, oy, oz, dx, dy, dz)
                bright = stage.bright_floor
                if which == 1:
                    bright = stage.bright_back
                elif which > 1:
                    bright = stage.bright_left if which == 2 else stage.bright_right
                r, g, b = r * bright, g * bright, b * bright
            picture[i, j, 0], picture[i, j, 1], picture[i, j, 2] = r, g, b


@kernel(fast=True)
def _expose(
    picture: Array,
    dirty: Array,
    value: int,
    share: float,
    du: float,
    dv: float,
    stage: Stage,
    tiles: Array,
    things: Array,
    pose: Array,
    lens: Lens,
) -> None:
    """Adds one moment's light to the pixels marked ``value``, at a place within each pixel."""
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            if dirty[i, j] == value:
                r, g, b = _colour(stage, tiles, things, pose, lens, j + du, i + dv)
                picture[i, j, 0] += share * r
                picture[i, j, 1] += share * g
                picture[i, j, 2] += share * b


@kernel(fast=True)
def _draw_frame(
    picture: Array,
    ids: Array,
    dirty: Array,
    shots: Shots,
    stage: Stage,
    tiles: Array,
    lens: Lens,
    f: int,
) -> None:
    """Redraws the marked pixels of a frame, and all others when the camera moves.

    Pixels that a thing may cover average all moments of the exposure, each at its own place
    within the pixel; those that only its shadow reaches take two moments, or one before a moving
    camera.
    """
    samples = shots.things.shape[1] - 1
    now, pose = shots.things[f, samples], shots.poses[f, samples]
    if not shots.still_camera:
        _draw_room(picture, dirty, shots.things[0, 0, :0], stage, tiles, pose, lens)
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            if dirty[i, j] != 0:
                picture[i, j, 0], picture[i, j, 1], picture[i, j, 2] = 0.0, 0.0, 0.0
            if dirty[i, j] == 2:
                ids[i, j] = _identify(stage, now, pose, lens, i, j)
    two = shots.still_camera and samples > 1
    if not two:
        _expose(picture, dirty, 1, 1.0, 0.0, 0.0, stage, tiles, now, pose, lens)
    for s in range(samples):
        things, then = shots.things[f, s], shots.poses[f, s]
        du = ((s * 0.618034 + 0.3) % 1.0) - 0.5 if samples > 1 else 0.0
        dv = (s + 0.5) / samples - 0.5
        _expose(picture, dirty, 2, 1.0 / samples, du, dv, stage, tiles, things, then, lens)
        if two and s >= samples - 2:
            dv = 0.25 if s == samples - 1 else -0.25
            _expose(picture, dirty, 1, 0.5, du, dv, stage, tiles, things, then, lens)


@kernel(fast=True)
def _develop(frame: Array, picture: Array, film: Film, f: int) -> None:
    """Exposure, sensor noise and tone curve."""
    mask = film.noise.shape[0] - 1
    for i in range(frame.shape[0]):
        place = film.offsets[f, i]
        for j in range(frame.shape[1]):
            for c in range(3):
                value = picture[i, j, c] * film.exposure[f]
                place += 1
                grain = film.noise_level * film.noise[place & mask]
                value += grain * math.sqrt(0.15 + min(value, 1.0))
                frame[i, j, c] = film.curve[int(min(max(value, 0.0), 1.0) * 4096.0)]


@kernel(fast=True)
def draw_frames(
    frames: Array, ids: Array, shots: Shots, stage: Stage, tiles: Array, lens: Lens, film: Film
) -> None:
    """Draws all frames in place.

    Args:
        frames: uint8 (T, H, W, 3), out.
        ids: int8 (T, H, W), out: body seen at the middle of each pixel at the frame's time, or -1.
        shots: The scene.
        stage: Room and light.
        tiles: (1 or T, 2, N, N) textures of floor and walls with mean 1, N a power of two.
        lens: Camera.
        film: From light to bytes.
    """
    count, height, width = ids.shape
    background = np.empty((height, width, 3), dtype=np.float32)
    background_ids = np.full((height, width), -1, dtype=np.int8)
    if shots.still_camera:
        _draw_background(background, background_ids, shots, stage, tiles[0], lens)
    picture = background.copy()
    dirty = np.zeros((height, width), dtype=np.uint8)
    for f in range(count):
        if _unchanged(shots, f):
            ids[f] = ids[f - 1]
        else:
            ids[f] = background_ids
            dirty[:] = 0
            if shots.still_camera:
                picture[:] = background
            for s in range(shots.things.shape[1]):
                things, pose = shots.things[f, s], shots.poses[f, s]
                for k in range(shots.fixed, shots.things.shape[2]):
                    _mark_thing(dirty, pose, lens, stage, things, k, shots.fixed > 0)
            _draw_frame(
                picture, ids[f], dirty, shots, stage, tiles[min(f, tiles.shape[0] - 1)], lens, f
            )
        _develop(frames[f], picture, film, f)


@kernel()
def cast_points(points: Array, things: Array, stage: Stage, pose: Array, lens: Lens) -> None:
    """Fills float32 (H, W, 3) with the world point at each pixel's middle, NaN at infinity."""
    ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
    for i in range(points.shape[0]):
        for j in range(points.shape[1]):
            dx, dy, dz = _ray(pose, lens, float(j), float(i))
            t, _ = trace_room(stage, ox, oy, oz, dx, dy, dz)
            hit, _, _ = trace(things, ox, oy, oz, dx, dy, dz)
            t = min(t, hit)
            if t >= FAR:
                points[i, j, :] = np.nan
            else:
                points[i, j, 0], points[i, j, 1] = ox + t * dx, oy + t * dy
                points[i, j, 2] = oz + t * dz
