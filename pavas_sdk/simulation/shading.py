"""Colour along a ray: textures, patterns, soft shadows, highlights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pavas_sdk.simulation.hits import (
    BOX,
    CENTRE,
    FAR,
    GLOSS,
    KIND,
    LOOK,
    PATTERN,
    REACH,
    ROD,
    SIZE,
    SPHERE,
    Stage,
    hit_box,
    into_body,
    into_world,
    trace,
    trace_room,
)
from pavas_sdk.simulation.kernels import kernel

if TYPE_CHECKING:
    from pavas_sdk.simulation.dynamics import Array

__all__ = ["room_colour", "shade"]


@kernel(fast=True)
def _tile(tiles: Array, t: int, u: float, v: float) -> float:
    """Bilinear look-up in tile t (0 floor, 1 wall); u and v count tiles."""
    n = tiles.shape[1]
    x, y = u * n, v * n
    fx, fy = math.floor(x), math.floor(y)
    i, j = int(fx) & (n - 1), int(fy) & (n - 1)
    k, m = (i + 1) & (n - 1), (j + 1) & (n - 1)
    a, b = x - fx, y - fy
    low = tiles[t, j, i] * (1 - a) + tiles[t, j, k] * a
    return float(low * (1 - b) + (tiles[t, m, i] * (1 - a) + tiles[t, m, k] * a) * b)


@kernel(fast=True)
def room_colour(
    stage: Stage,
    tiles: Array,
    t: float,
    which: int,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
) -> tuple[float, float, float]:
    """Unlit colour of floor or wall ``which`` (0 to 3) at o + t d; d may have any length."""
    square = dx * dx + dy * dy + dz * dz
    if which == 0:
        r, g, b = stage.floor_r, stage.floor_g, stage.floor_b
        grain = _tile(
            tiles, 0, (ox + t * dx) * stage.floor_tiles, (oy + t * dy) * stage.floor_tiles
        )
        foot = t * square * stage.pixel / max(-dz, 0.02) * stage.floor_tiles * tiles.shape[1]
    else:
        r, g, b = stage.wall_r, stage.wall_g, stage.wall_b
        along = ox + t * dx if which == 1 else oy + t * dy
        grain = _tile(tiles, 1, along * stage.wall_tiles, (oz + t * dz) * stage.wall_tiles)
        foot = t * math.sqrt(square) * stage.pixel * stage.wall_tiles * tiles.shape[1]
    # far away the texture fades into its mean instead of flickering
    grain = 1.0 + (grain - 1.0) / (1.0 + 0.12 * foot * foot)
    return r * grain, g * grain, b * grain


@kernel(fast=True)
def _soft(r: float, spread: float, distance: float) -> float:
    """Share of light that passes a disc of radius r at this distance from its middle."""
    low, high = max(r - spread, 0.0), r + spread
    x = min(max((distance - low) / (high - low + 1e-12), 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


@kernel(fast=True)
def _past_rod(stage: Stage, things: Array, k: int, lx: float, ly: float, lz: float) -> float:
    """Share of light that passes rod k, whose centre is at l from the point."""
    half = things[k, SIZE]
    ox, oy, oz = into_body(things, k, -lx, -ly, -lz)
    dx, dy, dz = into_body(things, k, stage.light_x, stage.light_y, stage.light_z)
    # nearest approach of the light ray to the axis: first to the endless line, then to its ends
    t = max(-(oy * dy + oz * dz) / max(dy * dy + dz * dz, 1e-9), 0.0)
    x = min(max(ox + t * dx, -half), half)
    t = max((x - ox) * dx - oy * dy - oz * dz, 0.0)
    gx, gy, gz = ox + t * dx - x, oy + t * dy, oz + t * dz
    aside = math.sqrt(gx * gx + gy * gy + gz * gz)
    return _soft(things[k, SIZE + 1], stage.light_width * t, aside)


@kernel(fast=True)
def _past_box(stage: Stage, things: Array, k: int, lx: float, ly: float, lz: float) -> float:
    """Share of four rays to the light's disc that pass box k."""
    ox, oy, oz = into_body(things, k, -lx, -ly, -lz)
    # the light's disc is spanned by two vectors across its direction
    norm = math.sqrt(stage.light_x * stage.light_x + stage.light_y * stage.light_y) + 1e-9
    ax, ay = stage.light_y / norm, -stage.light_x / norm
    bx, by, bz = ay * stage.light_z, -ax * stage.light_z, ax * stage.light_y - ay * stage.light_x
    passed = 1.0
    for s in range(4):
        u = stage.light_width * (0.7 if s & 1 else -0.7)
        v = stage.light_width * (0.7 if s & 2 else -0.7)
        dx, dy, dz = into_body(
            things,
            k,
            stage.light_x + u * ax + v * bx,
            stage.light_y + u * ay + v * by,
            stage.light_z + v * bz,
        )
        a, b, c = things[k, SIZE], things[k, SIZE + 1], things[k, SIZE + 2]
        t, _ = hit_box(ox, oy, oz, dx, dy, dz, a, b, c)
        if t < FAR:
            passed -= 0.25
    return passed


@kernel(fast=True)
def _light_at(
    stage: Stage,
    things: Array,
    own: int,
    px: float,
    py: float,
    pz: float,
    nx: float,
    ny: float,
    nz: float,
) -> tuple[float, float]:
    """(direct, ambient) share of light that reaches p past all primitives but ``own``."""
    direct, ambient = 1.0, 1.0
    for k in range(things.shape[0]):
        if k == own:
            continue
        lx, ly, lz = things[k, CENTRE] - px, things[k, CENTRE + 1] - py, things[k, CENTRE + 2] - pz
        square = lx * lx + ly * ly + lz * lz
        reach = things[k, REACH]
        round_r = reach
        if things[k, KIND] == BOX:
            round_r = (things[k, SIZE] + things[k, SIZE + 1] + things[k, SIZE + 2]) / 3.0
        reach_dim = 9.0 * round_r * round_r
        if things[k, KIND] != ROD and square < reach_dim:
            facing = lx * nx + ly * ny + lz * nz
            if facing > 0.0:
                cover = facing / math.sqrt(square) * min(round_r * round_r / square, 1.0)
                ambient *= 1.0 - 0.8 * cover * (1.0 - square / reach_dim)
        b = lx * stage.light_x + ly * stage.light_y + lz * stage.light_z
        outer = reach + stage.light_width * b
        aside = square - b * b
        if b <= 0.0 or aside > outer * outer:
            continue
        if things[k, KIND] == SPHERE:
            spread = stage.light_width * b
            direct *= _soft(things[k, SIZE], spread, math.sqrt(max(aside, 0.0)))
        elif things[k, KIND] == ROD:
            direct *= _past_rod(stage, things, k, lx, ly, lz)
        else:
            direct *= _past_box(stage, things, k, lx, ly, lz)
    return direct, ambient


@kernel(fast=True)
def _second_colour(things: Array, k: int, x: float, y: float, z: float) -> bool:
    """Whether the pattern's second colour shows at a point in the body's own axes."""
    pattern, scale = things[k, PATTERN], things[k, PATTERN + 1] / things[k, REACH]
    if pattern == 1:
        return math.sin(3.1416 * scale * (x + 0.3 * z)) > 0.3
    if pattern == 2:
        a, b = math.sin(2.6 * scale * x), math.sin(2.6 * scale * y)
        return a * b * math.sin(2.6 * scale * z + 0.8) > 0.0
    if pattern == 3:
        a, b = math.sin(2.1 * scale * x + 1.3), math.sin(2.9 * scale * y + 0.4)
        return a + b + math.sin(2.5 * scale * z + 2.2) > 0.9
    return False


@kernel(fast=True)
def _normal(
    things: Array, k: int, face: int, lx: float, ly: float, lz: float
) -> tuple[float, float, float]:
    """World normal of primitive k at a point in its own axes."""
    ax, ay, az = lx, ly, lz
    if things[k, KIND] == SPHERE:
        r = things[k, SIZE]
        ax, ay, az = lx / r, ly / r, lz / r
    elif things[k, KIND] == BOX:
        ax = (1.0 if lx > 0 else -1.0) if face == 0 else 0.0
        ay = (1.0 if ly > 0 else -1.0) if face == 1 else 0.0
        az = (1.0 if lz > 0 else -1.0) if face == 2 else 0.0
    else:
        half, r = things[k, SIZE], things[k, SIZE + 1]
        ax, ay, az = (lx - min(max(lx, -half), half)) / r, ly / r, lz / r
    return into_world(things, k, ax, ay, az)


@kernel(fast=True)
def _highlight(
    stage: Stage, dx: float, dy: float, dz: float, n: tuple[float, float, float]
) -> float:
    """Mirror-like light for a half-way vector: a sharp and a broad lobe."""
    hx, hy, hz = stage.light_x - dx, stage.light_y - dy, stage.light_z - dz
    length = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-12
    c = max((n[0] * hx + n[1] * hy + n[2] * hz) / length, 0.0)
    c4 = c * c * c * c
    c16 = c4 * c4 * c4 * c4
    return float(0.7 * c16 * c16 * c4 + 0.15 * c4 * c4)


@kernel(fast=True)
def shade(
    stage: Stage,
    tiles: Array,
    things: Array,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
) -> tuple[float, float, float]:
    """Linear colour along a ray from o in the unit direction d."""
    t_room, which = trace_room(stage, ox, oy, oz, dx, dy, dz)
    t, k, face = trace(things, ox, oy, oz, dx, dy, dz)
    gloss, own = 0.0, -1
    if k >= 0 and t < t_room:
        own = k
        px, py, pz = ox + t * dx, oy + t * dy, oz + t * dz
        lx, ly, lz = px - things[k, CENTRE], py - things[k, CENTRE + 1], pz - things[k, CENTRE + 2]
        lx, ly, lz = into_body(things, k, lx, ly, lz)
        nx, ny, nz = _normal(things, k, face, lx, ly, lz)
        c = 3 if _second_colour(things, k, lx, ly, lz) else 0
        r, g, b = things[k, LOOK + c], things[k, LOOK + c + 1], things[k, LOOK + c + 2]
        gloss = things[k, GLOSS]
    elif which < 0:
        return 0.5, 0.5, 0.5
    else:
        px, py, pz = ox + t_room * dx, oy + t_room * dy, oz + t_room * dz
        nx, ny, nz = 0.0, 0.0, 0.0
        if which == 4:
            nx, ny = (
                (px - stage.post_x) / stage.post_radius,
                (py - stage.post_y) / stage.post_radius,
            )
            r, g, b = stage.post_r, stage.post_g, stage.post_b
        else:
            r, g, b = room_colour(stage, tiles, t_room, which, ox, oy, oz, dx, dy, dz)
            nx = 1.0 if which == 2 else (-1.0 if which == 3 else 0.0)
            ny = -1.0 if which == 1 else 0.0
            nz = 1.0 if which == 0 else 0.0
    lit = nx * stage.light_x + ny * stage.light_y + nz * stage.light_z
    direct, open_sky = _light_at(stage, things, own, px, py, pz, nx, ny, nz)
    if own >= 0:
        # the floor below darkens the underside
        open_sky *= 0.7 + 0.3 * nz
    bright = stage.ambient * open_sky + (1.0 - stage.ambient) * max(lit, 0.0) * direct * 1.4
    shine = 0.0
    if gloss > 0.02 and lit > 0.0:
        shine = gloss * direct * _highlight(stage, dx, dy, dz, (nx, ny, nz))
    return r * bright + shine, g * bright + shine, b * bright + shine
