"""Rigid bodies in a room: numba kernels that step spheres, boxes and rods.

Conventions: world axes x right, y away from the viewer, z up; the floor is z = 0. Metres, seconds,
kilograms. Quaternions are (w, x, y, z), body to world. A body's kind is 0 sphere, 1 box, 2 rod (a
capsule along its own x axis). `dims` is (radius, -, -), the half extents, or (half length, radius,
-). Free flight is integrated exactly (constant acceleration within a step).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pavas_sdk.simulation.kernels import kernel

__all__ = [
    "GRAVITY_M_S2",
    "STEP_S",
    "Array",
    "Laws",
    "World",
    "rotate",
    "rotate_back",
    "step_world",
]

Array: TypeAlias = NDArray[Any]

GRAVITY_M_S2 = 9.81
STEP_S = 0.0005
SPHERE, BOX, ROD = 0, 1, 2
_MIN_SPEED = 0.06  # m/s; slower touches are rest, neither bouncing nor recorded

_STILL_SPEED = 0.015  # m/s; so slow for `_STILL_STEPS` and a body falls asleep
_STILL_STEPS = 60


class World(NamedTuple):
    """Bodies and their state; `step_world` changes the state in place.

    Attributes:
        kind: (n,) 0 sphere, 1 box, 2 rod.
        dims: (n, 3) sizes, metres.
        reach: (n,) radius of the ball about the centre that holds the body.
        inv_mass: (n,) 1/kg.
        inv_inertia: (n, 3) inverse principal moments.
        release: (n,) seconds; until then a body hangs still.
        pos: (n, 3) centres of mass.
        vel: (n, 3) velocities; before release, those on release.
        quat: (n, 4) orientations.
        omega: (n, 3) angular velocities in world axes.
        still: (n,) int64, for how many steps the body has been slow.
        log: (capacity, 13) contacts: time, body, other body or -1 - plane, impulse, normal speed
            before and after, speed of the body before and after, of the other before and after,
            point.
        logged: (1,) int64, contacts in the log.
    """

    kind: Array
    dims: Array
    reach: Array
    inv_mass: Array
    inv_inertia: Array
    release: Array
    pos: Array
    vel: Array
    quat: Array
    omega: Array
    still: Array
    log: Array
    logged: Array


class Laws(NamedTuple):
    """What happens on contact.

    Attributes:
        planes: (p, 4) inward normal and offset: a point is inside when n . x >= d; 0 is the floor.
        e_plane: (n, p) restitution.
        mu_plane: (n, p) friction.
        rolling: (n,) rolling resistance on the floor, share of the weight.
        e_pair: (n, n) restitution.
        mu_pair: (n, n) friction.
        gravity: Downward acceleration, m/s^2.
    """

    planes: Array
    e_plane: Array
    mu_plane: Array
    rolling: Array
    e_pair: Array
    mu_pair: Array
    gravity: float


@kernel(inline=True)
def rotate(q: Array, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Rotates a body vector into the world by the unit quaternion `q`."""
    w, a, b, c = q[0], q[1], q[2], q[3]
    tx = 2.0 * (b * z - c * y)
    ty = 2.0 * (c * x - a * z)
    tz = 2.0 * (a * y - b * x)
    return (
        x + w * tx + b * tz - c * ty,
        y + w * ty + c * tx - a * tz,
        z + w * tz + a * ty - b * tx,
    )


@kernel(inline=True)
def rotate_back(q: Array, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Rotates a world vector into the body by the unit quaternion `q`."""
    w, a, b, c = q[0], -q[1], -q[2], -q[3]
    tx = 2.0 * (b * z - c * y)
    ty = 2.0 * (c * x - a * z)
    tz = 2.0 * (a * y - b * x)
    return (
        x + w * tx + b * tz - c * ty,
        y + w * ty + c * tx - a * tz,
        z + w * tz + a * ty - b * tx,
    )


@kernel()
def _angular_response(
    q: Array,
    inv_inertia: Array,
    rx: float,
    ry: float,
    rz: float,
    nx: float,
    ny: float,
    nz: float,
) -> float:
    """((I^-1 (r x n)) x r) . n: how much turning softens an impulse along n at r."""
    cx, cy, cz = ry * nz - rz * ny, rz * nx - rx * nz, rx * ny - ry * nx
    bx, by, bz = rotate_back(q, cx, cy, cz)
    wx, wy, wz = rotate(q, bx * inv_inertia[0], by * inv_inertia[1], bz * inv_inertia[2])
    return (wy * rz - wz * ry) * nx + (wz * rx - wx * rz) * ny + (wx * ry - wy * rx) * nz


@kernel()
def _push(
    w: World, a: int, jx: float, jy: float, jz: float, rx: float, ry: float, rz: float
) -> None:
    """Applies an impulse at r from the centre of body a."""
    w.vel[a, 0] += jx * w.inv_mass[a]
    w.vel[a, 1] += jy * w.inv_mass[a]
    w.vel[a, 2] += jz * w.inv_mass[a]
    cx, cy, cz = ry * jz - rz * jy, rz * jx - rx * jz, rx * jy - ry * jx
    bx, by, bz = rotate_back(w.quat[a], cx, cy, cz)
    inv = w.inv_inertia[a]
    wx, wy, wz = rotate(w.quat[a], bx * inv[0], by * inv[1], bz * inv[2])
    w.omega[a, 0] += wx
    w.omega[a, 1] += wy
    w.omega[a, 2] += wz


@kernel()
def _point_velocity(
    w: World, a: int, rx: float, ry: float, rz: float
) -> tuple[float, float, float]:
    return (
        w.vel[a, 0] + w.omega[a, 1] * rz - w.omega[a, 2] * ry,
        w.vel[a, 1] + w.omega[a, 2] * rx - w.omega[a, 0] * rz,
        w.vel[a, 2] + w.omega[a, 0] * ry - w.omega[a, 1] * rx,
    )


@kernel()
def _speed(w: World, a: int) -> float:
    return math.sqrt(w.vel[a, 0] ** 2 + w.vel[a, 1] ** 2 + w.vel[a, 2] ** 2)


@kernel()
def _relative(
    w: World, a: int, b: int, px: float, py: float, pz: float
) -> tuple[float, float, float]:
    """Velocity of a's point at p against b's (or against a plane, b < 0)."""
    vx, vy, vz = _point_velocity(w, a, px - w.pos[a, 0], py - w.pos[a, 1], pz - w.pos[a, 2])
    if b >= 0:
        ux, uy, uz = _point_velocity(w, b, px - w.pos[b, 0], py - w.pos[b, 1], pz - w.pos[b, 2])
        vx, vy, vz = vx - ux, vy - uy, vz - uz
    return vx, vy, vz


@kernel()
def _give(
    w: World, a: int, b: int, px: float, py: float, pz: float, nx: float, ny: float, nz: float
) -> float:
    """Speed along n that a unit impulse along n at p causes between a and b."""
    k = w.inv_mass[a] + _angular_response(
        w.quat[a],
        w.inv_inertia[a],
        px - w.pos[a, 0],
        py - w.pos[a, 1],
        pz - w.pos[a, 2],
        nx,
        ny,
        nz,
    )
    if b >= 0:
        k += w.inv_mass[b] + _angular_response(
            w.quat[b],
            w.inv_inertia[b],
            px - w.pos[b, 0],
            py - w.pos[b, 1],
            pz - w.pos[b, 2],
            nx,
            ny,
            nz,
        )
    return float(k)


@kernel()
def _collide(
    w: World,
    t: float,
    a: int,
    b: int,
    px: float,
    py: float,
    pz: float,
    nx: float,
    ny: float,
    nz: float,
    e: float,
    mu: float,
) -> bool:
    """Normal and friction impulse at p, n pointing from b (or a plane, b < 0) to a.

    Logs contacts that are faster than rest. Returns False when the sides part already.
    """
    before_a = _speed(w, a)
    before_b = _speed(w, b) if b >= 0 else 0.0
    vx, vy, vz = _relative(w, a, b, px, py, pz)
    vn = vx * nx + vy * ny + vz * nz
    if vn >= 0.0:
        return False
    speed = -vn
    # bounces fade towards low speed, so that a series of bounces comes to an end
    bounce = e * speed * speed / (speed * speed + 0.8) if speed > _MIN_SPEED else 0.0
    if e >= 1.0:
        bounce = 1.0
    j = (1.0 + bounce) * speed / _give(w, a, b, px, py, pz, nx, ny, nz)
    tx, ty, tz = vx - vn * nx, vy - vn * ny, vz - vn * nz
    vt = math.sqrt(tx * tx + ty * ty + tz * tz)
    jx, jy, jz = j * nx, j * ny, j * nz
    if vt > 1e-9 and mu > 0.0:
        tx, ty, tz = tx / vt, ty / vt, tz / vt
        jt = min(mu * j, vt / _give(w, a, b, px, py, pz, tx, ty, tz))
        jx, jy, jz = jx - jt * tx, jy - jt * ty, jz - jt * tz
    _push(w, a, jx, jy, jz, px - w.pos[a, 0], py - w.pos[a, 1], pz - w.pos[a, 2])
    if b >= 0:
        _push(w, b, -jx, -jy, -jz, px - w.pos[b, 0], py - w.pos[b, 1], pz - w.pos[b, 2])
    if speed > _MIN_SPEED and w.logged[0] < w.log.shape[0]:
        vx, vy, vz = _relative(w, a, b, px, py, pz)
        row = w.log[w.logged[0]]
        row[0], row[1], row[2], row[3] = t, a, b, j
        row[4], row[5] = speed, vx * nx + vy * ny + vz * nz
        row[6], row[7] = before_a, _speed(w, a)
        row[8], row[9] = before_b, _speed(w, b) if b >= 0 else 0.0
        row[10], row[11], row[12] = px, py, pz
        w.logged[0] += 1
    return True


@kernel()
def _feature(w: World, a: int, i: int) -> tuple[float, float, float, float]:
    """World position and radius of the i-th contact feature of a body."""
    x, y, z = w.pos[a, 0], w.pos[a, 1], w.pos[a, 2]
    if w.kind[a] == SPHERE:
        return x, y, z, w.dims[a, 0]
    sx = w.dims[a, 0] if i & 1 else -w.dims[a, 0]
    sy, sz, radius = 0.0, 0.0, w.dims[a, 1]
    if w.kind[a] == BOX:
        sy = w.dims[a, 1] if i & 2 else -w.dims[a, 1]
        sz = w.dims[a, 2] if i & 4 else -w.dims[a, 2]
        radius = 0.0
    rx, ry, rz = rotate(w.quat[a], sx, sy, sz)
    return x + rx, y + ry, z + rz, radius


@kernel()
def _nearest_on(
    w: World, b: int, x: float, y: float, z: float
) -> tuple[float, float, float, float]:
    """Nearest point of body b's skeleton to (x, y, z), and the skeleton's radius."""
    cx, cy, cz = w.pos[b, 0], w.pos[b, 1], w.pos[b, 2]
    if w.kind[b] == SPHERE:
        return cx, cy, cz, w.dims[b, 0]
    lx, ly, lz = rotate_back(w.quat[b], x - cx, y - cy, z - cz)
    lx = min(max(lx, -w.dims[b, 0]), w.dims[b, 0])
    radius = 0.0
    if w.kind[b] == BOX:
        ly = min(max(ly, -w.dims[b, 1]), w.dims[b, 1])
        lz = min(max(lz, -w.dims[b, 2]), w.dims[b, 2])
    else:
        ly, lz, radius = 0.0, 0.0, w.dims[b, 1]
    rx, ry, rz = rotate(w.quat[b], lx, ly, lz)
    return cx + rx, cy + ry, cz + rz, radius


@kernel()
def _advance(w: World, a: int, dt: float, gravity: float) -> None:
    """One step of free flight, exact for the centre of mass."""
    for c in range(3):
        w.pos[a, c] += w.vel[a, c] * dt
    w.pos[a, 2] -= 0.5 * gravity * dt * dt
    w.vel[a, 2] -= gravity * dt
    ox, oy, oz = w.omega[a, 0], w.omega[a, 1], w.omega[a, 2]
    if ox == 0.0 and oy == 0.0 and oz == 0.0:
        return
    q = w.quat[a]
    s, x, y, z = q[0], q[1], q[2], q[3]
    h = 0.5 * dt
    q[0] = s + h * (-ox * x - oy * y - oz * z)
    q[1] = x + h * (ox * s + oy * z - oz * y)
    q[2] = y + h * (oy * s + oz * x - ox * z)
    q[3] = z + h * (oz * s + ox * y - oy * x)
    norm = math.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2 + q[3] ** 2)
    for c in range(4):
        q[c] /= norm


@kernel()
def _touch_pair(w: World, laws: Laws, t: float, a: int, b: int) -> None:
    """Contact between two bodies: balls and rods against anything, two boxes as balls."""
    gap = w.reach[a] + w.reach[b]
    dx, dy, dz = w.pos[a, 0] - w.pos[b, 0], w.pos[a, 1] - w.pos[b, 1], w.pos[a, 2] - w.pos[b, 2]
    if dx * dx + dy * dy + dz * dz >= gap * gap:
        return
    # i is the one that is treated as round about its nearest skeleton point
    i, k = a, b
    if w.kind[a] == BOX and w.kind[b] != BOX:
        i, k = b, a
    x, y, z = w.pos[i, 0], w.pos[i, 1], w.pos[i, 2]
    r_i = w.dims[i, 0]
    if w.kind[i] == BOX:
        r_i = min(w.dims[i, 0], w.dims[i, 1], w.dims[i, 2])
    elif w.kind[i] == ROD:
        qx, qy, qz, _ = _nearest_on(w, k, x, y, z)
        x, y, z, r_i = _nearest_on(w, i, qx, qy, qz)
    qx, qy, qz, r_k = _nearest_on(w, k, x, y, z)
    nx, ny, nz = x - qx, y - qy, z - qz
    dist = math.sqrt(nx * nx + ny * ny + nz * nz)
    if dist < 1e-9 or dist >= r_i + r_k:
        return
    nx, ny, nz = nx / dist, ny / dist, nz / dist
    px, py, pz = qx + nx * r_k, qy + ny * r_k, qz + nz * r_k
    e, mu = laws.e_pair[i, k], laws.mu_pair[i, k]
    if _collide(w, t, i, k, px, py, pz, nx, ny, nz, e, mu):
        w.still[i] = 0
        w.still[k] = 0
    total = w.inv_mass[i] + w.inv_mass[k]
    depth = r_i + r_k - dist
    for c in range(3):
        nc = nx if c == 0 else (ny if c == 1 else nz)
        w.pos[i, c] += depth * nc * w.inv_mass[i] / total
        w.pos[k, c] -= depth * nc * w.inv_mass[k] / total


@kernel()
def _touch_plane(w: World, laws: Laws, t: float, a: int, p: int) -> float:
    """Contact of a body with a plane: how deep it was, 0 without contact."""
    nx, ny, nz, d = laws.planes[p, 0], laws.planes[p, 1], laws.planes[p, 2], laws.planes[p, 3]
    if w.pos[a, 0] * nx + w.pos[a, 1] * ny + w.pos[a, 2] * nz - d > w.reach[a]:
        return 0.0
    deepest = 0.0
    features = 1 if w.kind[a] == SPHERE else (8 if w.kind[a] == BOX else 2)
    for i in range(features):
        x, y, z, radius = _feature(w, a, i)
        depth = radius - (x * nx + y * ny + z * nz - d)
        if depth > 0.0:
            deepest = max(deepest, depth)
            px, py, pz = x - nx * radius, y - ny * radius, z - nz * radius
            e, mu = laws.e_plane[a, p], laws.mu_plane[a, p]
            _collide(w, t, a, -1 - p, px, py, pz, nx, ny, nz, e, mu)
    if deepest > 0.0:
        share = 1.0 if w.kind[a] == SPHERE or deepest > 0.002 else 0.3
        w.pos[a, 0] += share * deepest * nx
        w.pos[a, 1] += share * deepest * ny
        w.pos[a, 2] += share * deepest * nz
        # being lifted back costs the fall's last bit of energy, so take it away
        if w.kind[a] == SPHERE and w.vel[a, 2] > _MIN_SPEED and nz > 0.5:
            w.vel[a, 2] = math.sqrt(max(w.vel[a, 2] ** 2 - 2.0 * laws.gravity * deepest, 0.0))
    return deepest


@kernel()
def _roll(w: World, a: int, loss: float) -> None:
    """Takes rolling resistance, a loss of speed in m/s, from a ball on the floor."""
    speed = math.sqrt(w.vel[a, 0] ** 2 + w.vel[a, 1] ** 2)
    if speed > 0.0:
        keep = max(0.0, 1.0 - loss / speed)
        w.vel[a, 0] *= keep
        w.vel[a, 1] *= keep
        for c in range(3):
            w.omega[a, c] *= keep


@kernel()
def _settle(w: World, a: int) -> None:
    """Puts a body to sleep that has been slow for a while (free fall never is)."""
    spin = (w.omega[a, 0] ** 2 + w.omega[a, 1] ** 2 + w.omega[a, 2] ** 2) * w.reach[a] ** 2
    if _speed(w, a) ** 2 + spin < _STILL_SPEED**2:
        w.still[a] += 1
        if w.still[a] > _STILL_STEPS:
            for c in range(3):
                w.vel[a, c] = 0.0
                w.omega[a, c] = 0.0
    elif w.still[a] <= _STILL_STEPS:
        w.still[a] = 0


@kernel()
def _touch_all(w: World, laws: Laws, t: float, dt: float, floor_speed: Array) -> None:
    """All contacts of one step; notes each body's speed along the floor it touches."""
    for a in range(w.kind.shape[0]):
        for b in range(a):
            awake = w.still[a] <= _STILL_STEPS or w.still[b] <= _STILL_STEPS
            if t >= w.release[a] and t >= w.release[b] and awake:
                _touch_pair(w, laws, t, a, b)
    for a in range(w.kind.shape[0]):
        if t < w.release[a] or w.still[a] > _STILL_STEPS:
            continue
        for p in range(laws.planes.shape[0]):
            depth = _touch_plane(w, laws, t, a, p)
            if p == 0 and depth > 0.0:
                floor_speed[a] = math.sqrt(w.vel[a, 0] ** 2 + w.vel[a, 1] ** 2)
                if w.kind[a] == SPHERE:
                    _roll(w, a, laws.rolling[a] * laws.gravity * dt)


@kernel()
def step_world(w: World, laws: Laws, steps: int, dt: float) -> tuple[Array, Array, Array, Array]:
    """Steps all bodies and records every state.

    Args:
        w: Bodies; changed in place, contacts are appended to its log.
        laws: What happens on contact.
        steps: Number of steps.
        dt: Step in seconds.

    Returns:
        Positions (steps + 1, n, 3), velocities, quaternions (steps + 1, n, 4), and horizontal
        speed while touching the floor (steps + 1, n).
    """
    n = w.kind.shape[0]
    positions = np.empty((steps + 1, n, 3))
    velocities = np.zeros((steps + 1, n, 3))
    quaternions = np.empty((steps + 1, n, 4))
    floor_speed = np.zeros((steps + 1, n))
    for a in range(n):
        positions[0, a] = w.pos[a]
        quaternions[0, a] = w.quat[a]
        if w.release[a] <= 0.0:
            velocities[0, a] = w.vel[a]
    for s in range(1, steps + 1):
        t = s * dt
        for a in range(n):
            if t - dt >= w.release[a] - 1e-12 and w.still[a] <= _STILL_STEPS:
                _advance(w, a, dt, laws.gravity)
        _touch_all(w, laws, t, dt, floor_speed[s])
        for a in range(n):
            if t >= w.release[a]:
                _settle(w, a)
                velocities[s, a] = w.vel[a]
            positions[s, a] = w.pos[a]
            quaternions[s, a] = w.quat[a]
    return positions, velocities, quaternions, floor_speed
