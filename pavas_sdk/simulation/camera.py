"""Where the camera stands, and its pose at any time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.scene import CAMERAS, CameraPath

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.scene import Room, SceneConfig

__all__ = ["camera_poses", "frame_world", "intrinsics"]


def frame_world(
    rng: np.random.Generator,
    config: SceneConfig,
    room: Room,
    must_see: NDArray[np.float64],
    should_see: NDArray[np.float64],
    size_m: float,
    *,
    close_up: bool = False,
) -> CameraPath:
    """Draws a camera that sees the action.

    Args:
        rng: Random numbers.
        config: Picture size and the kind of motion.
        room: Walls; the camera stays between them.
        must_see: (n, 3) points that must lie in the picture (contacts).
        should_see: (m, 3) points of which nine in ten should.
        size_m: Half size of the objects, so that none gets too small.
        close_up: Stand as near as ``must_see`` allows, whatever else is cut off.
    """
    kind = config.camera or str(rng.choice(CAMERAS, p=[0.65, 0.12, 0.13, 0.10]))
    amplitude = {
        "still": 0.0,
        "pan": float(rng.uniform(0.03, 0.14)) * float(rng.choice([-1.0, 1.0])),
        "shake": float(rng.uniform(0.002, 0.012)),
        "dolly": float(rng.uniform(0.05, 0.2)) * float(rng.choice([-1.0, 1.0])),
    }[kind]
    field = math.radians(float(rng.uniform(32.0, 58.0)))
    azimuth = float(rng.uniform(-0.6, 0.6))
    far = 60.0 * size_m
    if room.right_m < far:
        azimuth = abs(azimuth)
    if room.left_m > -far:
        azimuth = -abs(azimuth) if room.right_m >= far else 0.05 * azimuth
    elevation = float(rng.uniform(0.10, 0.65))
    close_up = close_up and len(must_see) > 0
    points = must_see if close_up else np.concatenate([must_see, should_see])
    target = (points.min(axis=0) + points.max(axis=0)) / 2
    path = CameraPath(
        kind=kind,
        target_m=(float(target[0]), float(target[1]), float(target[2])),
        distance_m=1.0,
        azimuth_rad=azimuth,
        elevation_rad=elevation,
        roll_rad=float(rng.normal(0.0, 0.02)),
        field_of_view_rad=field,
        amplitude=amplitude,
        frequency_hz=float(rng.uniform(1.0, 4.0) if kind == "shake" else rng.uniform(0.08, 0.3)),
        phase_rad=float(rng.uniform(0.0, 2 * math.pi)),
    )
    half = math.tan(field / 2)
    short = min(config.height, config.width)
    margin = 0.86 - 1.2 * (abs(amplitude) if kind == "pan" else 0.0)
    tan_x, tan_y = half * config.width / short * margin, half * config.height / short * margin
    pose = _pose(path, 0.0, still=True)
    right, down, forward = pose[:3, 0], pose[:3, 1], pose[:3, 2]

    def needed(these: NDArray[np.float64]) -> NDArray[np.float64]:
        offset = these - target
        x, y = np.abs(offset @ right) + size_m, np.abs(offset @ down) + size_m
        return np.asarray(np.maximum(x / tan_x, y / tan_y) - offset @ forward)

    distance = 0.0 if close_up else float(np.quantile(needed(should_see), 0.9))
    if len(must_see):
        distance = max(distance, float(np.quantile(needed(must_see), 0.9)))
    distance = max(distance, 4.0 * size_m) * float(rng.uniform(1.0, 1.45))
    # an object of less than about nine of 128 pixels across tells nothing
    smallest = size_m * 2 / (2 * half * 0.075)
    distance = min(distance, smallest)
    return CameraPath(
        kind=kind,
        target_m=path.target_m,
        distance_m=distance,
        azimuth_rad=azimuth,
        elevation_rad=elevation,
        roll_rad=path.roll_rad,
        field_of_view_rad=field,
        amplitude=amplitude,
        frequency_hz=path.frequency_hz,
        phase_rad=path.phase_rad,
    )


def _pose(path: CameraPath, time_s: float, *, still: bool = False) -> NDArray[np.float64]:
    azimuth, elevation, roll = path.azimuth_rad, path.elevation_rad, path.roll_rad
    yaw = pitch = 0.0
    away = path.distance_m
    shift = np.zeros(3)
    if not still:
        wave = 2 * math.pi * path.frequency_hz * time_s + path.phase_rad
        if path.kind == "pan":
            yaw = path.amplitude * math.sin(wave)
        elif path.kind == "dolly":
            away *= 1.0 + path.amplitude * math.sin(wave)
            shift[0] = 0.5 * path.amplitude * path.distance_m * math.cos(wave)
        elif path.kind == "shake":
            yaw = path.amplitude * (math.sin(wave) + 0.5 * math.sin(2.3 * wave + 1.0))
            pitch = path.amplitude * (math.cos(1.4 * wave) + 0.5 * math.sin(3.1 * wave))
            roll += 0.4 * path.amplitude * math.sin(0.8 * wave + 2.0)
            shift = path.distance_m * path.amplitude * np.array([0.3 * math.sin(0.7 * wave), 0, 0])
    offset = np.array(
        [
            -math.sin(azimuth) * math.cos(elevation),
            -math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        ]
    )
    place = np.asarray(path.target_m) + away * offset + shift
    place[2] = max(place[2], 0.02 * path.distance_m)
    a, e = azimuth + yaw, elevation + pitch
    forward = np.array([math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), -math.sin(e)])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = math.cos(roll), math.sin(roll)
    pose = np.eye(4)
    pose[:3, 0] = c * right + s * down
    pose[:3, 1] = c * down - s * right
    pose[:3, 2] = forward
    pose[:3, 3] = place
    return pose


def camera_poses(path: CameraPath, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Camera to world, (T, 4, 4); camera axes x right, y down, z forward."""
    if path.kind == "still":
        return np.repeat(_pose(path, 0.0)[None], len(times_s), axis=0)
    return np.stack([_pose(path, float(t)) for t in times_s])


def intrinsics(path: CameraPath, height: int, width: int) -> NDArray[np.float64]:
    """Pixel matrix (3, 3): the middle of pixel (row i, column j) is at (u, v) = (j, i)."""
    focal = 0.5 * min(height, width) / math.tan(path.field_of_view_rad / 2)
    return np.array(
        [
            [focal, 0.0, (width - 1) / 2],
            [0.0, focal, (height - 1) / 2],
            [0.0, 0.0, 1.0],
        ]
    )
