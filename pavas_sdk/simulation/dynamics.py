"""Rigid bodies in a room: numba kernels that step spheres, boxes and rods.

Conventions: world axes x right, y away from the viewer, z up; the floor is z = 0. Metres, seconds,
kilograms. Quaternions are (w, x, y, z), body to world. A body's kind is 0 sphere, 1 box, 2 rod (a
capsule along its own x axis). `dims` is (radius, -, -), the half extents, or (half length, radius,
-). Free flight is integrated exactly (constant acceleration within a step).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GRAVITY_M_S2", "RAW_CONTACT", "STEP_S", "rotate", "rotate_back", "step_world"]

GRAVITY_M_S2 = 9.81
STEP_S = 0.0005
SPHERE, BOX, ROD = 0, 1, 2
_MIN_SPEED = 0.06  # m/s; slower touches are rest, neither bouncing nor recorded

RAW_CONTACT = np.dtype(
    [
        ("time_s", "f8"),
        ("a", "i4"),
        ("b", "i4"),  # body, or -1 - plane
        ("impulse_n_s", "f8"),
        ("normal_before_m_s", "f8"),
        ("normal_after_m_s", "f8"),
        ("speed_a_before_m_s", "f8"),
        ("speed_a_after_m_s", "f8"),
        ("speed_b_before_m_s", "f8"),
        ("speed_b_after_m_s", "f8"),
        ("x", "f8"),
        ("y", "f8"),
        ("z", "f8"),
    ]
)


@njit(cache=True, inline="always")
def rotate(q: NDArray[np.float64], x: float, y: float, z: float) -> tuple[float, float, float]:
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


@njit(cache=True, inline="always")
def rotate_back(q: NDArray[np.float64], x: float, y: float, z: float) -> tuple[float, float, float]:
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


@njit(cache=True)
def _angular_response(q, inv_inertia, rx, ry, rz, nx, ny, nz):  # type: ignore[no-untyped-def]  # numba
    """World vector I^-1 (r x n), and the scalar (that x r) . n."""
    cx, cy, cz = ry * nz - rz * ny, rz * nx - rx * nz, rx * ny - ry * nx
    bx, by, bz = rotate_back(q, cx, cy, cz)
    wx, wy, wz = rotate(q, bx * inv_inertia[0], by * inv_inertia[1], bz * inv_inertia[2])
    k = (wy * rz - wz * ry) * nx + (wz * rx - wx * rz) * ny + (wx * ry - wy * rx) * nz
    return wx, wy, wz, k


@njit(cache=True)
def _apply(a, jx, jy, jz, rx, ry, rz, vel, omega, quat, inv_mass, inv_inertia):  # type: ignore[no-untyped-def]  # numba
    vel[a, 0] += jx * inv_mass[a]
    vel[a, 1] += jy * inv_mass[a]
    vel[a, 2] += jz * inv_mass[a]
    cx, cy, cz = ry * jz - rz * jy, rz * jx - rx * jz, rx * jy - ry * jx
    bx, by, bz = rotate_back(quat[a], cx, cy, cz)
    wx, wy, wz = rotate(
        quat[a], bx * inv_inertia[a, 0], by * inv_inertia[a, 1], bz * inv_inertia[a, 2]
    )
    omega[a, 0] += wx
    omega[a, 1] += wy
    omega[a, 2] += wz


@njit(cache=True)
def _point_velocity(a, rx, ry, rz, vel, omega):  # type: ignore[no-untyped-def]  # numba
    return (
        vel[a, 0] + omega[a, 1] * rz - omega[a, 2] * ry,
        vel[a, 1] + omega[a, 2] * rx - omega[a, 0] * rz,
        vel[a, 2] + omega[a, 0] * ry - omega[a, 1] * rx,
    )


@njit(cache=True)
def _speed(a, vel):  # type: ignore[no-untyped-def]  # numba
    return math.sqrt(vel[a, 0] ** 2 + vel[a, 1] ** 2 + vel[a, 2] ** 2)


@njit(cache=True)
def _collide(a, b, px, py, pz, nx, ny, nz, e, mu, pos, vel, omega, quat, inv_mass, inv_inertia):  # type: ignore[no-untyped-def]  # numba
    """Normal and friction impulse at p, n pointing from b (or a plane, b < 0) to a.

    Returns (normal impulse, normal speed before, normal speed after); 0 impulse when parting.
    """
    rax, ray, raz = px - pos[a, 0], py - pos[a, 1], pz - pos[a, 2]
    vx, vy, vz = _point_velocity(a, rax, ray, raz, vel, omega)
    _, _, _, ka = _angular_response(quat[a], inv_inertia[a], rax, ray, raz, nx, ny, nz)
    k = inv_mass[a] + ka
    rbx, rby, rbz = 0.0, 0.0, 0.0
    if b >= 0:
        rbx, rby, rbz = px - pos[b, 0], py - pos[b, 1], pz - pos[b, 2]
        ux, uy, uz = _point_velocity(b, rbx, rby, rbz, vel, omega)
        vx, vy, vz = vx - ux, vy - uy, vz - uz
        _, _, _, kb = _angular_response(quat[b], inv_inertia[b], rbx, rby, rbz, nx, ny, nz)
        k += inv_mass[b] + kb
    vn = vx * nx + vy * ny + vz * nz
    if vn >= 0.0:
        return 0.0, vn, vn
    speed = -vn
    # bounces fade towards low speed, so that a series of bounces comes to an end
    bounce = e * speed * speed / (speed * speed + 0.8) if speed > _MIN_SPEED else 0.0
    if e >= 1.0:
        bounce = 1.0
    j = (1.0 + bounce) * speed / k
    tx, ty, tz = vx - vn * nx, vy - vn * ny, vz - vn * nz
    vt = math.sqrt(tx * tx + ty * ty + tz * tz)
    jx, jy, jz = j * nx, j * ny, j * nz
    if vt > 1e-9 and mu > 0.0:
        tx, ty, tz = tx / vt, ty / vt, tz / vt
        _, _, _, kt = _angular_response(quat[a], inv_inertia[a], rax, ray, raz, tx, ty, tz)
        kt += inv_mass[a]
        if b >= 0:
            _, _, _, kb = _angular_response(quat[b], inv_inertia[b], rbx, rby, rbz, tx, ty, tz)
            kt += inv_mass[b] + kb
        jt = min(mu * j, vt / kt)
        jx, jy, jz = jx - jt * tx, jy - jt * ty, jz - jt * tz
    _apply(a, jx, jy, jz, rax, ray, raz, vel, omega, quat, inv_mass, inv_inertia)
    if b >= 0:
        _apply(b, -jx, -jy, -jz, rbx, rby, rbz, vel, omega, quat, inv_mass, inv_inertia)
    vx, vy, vz = _point_velocity(a, rax, ray, raz, vel, omega)
    if b >= 0:
        ux, uy, uz = _point_velocity(b, rbx, rby, rbz, vel, omega)
        vx, vy, vz = vx - ux, vy - uy, vz - uz
    return j, vn, vx * nx + vy * ny + vz * nz


@njit(cache=True)
def _feature(a, i, kind, dims, pos, quat):  # type: ignore[no-untyped-def]  # numba
    """World position and radius of the i-th contact feature of a body."""
    if kind[a] == SPHERE:
        return pos[a, 0], pos[a, 1], pos[a, 2], dims[a, 0]
    if kind[a] == BOX:
        sx = dims[a, 0] if i & 1 else -dims[a, 0]
        sy = dims[a, 1] if i & 2 else -dims[a, 1]
        sz = dims[a, 2] if i & 4 else -dims[a, 2]
        x, y, z = rotate(quat[a], sx, sy, sz)
        return pos[a, 0] + x, pos[a, 1] + y, pos[a, 2] + z, 0.0
    s = dims[a, 0] if i & 1 else -dims[a, 0]
    x, y, z = rotate(quat[a], s, 0.0, 0.0)
    return pos[a, 0] + x, pos[a, 1] + y, pos[a, 2] + z, dims[a, 1]


@njit(cache=True)
def _nearest_on(b, kind, dims, pos, quat, x, y, z):  # type: ignore[no-untyped-def]  # numba
    """Nearest point of body b's skeleton to (x, y, z), and the skeleton's radius."""
    if kind[b] == SPHERE:
        return pos[b, 0], pos[b, 1], pos[b, 2], dims[b, 0]
    lx, ly, lz = rotate_back(quat[b], x - pos[b, 0], y - pos[b, 1], z - pos[b, 2])
    if kind[b] == BOX:
        lx = min(max(lx, -dims[b, 0]), dims[b, 0])
        ly = min(max(ly, -dims[b, 1]), dims[b, 1])
        lz = min(max(lz, -dims[b, 2]), dims[b, 2])
        radius = 0.0
    else:
        lx = min(max(lx, -dims[b, 0]), dims[b, 0])
        ly, lz = 0.0, 0.0
        radius = dims[b, 1]
    wx, wy, wz = rotate(quat[b], lx, ly, lz)
    return pos[b, 0] + wx, pos[b, 1] + wy, pos[b, 2] + wz, radius


@njit(cache=True, nogil=True)
def step_world(  # type: ignore[no-untyped-def]  # numba
    steps,
    dt,
    gravity,
    kind,
    dims,
    mass,
    inertia,
    pos,
    vel,
    quat,
    omega,
    release,
    planes,
    e_plane,
    mu_plane,
    rolling,
    e_pair,
    mu_pair,
    max_contacts,
):
    """Steps all bodies and records every state.

    Args:
        steps: Number of steps; `steps + 1` states are recorded.
        dt: Step in seconds.
        gravity: Downward acceleration, m/s^2.
        kind: (n,) body kinds.
        dims: (n, 3) sizes in metres.
        mass: (n,) kilograms.
        inertia: (n, 3) principal moments.
        pos: (n, 3) start positions; changed in place, as are `vel`, `quat`, `omega`.
        vel: (n, 3) velocities that each body has when it is released.
        quat: (n, 4) orientations.
        omega: (n, 3) angular velocities in world axes.
        release: (n,) times in seconds before which a body hangs still.
        planes: (p, 4) inward normal and offset: a point is inside when n . x >= d.
        e_plane: (n, p) restitution.
        mu_plane: (n, p) friction.
        rolling: (n,) rolling resistance coefficient on the floor (plane 0).
        e_pair: (n, n) restitution between bodies.
        mu_pair: (n, n) friction between bodies.
        max_contacts: Capacity of the contact list.

    Returns:
        Positions (steps+1, n, 3), velocities, quaternions (steps+1, n, 4), speed while touching
        the floor (steps+1, n), raw contacts (k, 13) in the order of `RAW_CONTACT`.
    """
    n = kind.shape[0]
    out_pos = np.empty((steps + 1, n, 3))
    out_vel = np.zeros((steps + 1, n, 3))
    out_quat = np.empty((steps + 1, n, 4))
    touch_speed = np.zeros((steps + 1, n))
    contacts = np.empty((max_contacts, 13))
    count = 0
    inv_mass = 1.0 / mass
    inv_inertia = 1.0 / inertia
    still = np.zeros(n, dtype=np.int64)
    reach = np.empty(n)
    for a in range(n):
        if kind[a] == SPHERE:
            reach[a] = dims[a, 0]
        elif kind[a] == BOX:
            reach[a] = math.sqrt(dims[a, 0] ** 2 + dims[a, 1] ** 2 + dims[a, 2] ** 2)
        else:
            reach[a] = dims[a, 0] + dims[a, 1]
        out_pos[0, a] = pos[a]
        out_quat[0, a] = quat[a]
        if release[a] <= 0.0:
            out_vel[0, a] = vel[a]
    for s in range(1, steps + 1):
        t = s * dt
        for a in range(n):
            if t - dt < release[a] - 1e-12 or still[a] > 60:
                continue
            for c in range(3):
                pos[a, c] += vel[a, c] * dt
            pos[a, 2] -= 0.5 * gravity * dt * dt
            vel[a, 2] -= gravity * dt
            if omega[a, 0] != 0.0 or omega[a, 1] != 0.0 or omega[a, 2] != 0.0:
                w, x, y, z = quat[a, 0], quat[a, 1], quat[a, 2], quat[a, 3]
                ox, oy, oz = omega[a, 0], omega[a, 1], omega[a, 2]
                h = 0.5 * dt
                quat[a, 0] = w + h * (-ox * x - oy * y - oz * z)
                quat[a, 1] = x + h * (ox * w + oy * z - oz * y)
                quat[a, 2] = y + h * (oy * w + oz * x - ox * z)
                quat[a, 3] = z + h * (oz * w + ox * y - oy * x)
                norm = math.sqrt(
                    quat[a, 0] ** 2 + quat[a, 1] ** 2 + quat[a, 2] ** 2 + quat[a, 3] ** 2
                )
                for c in range(4):
                    quat[a, c] /= norm
        for a in range(n):
            for b in range(a):
                if t < release[a] or t < release[b] or (still[a] > 60 and still[b] > 60):
                    continue
                gap = reach[a] + reach[b]
                dx, dy, dz = pos[a, 0] - pos[b, 0], pos[a, 1] - pos[b, 1], pos[a, 2] - pos[b, 2]
                if dx * dx + dy * dy + dz * dz >= gap * gap:
                    continue
                # a is the one that is treated as round about its nearest skeleton point
                i, k = a, b
                if kind[a] == BOX and kind[b] != BOX:
                    i, k = b, a
                x, y, z = pos[i, 0], pos[i, 1], pos[i, 2]
                r_i = dims[i, 0] if kind[i] != BOX else min(dims[i, 0], dims[i, 1], dims[i, 2])
                if kind[i] == ROD:
                    qx, qy, qz, r_k = _nearest_on(k, kind, dims, pos, quat, x, y, z)
                    x, y, z, r_i = _nearest_on(i, kind, dims, pos, quat, qx, qy, qz)
                qx, qy, qz, r_k = _nearest_on(k, kind, dims, pos, quat, x, y, z)
                nx, ny, nz = x - qx, y - qy, z - qz
                dist = math.sqrt(nx * nx + ny * ny + nz * nz)
                if dist < 1e-9 or dist >= r_i + r_k:
                    continue
                nx, ny, nz = nx / dist, ny / dist, nz / dist
                px, py, pz = qx + nx * r_k, qy + ny * r_k, qz + nz * r_k
                before_i, before_k = _speed(i, vel), _speed(k, vel)
                j, vn0, vn1 = _collide(
                    i, k, px, py, pz, nx, ny, nz, e_pair[i, k], mu_pair[i, k],
                    pos, vel, omega, quat, inv_mass, inv_inertia,
                )  # fmt: skip
                if j > 0.0:
                    still[i] = 0
                    still[k] = 0
                if j > 0.0 and -vn0 > _MIN_SPEED and count < max_contacts:
                    row = contacts[count]
                    row[0], row[1], row[2], row[3] = t, i, k, j
                    row[4], row[5], row[6], row[7] = -vn0, vn1, before_i, _speed(i, vel)
                    row[8], row[9] = before_k, _speed(k, vel)
                    row[10], row[11], row[12] = px, py, pz
                    count += 1
                total = inv_mass[i] + inv_mass[k]
                depth = r_i + r_k - dist
                for c in range(3):
                    nc = nx if c == 0 else (ny if c == 1 else nz)
                    pos[i, c] += depth * nc * inv_mass[i] / total
                    pos[k, c] -= depth * nc * inv_mass[k] / total
        for a in range(n):
            if t < release[a] or still[a] > 60:
                continue
            features = 1 if kind[a] == SPHERE else (8 if kind[a] == BOX else 2)
            for p in range(planes.shape[0]):
                nx, ny, nz, d = planes[p, 0], planes[p, 1], planes[p, 2], planes[p, 3]
                if pos[a, 0] * nx + pos[a, 1] * ny + pos[a, 2] * nz - d > reach[a]:
                    continue
                deepest = 0.0
                for i in range(features):
                    fx, fy, fz, radius = _feature(a, i, kind, dims, pos, quat)
                    depth = radius - (fx * nx + fy * ny + fz * nz - d)
                    if depth <= 0.0:
                        continue
                    deepest = max(deepest, depth)
                    before = _speed(a, vel)
                    j, vn0, vn1 = _collide(
                        a, -1 - p, fx - nx * radius, fy - ny * radius, fz - nz * radius,
                        nx, ny, nz, e_plane[a, p], mu_plane[a, p],
                        pos, vel, omega, quat, inv_mass, inv_inertia,
                    )  # fmt: skip
                    if j > 0.0 and -vn0 > _MIN_SPEED and count < max_contacts:
                        row = contacts[count]
                        row[0], row[1], row[2], row[3] = t, a, -1 - p, j
                        row[4], row[5], row[6], row[7] = -vn0, vn1, before, _speed(a, vel)
                        row[8], row[9] = 0.0, 0.0
                        row[10], row[11], row[12] = (
                            fx - nx * radius,
                            fy - ny * radius,
                            fz - nz * radius,
                        )
                        count += 1
                    if p == 0:
                        touch_speed[s, a] = math.sqrt(vel[a, 0] ** 2 + vel[a, 1] ** 2)
                if deepest > 0.0:
                    share = 1.0 if kind[a] == SPHERE or deepest > 0.002 else 0.3
                    pos[a, 0] += share * deepest * nx
                    pos[a, 1] += share * deepest * ny
                    pos[a, 2] += share * deepest * nz
                    # being lifted back costs the fall's last bit of energy, so take it away
                    if kind[a] == SPHERE and vel[a, 2] > _MIN_SPEED and nz > 0.5:
                        rest = vel[a, 2] ** 2 - 2.0 * gravity * deepest
                        vel[a, 2] = math.sqrt(max(rest, 0.0))
                    if p == 0 and kind[a] == SPHERE:
                        v = math.sqrt(vel[a, 0] ** 2 + vel[a, 1] ** 2)
                        if v > 0.0:
                            keep = max(0.0, 1.0 - rolling[a] * gravity * dt / v)
                            vel[a, 0] *= keep
                            vel[a, 1] *= keep
                            for c in range(3):
                                omega[a, c] *= keep
        for a in range(n):
            if t >= release[a]:
                spin = (omega[a, 0] ** 2 + omega[a, 1] ** 2 + omega[a, 2] ** 2) * reach[a] ** 2
                if touch_speed[s, a] >= 0.0 and _speed(a, vel) ** 2 + spin < 0.015**2:
                    still[a] += 1
                    if still[a] > 60:
                        for c in range(3):
                            vel[a, c] = 0.0
                            omega[a, c] = 0.0
                elif still[a] <= 60:
                    still[a] = 0
                out_vel[s, a] = vel[a]
            out_pos[s, a] = pos[a]
            out_quat[s, a] = quat[a]
    return out_pos, out_vel, out_quat, touch_speed, contacts[:count]
