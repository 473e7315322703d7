"""Pictures and geometric truth of a moving scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.camera import camera_poses, intrinsics
from pavas_sdk.simulation.dynamics import rotate
from pavas_sdk.simulation.materials import SURFACES
from pavas_sdk.simulation.raycast import cast_points, draw_frames
from pavas_sdk.simulation.textures import texture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Look, Part, Scene

__all__ = ["Picture", "point_maps", "render_frames"]

_KINDS = {"sphere": 0, "box": 1, "rod": 2}
_PATTERNS = {"plain": 0, "stripes": 1, "checks": 2, "patches": 3}
_NOISE_COUNT = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """What the camera saw.

    Attributes:
        frames: uint8 (T, H, W, 3).
        bodies: int8 (T, H, W): index of the body seen at each pixel's middle, or -1.
        camera_to_world: (T, 4, 4).
        intrinsics: (3, 3).
    """

    frames: NDArray[np.uint8]
    bodies: NDArray[np.int8]
    camera_to_world: NDArray[np.float64]
    intrinsics: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Primitives:
    kind: NDArray[np.int64]
    dims: NDArray[np.float64]
    body: NDArray[np.int8]
    look: NDArray[np.float64]
    offset: NDArray[np.float64]


def _look_row(look: Look, part: Part) -> list[float]:
    a, b, c = part.dims_m
    reach = {"sphere": a, "box": float(np.sqrt(a * a + b * b + c * c)), "rod": a + b}[part.shape]
    return [
        *look.colour,
        *look.second_colour,
        float(_PATTERNS[look.pattern]),
        look.pattern_scale,
        look.gloss,
        reach,
    ]


def _primitives(scene: Scene) -> _Primitives:
    kind, dims, body, look, offset = [], [], [], [], []
    for index, item in enumerate(scene.objects):
        for part in item.parts:
            kind.append(_KINDS[part.shape])
            dims.append(part.dims_m)
            body.append(index)
            look.append(_look_row(item.look, part))
            offset.append(part.offset_m)
    return _Primitives(
        np.array(kind, dtype=np.int64),
        np.array(dims, dtype=np.float64).reshape(-1, 3),
        np.array(body, dtype=np.int8),
        np.array(look, dtype=np.float64).reshape(-1, 10),
        np.array(offset, dtype=np.float64),
    )


def _with_target(scene: Scene, primitives: _Primitives) -> _Primitives:
    from pavas_sdk.simulation.scene import Part

    if scene.target is None:
        return primitives
    part = Part(shape="box", dims_m=scene.target.half_m)
    return _Primitives(
        np.append(primitives.kind, 1),
        np.concatenate([primitives.dims, np.asarray(part.dims_m)[None]]),
        np.append(primitives.body, np.int8(-1)),
        np.concatenate([primitives.look, np.asarray(_look_row(scene.target.look, part))[None]]),
        np.append(primitives.offset, 0.0),
    )


def _poses(
    scene: Scene, motion: Motion, primitives: _Primitives, times_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (T, n, 3) and quaternions (T, n, 4) of all primitives."""
    position, quaternion = motion.at(times_s)
    movable = primitives.body >= 0
    index = primitives.body[movable].astype(np.int64)
    centre = position[:, index].copy()
    turn = quaternion[:, index]
    along = np.moveaxis(np.asarray(rotate(np.moveaxis(turn, -1, 0), 1.0, 0.0, 0.0)), 0, -1)
    centre += along * primitives.offset[movable][None, :, None]
    if scene.target is not None:
        fixed = np.broadcast_to(np.asarray(scene.target.centre_m), (len(times_s), 1, 3))
        level = np.broadcast_to(np.array([1.0, 0.0, 0.0, 0.0]), (len(times_s), 1, 4))
        centre = np.concatenate([centre, fixed], axis=1)
        turn = np.concatenate([turn, level], axis=1)
    return np.ascontiguousarray(centre), np.ascontiguousarray(turn)


def _room_row(scene: Scene) -> NDArray[np.float64]:
    room, pillar = scene.room, scene.pillar
    post = (0.0, 0.0, 0.0) if pillar is None else (pillar.x_m, pillar.y_m, pillar.radius_m)
    return np.array(
        [
            room.back_m,
            room.left_m,
            room.right_m,
            *room.floor_colour,
            *room.wall_colour,
            1.0 / room.tile_m,
            0.5 / room.tile_m,
            *post,
        ]
    )


def frame_times(scene: Scene) -> NDArray[np.float64]:
    """When each frame is taken, seconds, (T,)."""
    return np.arange(scene.config.frame_count) / scene.config.fps


def render_frames(scene: Scene, motion: Motion) -> Picture:
    """Draws all frames of a clip.

    The exposure is centred on the frame's time; masks belong to that very moment.
    """
    config = scene.config
    times = frame_times(scene)
    count, samples = len(times), config.blur_samples
    spread = (np.arange(samples) + 0.5) / samples - 0.5
    moments = times[:, None] + np.append(spread * scene.shutter, 0.0)[None] / config.fps
    moments = np.maximum(moments, 0.0)
    primitives = _with_target(scene, _primitives(scene))
    centres, quats = _poses(scene, motion, primitives, moments.ravel())
    n = primitives.kind.size
    poses = camera_poses(scene.camera, moments.ravel()).reshape(count, samples + 1, 4, 4)
    matrix = intrinsics(scene.camera, config.height, config.width)
    textures = np.random.Generator(np.random.PCG64(scene.room.texture_seed))
    rng = np.random.Generator(np.random.PCG64(scene.render_seed))
    frames = np.empty((count, config.height, config.width, 3), dtype=np.uint8)
    bodies = np.empty((count, config.height, config.width), dtype=np.int8)
    curve = np.round(255 * np.linspace(0.0, 1.0, 4097) ** (1 / 2.2)).astype(np.uint8)
    draw_frames(
        frames,
        bodies,
        poses,
        scene.camera.kind == "still",
        matrix[0, 0],
        matrix[0, 2],
        matrix[1, 2],
        primitives.kind,
        primitives.dims,
        primitives.body,
        centres.reshape(count, samples + 1, n, 3),
        quats.reshape(count, samples + 1, n, 4),
        primitives.look,
        _room_row(scene),
        np.asarray(scene.pillar.colour if scene.pillar is not None else (0.0, 0.0, 0.0)),
        texture(SURFACES[scene.room.floor].texture, textures),
        texture(SURFACES[scene.room.wall].texture, textures),
        np.asarray(scene.light),
        scene.light_width,
        scene.ambient,
        scene.exposure,
        scene.noise_level if config.noise else 0.0,
        rng.standard_normal(_NOISE_COUNT).astype(np.float32),
        curve,
        rng.integers(_NOISE_COUNT, size=(count, config.height)),
    )
    return Picture(
        frames=frames, bodies=bodies, camera_to_world=poses[:, samples].copy(), intrinsics=matrix
    )


def point_maps(scene: Scene, motion: Motion, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """World point seen at each pixel's middle, float32 (T, H, W, 3), metres."""
    config = scene.config
    primitives = _with_target(scene, _primitives(scene))
    centres, quats = _poses(scene, motion, primitives, times_s)
    poses = camera_poses(scene.camera, times_s)
    matrix = intrinsics(scene.camera, config.height, config.width)
    points = np.empty((len(times_s), config.height, config.width, 3), dtype=np.float32)
    room = _room_row(scene)
    for k in range(len(times_s)):
        cast_points(
            points[k],
            poses[k],
            matrix[0, 0],
            matrix[0, 2],
            matrix[1, 2],
            primitives.kind,
            primitives.dims,
            centres[k],
            quats[k],
            primitives.look,
            room,
        )
    return points
