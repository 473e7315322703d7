"""Pictures and geometric truth of a moving scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.camera import camera_poses, intrinsics
from pavas_sdk.simulation.drawing import Film, Lens, Shots, cast_points, draw_frames
from pavas_sdk.simulation.dust import raise_dust
from pavas_sdk.simulation.hits import (
    BODY,
    CENTRE,
    COLUMNS,
    KIND,
    LOOK,
    SIZE,
    TURN,
    Stage,
)
from pavas_sdk.simulation.materials import SURFACES
from pavas_sdk.simulation.scene import Part
from pavas_sdk.simulation.textures import moved_texture, texture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Look, Scene

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


def _row(body: int, part: Part, look: Look) -> NDArray[np.float64]:
    """A primitive's row but for where it is."""
    a, b, c = part.dims_m
    reach = {"sphere": a, "box": float(np.sqrt(a * a + b * b + c * c)), "rod": a + b}[part.shape]
    row = np.zeros(COLUMNS)
    row[KIND], row[BODY] = _KINDS[part.shape], -1 if part.scenery else body
    row[SIZE : SIZE + 3] = part.dims_m
    row[LOOK:BODY] = [
        *look.colour,
        *look.second_colour,
        _PATTERNS[look.pattern],
        look.pattern_scale,
        look.gloss,
        reach,
    ]
    return row


def _things(scene: Scene, motion: Motion, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """All primitives at some moments, (T, n, COLUMNS)."""
    position, quaternion = motion.at(times_s)
    rows = []
    for index, item in enumerate(scene.objects):
        w, x, y, z = np.moveaxis(quaternion[:, index], -1, 0)
        # where the body's own x axis points
        along = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], -1)
        for part in item.parts:
            row = np.tile(_row(index, part, part.look or item.look), (len(times_s), 1))
            row[:, CENTRE : CENTRE + 3] = position[:, index] + part.offset_m * along
            row[:, TURN : TURN + 4] = quaternion[:, index]
            rows.append(row)
    if scene.target is not None:
        part = Part(shape="box", dims_m=scene.target.half_m)
        row = np.tile(_row(-1, part, scene.target.look), (len(times_s), 1))
        row[:, CENTRE : CENTRE + 3] = scene.target.centre_m
        row[:, TURN] = 1.0
        rows.append(row)
    return np.stack(rows, axis=1)


def frame_times(scene: Scene) -> NDArray[np.float64]:
    """When each frame is shown, seconds, (T,), at least one."""
    rate = scene.shooting.fps * scene.shooting.repeats
    return np.arange(max(1, round(scene.config.duration_s * rate))) / rate


def capture_times(scene: Scene) -> NDArray[np.float64]:
    """When what each frame shows was taken, seconds, (T,)."""
    shooting = scene.shooting
    return np.arange(frame_times(scene).size) // shooting.repeats / shooting.fps


def _lens(scene: Scene) -> Lens:
    matrix = intrinsics(scene.camera, scene.config.height, scene.config.width)
    return Lens(float(matrix[0, 0]), float(matrix[0, 2]), float(matrix[1, 2]))


def _stage(scene: Scene, lens: Lens) -> Stage:
    room, post = scene.room, scene.pillar
    x, y, z = scene.light
    # floor, back, left and right wall
    lit = [max(v, 0.0) for v in (z, -y, x, -x)]
    floor, back, left, right = (scene.ambient + (1.0 - scene.ambient) * v * 1.4 for v in lit)
    return Stage(
        room.back_m,
        room.left_m,
        room.right_m,
        *room.floor_colour,
        *room.wall_colour,
        1.0 / room.tile_m,
        0.5 / room.tile_m,
        *((0.0, 0.0, 0.0) if post is None else (post.x_m, post.y_m, post.radius_m)),
        *((0.0, 0.0, 0.0) if post is None else post.colour),
        *scene.light,
        scene.light_width,
        scene.ambient,
        floor,
        back,
        left,
        right,
        1.0 / lens.focal,
    )


def _tiles(scene: Scene, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """Textures of floor and walls, (1, 2, N, N), or (T, 2, N, N) where the wall's moves."""
    rng = np.random.Generator(np.random.PCG64(scene.room.texture_seed))
    names = (scene.room.floor, scene.room.wall)
    floor, wall = (texture(SURFACES[name].texture, rng) for name in names)
    shooting = scene.shooting
    if not shooting.moving_wall:
        return np.stack([floor, wall])[None]
    # a curtain, foliage, a screen: more contrast than plaster
    walls = moved_texture(wall**2.5, shooting.drift * times_s, shooting.wave, times_s)
    floors = np.broadcast_to(floor, walls.shape)
    return np.ascontiguousarray(np.stack([floors, walls], axis=1))


def _film(scene: Scene, times_s: NDArray[np.float64]) -> Film:
    config = scene.config
    rng = np.random.Generator(np.random.PCG64(scene.render_seed))
    return Film(
        exposure=scene.shooting.gains(times_s),
        noise_level=scene.shooting.noise_level if config.noise else 0.0,
        noise=rng.standard_normal(_NOISE_COUNT).astype(np.float32),
        offsets=rng.integers(_NOISE_COUNT, size=(len(times_s), config.height)),
        curve=np.round(255 * np.linspace(0.0, 1.0, 4097) ** (1 / 2.2)).astype(np.uint8),
    )


def _shots(scene: Scene, motion: Motion, moments: NDArray[np.float64]) -> Shots:
    """The scene at all moments (T, S + 1)."""
    things = _things(scene, motion, moments.ravel())
    still_camera = scene.camera.kind == "still" and not scene.shooting.moving_wall
    fixed = 0
    if still_camera:
        # things at rest all the time belong to the background and are drawn once
        rests = (things == things[:1]).all(axis=(0, 2))
        things, fixed = things[:, np.argsort(~rests, kind="stable")], int(rests.sum())
    return Shots(
        things=np.ascontiguousarray(things).reshape(*moments.shape, -1, COLUMNS),
        poses=camera_poses(scene.camera, moments.ravel()).reshape(*moments.shape, 4, 4),
        fixed=fixed,
        still_camera=still_camera,
    )


def render_frames(scene: Scene, motion: Motion) -> Picture:
    """Draws all frames of a clip.

    The exposure is centred on the frame's time; masks belong to that very moment.
    """
    config, shooting = scene.config, scene.shooting
    times = capture_times(scene)[:: shooting.repeats]
    spread = (np.arange(config.blur_samples) + 0.5) / config.blur_samples - 0.5
    moments = times[:, None] + np.append(spread * shooting.shutter, 0.0)[None] / shooting.fps
    shots = _shots(scene, motion, np.maximum(moments, 0.0))
    lens = _lens(scene)
    frames = np.empty((len(times), config.height, config.width, 3), dtype=np.uint8)
    bodies = np.empty((len(times), config.height, config.width), dtype=np.int8)
    stage, tiles, film = _stage(scene, lens), _tiles(scene, times), _film(scene, times)
    draw_frames(frames, bodies, shots, stage, tiles, lens, film)
    matrix = intrinsics(scene.camera, config.height, config.width)
    poses = shots.poses[:, -1].copy()
    if shooting.dust > 0:
        raise_dust(frames, times, scene, motion, poses, matrix)
    shown = np.arange(frame_times(scene).size) // shooting.repeats
    if shooting.repeats > 1:
        frames, bodies, poses = frames[shown], bodies[shown], poses[shown]
    return Picture(frames=frames, bodies=bodies, camera_to_world=poses, intrinsics=matrix)


def point_maps(scene: Scene, motion: Motion, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """World point seen at each pixel's middle, float32 (T, H, W, 3), metres."""
    config = scene.config
    shots = _shots(scene, motion, np.asarray(times_s, dtype=np.float64)[:, None])
    points = np.empty((len(times_s), config.height, config.width, 3), dtype=np.float32)
    lens = _lens(scene)
    stage = _stage(scene, lens)
    for k in range(len(times_s)):
        cast_points(points[k], shots.things[k, 0], stage, shots.poses[k, 0], lens)
    return points
