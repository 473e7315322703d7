"""Per-pixel ray caster in numba: spheres, boxes and rods in a room, soft shadows, motion blur.

Primitives are rows of arrays: ``kind`` (0 sphere, 1 box, 2 rod), ``dims`` (3), centre, quaternion,
and ``look`` (12): colour, second colour, pattern (0 plain, 1 stripes, 2 checks, 3 patches), pattern
scale, gloss, size. ``room`` (15): back, left, right, floor colour, wall colour, 1/tile side of
floor and wall, then the pillar's x, y, radius (0 = none) with its colour apart.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from pavas_sdk.simulation.dynamics import rotate, rotate_back

__all__ = ["cast_ids", "cast_points", "draw_frames"]

_FAR = 1e9


@njit(cache=True, fastmath=True)
def _hit_sphere(ox, oy, oz, dx, dy, dz, cx, cy, cz, r):  # type: ignore[no-untyped-def]  # numba
    lx, ly, lz = cx - ox, cy - oy, cz - oz
    b = lx * dx + ly * dy + lz * dz
    h = r * r - (lx * lx + ly * ly + lz * lz - b * b)
    if h < 0.0:
        return _FAR
    t = b - math.sqrt(h)
    return t if t > 1e-6 else _FAR


@njit(cache=True, fastmath=True)
def _hit_box(ox, oy, oz, dx, dy, dz, a, b, c):  # type: ignore[no-untyped-def]  # numba
    """Local ray against the box of half extents a, b, c: (t, face axis)."""
    near, far, axis = -_FAR, _FAR, 0
    for k in range(3):
        o = ox if k == 0 else (oy if k == 1 else oz)
        d = dx if k == 0 else (dy if k == 1 else dz)
        h = a if k == 0 else (b if k == 1 else c)
        if abs(d) < 1e-12:
            if abs(o) > h:
                return _FAR, 0
            continue
        t0, t1 = (-h - o) / d, (h - o) / d
        if t0 > t1:
            t0, t1 = t1, t0
        if t0 > near:
            near, axis = t0, k
        far = min(far, t1)
    if near > far or near < 1e-6:
        return _FAR, 0
    return near, axis


@njit(cache=True, fastmath=True)
def _hit_rod(ox, oy, oz, dx, dy, dz, half, r):  # type: ignore[no-untyped-def]  # numba
    """Local ray against a capsule along x."""
    best = _FAR
    a = dy * dy + dz * dz
    if a > 1e-12:
        b = oy * dy + oz * dz
        h = b * b - a * (oy * oy + oz * oz - r * r)
        if h >= 0.0:
            t = (-b - math.sqrt(h)) / a
            if t > 1e-6 and abs(ox + t * dx) <= half:
                best = t
    for s in (-half, half):
        best = min(best, _hit_sphere(ox, oy, oz, dx, dy, dz, s, 0.0, 0.0, r))
    return best


@njit(cache=True, fastmath=True)
def _trace(ox, oy, oz, dx, dy, dz, kind, dims, centre, quat, look):  # type: ignore[no-untyped-def]  # numba
    """Nearest primitive: (t, index, box face axis)."""
    best, index, face = _FAR, -1, 0
    for k in range(kind.shape[0]):
        cx, cy, cz = centre[k, 0], centre[k, 1], centre[k, 2]
        lx, ly, lz = cx - ox, cy - oy, cz - oz
        b = lx * dx + ly * dy + lz * dz
        reach = look[k, 9]
        if lx * lx + ly * ly + lz * lz - b * b > reach * reach or b < -reach:
            continue
        axis = 0
        if kind[k] == 0:
            t = _hit_sphere(ox, oy, oz, dx, dy, dz, cx, cy, cz, dims[k, 0])
        else:
            px, py, pz = rotate_back(quat[k], -lx, -ly, -lz)
            qx, qy, qz = rotate_back(quat[k], dx, dy, dz)
            if kind[k] == 1:
                t, axis = _hit_box(px, py, pz, qx, qy, qz, dims[k, 0], dims[k, 1], dims[k, 2])
            else:
                t = _hit_rod(px, py, pz, qx, qy, qz, dims[k, 0], dims[k, 1])
        if t < best:
            best, index, face = t, k, axis
    return best, index, face


@njit(cache=True, fastmath=True)
def _trace_room(ox, oy, oz, dx, dy, dz, room):  # type: ignore[no-untyped-def]  # numba
    """Nearest of floor (0), back (1), left (2), right (3), pillar (4): (t, which)."""
    best, which = _FAR, -1
    if dz < -1e-9:
        best, which = -oz / dz, 0
    if dy > 1e-9:
        t = (room[0] - oy) / dy
        if t < best and t > 0:
            best, which = t, 1
    if dx < -1e-9:
        t = (room[1] - ox) / dx
        if t < best and t > 0:
            best, which = t, 2
    if dx > 1e-9:
        t = (room[2] - ox) / dx
        if t < best and t > 0:
            best, which = t, 3
    if room[13] > 0.0:
        lx, ly = ox - room[11], oy - room[12]
        a = dx * dx + dy * dy
        b = lx * dx + ly * dy
        h = b * b - a * (lx * lx + ly * ly - room[13] * room[13])
        if h >= 0.0 and a > 1e-12:
            t = (-b - math.sqrt(h)) / a
            if 1e-6 < t < best:
                best, which = t, 4
    return best, which


@njit(cache=True, fastmath=True)
def _tile(texture, u, v):  # type: ignore[no-untyped-def]  # numba
    n = texture.shape[0]
    x, y = u * n, v * n
    fx, fy = math.floor(x), math.floor(y)
    i, j = int(fx) % n, int(fy) % n
    k, m = (i + 1) % n, (j + 1) % n
    a, b = x - fx, y - fy
    return (texture[j, i] * (1 - a) + texture[j, k] * a) * (1 - b) + (
        texture[m, i] * (1 - a) + texture[m, k] * a
    ) * b


@njit(cache=True, fastmath=True)
def _soft(r, spread, distance):  # type: ignore[no-untyped-def]  # numba
    """Share of light that passes a disc of radius r at this distance from its middle."""
    low, high = max(r - spread, 0.0), r + spread
    x = min(max((distance - low) / (high - low + 1e-12), 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


@njit(cache=True, fastmath=True)
def _light_through(px, py, pz, nx, ny, nz, own, light, width, kind, dims, centre, quat, look):  # type: ignore[no-untyped-def]  # numba
    """(direct, ambient) light that reaches a point past the primitives other than ``own``."""
    direct, ambient = 1.0, 1.0
    for k in range(kind.shape[0]):
        if k == own:
            continue
        lx, ly, lz = centre[k, 0] - px, centre[k, 1] - py, centre[k, 2] - pz
        square = lx * lx + ly * ly + lz * lz
        reach = look[k, 9]
        round_r = reach
        if kind[k] == 1:
            round_r = (dims[k, 0] + dims[k, 1] + dims[k, 2]) / 3.0
        elif kind[k] == 2:
            round_r = math.sqrt(dims[k, 1] * (dims[k, 0] + dims[k, 1]))
        facing = lx * nx + ly * ny + lz * nz
        if facing > 0.0 and square < 100.0 * round_r * round_r:
            distance = math.sqrt(square)
            cover = facing / distance * round_r * round_r / max(square, round_r * round_r)
            ambient *= 1.0 - 0.7 * min(cover, 1.0)
        b = lx * light[0] + ly * light[1] + lz * light[2]
        if b <= 0.0:
            continue
        aside = math.sqrt(max(square - b * b, 0.0))
        if aside > reach + width * b:
            continue
        if kind[k] == 0:
            direct *= _soft(dims[k, 0], width * b, aside)
        elif kind[k] == 2:
            ox, oy, oz = rotate_back(quat[k], -lx, -ly, -lz)
            dx, dy, dz = rotate_back(quat[k], light[0], light[1], light[2])
            # nearest approach of the light ray to the axis (the local x line, then its ends)
            a = dy * dy + dz * dz
            t = max(-(oy * dy + oz * dz) / max(a, 1e-9), 0.0)
            x = min(max(ox + t * dx, -dims[k, 0]), dims[k, 0])
            t = max((x - ox) * dx - oy * dy - oz * dz, 0.0)
            gx, gy, gz = ox + t * dx - x, oy + t * dy, oz + t * dz
            direct *= _soft(dims[k, 1], width * t, math.sqrt(gx * gx + gy * gy + gz * gz))
        else:
            ox, oy, oz = rotate_back(quat[k], -lx, -ly, -lz)
            blocked = 0.0
            for s in range(4):
                jx = width * (0.7 if s & 1 else -0.7)
                jy = width * (0.7 if s & 2 else -0.7)
                # the light's disc, spanned by two vectors across its direction
                ax, ay, az = light[1], -light[0], 0.0
                norm = math.sqrt(ax * ax + ay * ay) + 1e-9
                ax, ay = ax / norm, ay / norm
                bx, by, bz = ay * light[2], -ax * light[2], ax * light[1] - ay * light[0]
                dx, dy, dz = rotate_back(
                    quat[k],
                    light[0] + jx * ax + jy * bx,
                    light[1] + jx * ay + jy * by,
                    light[2] + jx * az + jy * bz,
                )
                t, _ = _hit_box(ox, oy, oz, dx, dy, dz, dims[k, 0], dims[k, 1], dims[k, 2])
                if t < _FAR:
                    blocked += 0.25
            direct *= 1.0 - blocked
    return direct, ambient


@njit(cache=True, fastmath=True)
def _pattern(kind, look, x, y, z):  # type: ignore[no-untyped-def]  # numba
    """Whether the second colour shows at a local point."""
    scale = look[7] / look[9]
    p = look[6]
    if p == 1:
        return math.sin(3.1416 * scale * (x + 0.3 * z)) > 0.3
    if p == 2:
        return (
            math.sin(2.6 * scale * x)
            * math.sin(2.6 * scale * y)
            * (math.sin(2.6 * scale * z + 0.8))
            > 0.0
        )
    if p == 3:
        return (
            math.sin(2.1 * scale * x + 1.3) + math.sin(2.9 * scale * y + 0.4)
            + math.sin(2.5 * scale * z + 2.2) > 0.9
        )  # fmt: skip
    return False


@njit(cache=True, fastmath=True)
def _shade(  # type: ignore[no-untyped-def]  # numba
    ox, oy, oz, dx, dy, dz, kind, dims, centre, quat, look, room, pillar, floor, wall,
    light, width, ambient, pixel,
):  # fmt: skip
    """Linear colour along a ray; ``pixel`` is the angle that a pixel spans."""
    t_room, which = _trace_room(ox, oy, oz, dx, dy, dz, room)
    t, index, face = _trace(ox, oy, oz, dx, dy, dz, kind, dims, centre, quat, look)
    gloss = 0.0
    if index >= 0 and t < t_room:
        px, py, pz = ox + t * dx, oy + t * dy, oz + t * dz
        rx, ry, rz = px - centre[index, 0], py - centre[index, 1], pz - centre[index, 2]
        lx, ly, lz = rotate_back(quat[index], rx, ry, rz)
        if kind[index] == 0:
            nx, ny, nz = rx / dims[index, 0], ry / dims[index, 0], rz / dims[index, 0]
        elif kind[index] == 1:
            ax = (1.0 if lx > 0 else -1.0) if face == 0 else 0.0
            ay = (1.0 if ly > 0 else -1.0) if face == 1 else 0.0
            az = (1.0 if lz > 0 else -1.0) if face == 2 else 0.0
            nx, ny, nz = rotate(quat[index], ax, ay, az)
        else:
            mx = lx - min(max(lx, -dims[index, 0]), dims[index, 0])
            r = dims[index, 1]
            nx, ny, nz = rotate(quat[index], mx / r, ly / r, lz / r)
        if _pattern(kind[index], look[index], lx, ly, lz):
            r, g, b = look[index, 3], look[index, 4], look[index, 5]
        else:
            r, g, b = look[index, 0], look[index, 1], look[index, 2]
        gloss = look[index, 8]
        own = index
    else:
        own = -1
        if which < 0:
            return 0.5, 0.5, 0.5
        px, py, pz = ox + t_room * dx, oy + t_room * dy, oz + t_room * dz
        if which == 0:
            nx, ny, nz = 0.0, 0.0, 1.0
            r, g, b = room[3], room[4], room[5]
            grain = _tile(floor, px * room[9], py * room[9])
            foot = t_room * pixel / max(-dz, 0.02) * room[9] * floor.shape[0]
        elif which == 4:
            nx, ny, nz = (px - room[11]) / room[13], (py - room[12]) / room[13], 0.0
            r, g, b = pillar[0], pillar[1], pillar[2]
            grain, foot = 1.0, 0.0
        else:
            nx = 0.0 if which == 1 else (1.0 if which == 2 else -1.0)
            ny = -1.0 if which == 1 else 0.0
            nz = 0.0
            r, g, b = room[6], room[7], room[8]
            grain = _tile(wall, (px if which == 1 else py) * room[10], pz * room[10])
            foot = t_room * pixel * room[10] * wall.shape[0]
        # far away the texture fades into its mean instead of flickering
        fade = 1.0 / (1.0 + 0.12 * foot * foot)
        grain = 1.0 + (grain - 1.0) * fade
        r, g, b = r * grain, g * grain, b * grain
    lit = nx * light[0] + ny * light[1] + nz * light[2]
    direct, open_sky = _light_through(
        px, py, pz, nx, ny, nz, own, light, width, kind, dims, centre, quat, look
    )
    if own >= 0:
        # the floor below darkens the underside
        open_sky *= 0.7 + 0.3 * nz
    diffuse = ambient * open_sky + (1.0 - ambient) * max(lit, 0.0) * direct * 1.4
    shine = 0.0
    if gloss > 0.02 and lit > 0.0:
        hx, hy, hz = light[0] - dx, light[1] - dy, light[2] - dz
        n = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-12
        c = max((nx * hx + ny * hy + nz * hz) / n, 0.0)
        c2 = c * c
        c4 = c2 * c2
        c16 = c4 * c4 * c4 * c4
        shine = gloss * direct * (0.7 * c16 * c16 * c4 + 0.15 * c4 * c4)
    return r * diffuse + shine, g * diffuse + shine, b * diffuse + shine


@njit(cache=True, fastmath=True)
def _ray(pose, focal, cx, cy, u, v):  # type: ignore[no-untyped-def]  # numba
    x, y = (u - cx) / focal, (v - cy) / focal
    dx = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2]
    dy = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2]
    dz = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2]
    n = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
    return dx * n, dy * n, dz * n


@njit(cache=True, fastmath=True)
def _mark(dirty, pose, focal, cx, cy, x, y, z, r, value):  # type: ignore[no-untyped-def]  # numba
    """Marks the rectangle that a ball covers in the picture."""
    h, w = dirty.shape
    rx, ry, rz = x - pose[0, 3], y - pose[1, 3], z - pose[2, 3]
    a = pose[0, 0] * rx + pose[1, 0] * ry + pose[2, 0] * rz
    b = pose[0, 1] * rx + pose[1, 1] * ry + pose[2, 1] * rz
    c = pose[0, 2] * rx + pose[1, 2] * ry + pose[2, 2] * rz
    if c < -r:
        return
    if c <= 1.2 * r:
        dirty[:, :] = np.maximum(dirty, value)
        return
    u, v = cx + focal * a / c, cy + focal * b / c
    slant = max(abs(a), abs(b)) / c
    s = focal * r / (c - r) * (1.0 + slant) + 1.5
    j0, j1 = int(max(u - s, 0.0)), int(min(u + s + 1.0, w - 1.0))
    i0, i1 = int(max(v - s, 0.0)), int(min(v + s + 1.0, h - 1.0))
    for i in range(i0, i1 + 1):
        for j in range(j0, j1 + 1):
            if dirty[i, j] < value:
                dirty[i, j] = value


@njit(cache=True, fastmath=True)
def _mark_all(dirty, pose, focal, cx, cy, centre, look, light, width, room):  # type: ignore[no-untyped-def]  # numba
    """Marks all primitives (2) and their shadows and dim surroundings (1)."""
    for k in range(centre.shape[0]):
        x, y, z, r = centre[k, 0], centre[k, 1], centre[k, 2], look[k, 9]
        _mark(dirty, pose, focal, cx, cy, x, y, z, r, 2)
        _mark(dirty, pose, focal, cx, cy, x, y, z - 0.5 * r, 3.0 * r, 1)
        t = max(z, 0.0) / light[2]
        fx, fy = x - light[0] * t, y - light[1] * t
        _mark(dirty, pose, focal, cx, cy, fx, fy, 0.0, (r + width * t) / light[2], 1)
        # shadows that fall on a wall
        if fy > room[0] - 2.0 * r and light[1] < -1e-6:
            t = (y - room[0]) / light[1]
            _mark(
                dirty, pose, focal, cx, cy, x - light[0] * t, room[0], z - light[2] * t,
                (r + width * t) / max(-light[1], 0.15), 1,
            )  # fmt: skip
        if light[0] > 1e-6 and fx < room[1] + 2.0 * r:
            t = (x - room[1]) / light[0]
            _mark(
                dirty, pose, focal, cx, cy, room[1], y - light[1] * t, z - light[2] * t,
                (r + width * t) / max(light[0], 0.15), 1,
            )  # fmt: skip
        if light[0] < -1e-6 and fx > room[2] - 2.0 * r:
            t = (x - room[2]) / light[0]
            _mark(
                dirty, pose, focal, cx, cy, room[2], y - light[1] * t, z - light[2] * t,
                (r + width * t) / max(-light[0], 0.15), 1,
            )  # fmt: skip


@njit(cache=True, fastmath=True, nogil=True)
def draw_frames(  # type: ignore[no-untyped-def]  # numba
    frames, ids, poses, still_camera, focal, cx, cy, kind, dims, body, centres, quats, look,
    room, pillar, floor, wall, light, width, ambient, exposure, noise_level, noise, curve, offsets,
):  # fmt: skip
    """Draws all frames in place.

    Args:
        frames: uint8 (T, H, W, 3), out.
        ids: int8 (T, H, W), out: body seen at the middle of each pixel at the frame's time, or -1.
        poses: (T, S + 1, 4, 4); the last of the S + 1 moments is the frame's own time.
        still_camera: Whether all poses are equal.
        focal: Pixels.
        cx: Column of the optical axis.
        cy: Row of the optical axis.
        kind: (n,) primitives.
        dims: (n, 3).
        body: (n,) body index of each primitive; -1 for fixed scenery.
        centres: (T, S + 1, n, 3).
        quats: (T, S + 1, n, 4).
        look: (n, 10).
        room: (14,).
        pillar: (3,) colour.
        floor: Tile, mean 1.
        wall: Tile, mean 1.
        light: Unit vector.
        width: Light's half angle.
        ambient: Share.
        exposure: Gain.
        noise_level: Sensor noise.
        noise: (m,) normal numbers, m a power of two.
        curve: (4097,) tone curve from [0, 1] to 0..255.
        offsets: (T, H) starts in ``noise``.
    """
    count, height, width_px = ids.shape
    samples = poses.shape[1] - 1
    pixel = 1.0 / focal
    back = np.empty((height, width_px, 3), dtype=np.float32)
    nobody_kind, nobody_dims = kind[:0], dims[:0]
    if still_camera:
        pose = poses[0, samples]
        for i in range(height):
            for j in range(width_px):
                r, g, b = 0.0, 0.0, 0.0
                for s in range(4):
                    u, v = j - 0.25 + 0.5 * (s & 1), i - 0.25 + 0.5 * (s >> 1)
                    dx, dy, dz = _ray(pose, focal, cx, cy, u, v)
                    r1, g1, b1 = _shade(
                        pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz, nobody_kind, nobody_dims,
                        centres[0, 0, :0], quats[0, 0, :0], look[:0], room, pillar, floor, wall,
                        light, width, ambient, pixel,
                    )  # fmt: skip
                    r, g, b = r + r1, g + g1, b + b1
                back[i, j, 0], back[i, j, 1], back[i, j, 2] = r / 4, g / 4, b / 4
    now = back.copy()
    dirty = np.zeros((height, width_px), dtype=np.uint8)
    mask = noise.shape[0] - 1
    for f in range(count):
        same = f > 0 and still_camera
        if same:
            for s in range(samples + 1):
                for k in range(kind.shape[0]):
                    for c in range(3):
                        if centres[f, s, k, c] != centres[f - 1, samples, k, c]:
                            same = False
                    for c in range(4):
                        if quats[f, s, k, c] != quats[f - 1, samples, k, c]:
                            same = False
        if same:
            ids[f] = ids[f - 1]
        else:
            ids[f] = -1
            if still_camera:
                now[:] = back
                dirty[:] = 0
            else:
                dirty[:] = 1
            for s in range(samples + 1):
                _mark_all(
                    dirty, poses[f, s], focal, cx, cy, centres[f, s], look, light, width, room
                )
            for i in range(height):
                for j in range(width_px):
                    if dirty[i, j] == 0:
                        continue
                    first = 0 if dirty[i, j] == 2 or samples == 1 else samples
                    if dirty[i, j] == 1 and still_camera and samples > 1:
                        first = samples - 2
                    last = samples if first < samples else samples + 1
                    r, g, b = 0.0, 0.0, 0.0
                    for s in range(first, last):
                        pose = poses[f, s]
                        u, v = float(j), float(i)
                        if last - first > 1:
                            # sub-pixel places spread evenly over the moments of the exposure
                            u += ((s * 0.618034 + 0.3) % 1.0) - 0.5
                            v += (s - first + 0.5) / (last - first) - 0.5
                        dx, dy, dz = _ray(pose, focal, cx, cy, u, v)
                        r1, g1, b1 = _shade(
                            pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz, kind, dims,
                            centres[f, s], quats[f, s], look, room, pillar, floor, wall,
                            light, width, ambient, pixel,
                        )  # fmt: skip
                        r, g, b = r + r1, g + g1, b + b1
                    share = 1.0 / (last - first)
                    now[i, j, 0], now[i, j, 1], now[i, j, 2] = r * share, g * share, b * share
                    if dirty[i, j] == 2:
                        pose = poses[f, samples]
                        dx, dy, dz = _ray(pose, focal, cx, cy, float(j), float(i))
                        ids[f, i, j] = _identify(
                            pose, dx, dy, dz, kind, dims, body, centres[f, samples],
                            quats[f, samples], look, room,
                        )  # fmt: skip
        for i in range(height):
            place = offsets[f, i]
            for j in range(width_px):
                for c in range(3):
                    value = now[i, j, c] * exposure
                    place += 1
                    value += noise_level * noise[place & mask] * math.sqrt(0.15 + min(value, 1.0))
                    value = min(max(value, 0.0), 1.0)
                    frames[f, i, j, c] = curve[int(value * 4096.0)]


@njit(cache=True, fastmath=True)
def _identify(pose, dx, dy, dz, kind, dims, body, centre, quat, look, room):  # type: ignore[no-untyped-def]  # numba
    t_room, _ = _trace_room(pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz, room)
    t, index, _ = _trace(
        pose[0, 3], pose[1, 3], pose[2, 3], dx, dy, dz, kind, dims, centre, quat, look
    )
    if index >= 0 and t < t_room:
        return body[index]
    return -1


@njit(cache=True, fastmath=True, nogil=True)
def cast_ids(ids, pose, focal, cx, cy, kind, dims, body, centre, quat, look, room):  # type: ignore[no-untyped-def]  # numba
    """Fills int8 (H, W) with the body seen at each pixel's middle, or -1."""
    for i in range(ids.shape[0]):
        for j in range(ids.shape[1]):
            dx, dy, dz = _ray(pose, focal, cx, cy, float(j), float(i))
            ids[i, j] = _identify(pose, dx, dy, dz, kind, dims, body, centre, quat, look, room)


@njit(cache=True, nogil=True)
def cast_points(points, pose, focal, cx, cy, kind, dims, centre, quat, look, room):  # type: ignore[no-untyped-def]  # numba
    """Fills float32 (H, W, 3) with the world point at each pixel's middle, NaN at infinity."""
    for i in range(points.shape[0]):
        for j in range(points.shape[1]):
            dx, dy, dz = _ray(pose, focal, cx, cy, float(j), float(i))
            ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
            t, _ = _trace_room(ox, oy, oz, dx, dy, dz, room)
            hit, _, _ = _trace(ox, oy, oz, dx, dy, dz, kind, dims, centre, quat, look)
            t = min(t, hit)
            if t >= _FAR:
                points[i, j, 0], points[i, j, 1], points[i, j, 2] = np.nan, np.nan, np.nan
            else:
                points[i, j, 0], points[i, j, 1] = ox + t * dx, oy + t * dy
                points[i, j, 2] = oz + t * dz
