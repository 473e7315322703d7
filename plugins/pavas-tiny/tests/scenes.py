"""Small clips whose answer is known: soft discs on given paths before a wall, seen by a camera.

Paths are (T, 2), x and y in pixels of the wall; the camera's (T, 2) is the wall's pixel that shows
at the frame's corner, so a disc is seen at ``path - camera``. NaN: the disc is not there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, settings
from scipy import ndimage

FPS = 25.0
SIZE = (64, 80)
RED, BLUE, GREEN = (205, 60, 45), (45, 75, 215), (50, 190, 70)

quick = settings(
    deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A clip and its truth: discs' masks (N, T, H, W) and centres (N, T, 2) in the frames."""

    frames: np.ndarray
    times_s: np.ndarray
    masks: np.ndarray
    centres: np.ndarray
    camera: np.ndarray


def clock(frames: int, fps: float = FPS) -> np.ndarray:
    return np.arange(frames) / fps


def wall(height: int, width: int, *, roughness: float = 16.0, seed: int = 0) -> np.ndarray:
    """Soft spots of a few pixels, float (H, W, 3)."""
    rng = np.random.default_rng(seed)
    spots = ndimage.gaussian_filter(rng.normal(size=(height, width)), 2.5)
    grey = 115 + roughness * spots / spots.std()
    return grey[..., None] * np.array([1.0, 0.95, 0.85])


def disc(centre, radius: float, size=SIZE) -> np.ndarray:
    """Share of each pixel that a disc covers, (H, W)."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    return np.clip(radius + 0.5 - np.hypot(x - centre[0], y - centre[1]), 0.0, 1.0)


def seen_at(picture: np.ndarray, at) -> np.ndarray:
    """The wall between its pixels, at rows and columns; its colours are in fixed proportion."""
    first = ndimage.map_coordinates(picture[..., 0], at, order=3, mode="nearest")
    return first[..., None] * (picture[0, 0] / picture[0, 0, 0])


def render(
    paths,
    *,
    radius=6.0,
    colours=(RED, BLUE, GREEN),
    size=SIZE,
    camera=None,
    noise: float = 1.0,
    light=None,
    shadow_shift=None,
    roughness: float = 16.0,
    frames: int = 40,
    fps: float = FPS,
) -> Scene:
    """Render discs; with ``shadow_shift`` (dx, dy) each darkens the wall there to 0.7."""
    paths = [np.asarray(path, dtype=float) for path in paths]
    count = next((len(given) for given in (*paths, camera, light) if given is not None), frames)
    camera = np.zeros((count, 2)) if camera is None else np.asarray(camera, dtype=float)
    margin = int(np.ceil(np.abs(camera).max())) + 2
    height, width = size
    room = wall(height + 2 * margin, width + 2 * margin, roughness=roughness)
    light = np.ones(count) if light is None else light
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    pictures = np.empty((count, height, width, 3))
    masks = np.zeros((len(paths), count, height, width), dtype=bool)
    still = room[margin : margin + height, margin : margin + width]
    for t in range(count):
        at = (y + camera[t, 1] + margin, x + camera[t, 0] + margin)
        view = still if not camera[t].any() else seen_at(room, at)
        seen = [path[t] - camera[t] for path in paths]
        if shadow_shift is not None:
            for centre in seen:
                cover = np.nan_to_num(disc(centre + np.asarray(shadow_shift), radius, size))
                view = view * (1 - 0.3 * cover[..., None])
        for index, centre in enumerate(seen):
            cover = np.nan_to_num(disc(centre, radius, size))
            masks[: index + 1, t] &= cover < 0.5
            masks[index, t] = cover >= 0.5
            view = view * (1 - cover[..., None]) + np.array(colours[index]) * cover[..., None]
        pictures[t] = view * light[t]
    pictures += rng.normal(scale=noise, size=pictures.shape) if noise else 0.0
    return Scene(
        frames=np.clip(np.rint(pictures), 0, 255).astype(np.uint8),
        times_s=clock(count, fps),
        masks=masks,
        centres=np.array([path - camera for path in paths]).reshape(len(paths), count, 2),
        camera=camera,
    )


def textured(path, *, half=12, size=(96, 160), noise: float = 1.0, fps: float = FPS) -> Scene:
    """Render a square with spots of its own, of 2 * half pixels, whose centre follows a path."""
    path = np.asarray(path, dtype=float)
    room, spots = wall(*size), wall(4 * half, 4 * half, roughness=40.0, seed=5)
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(float)
    rng = np.random.default_rng(1)
    frames = np.empty((len(path), *size, 3))
    masks = np.zeros((1, len(path), *size), dtype=bool)
    for t, (left, top) in enumerate(path):
        away = np.maximum(np.abs(x - left), np.abs(y - top))
        cover = np.clip(half + 0.5 - away, 0.0, 1.0)[..., None]
        body = ndimage.shift(spots[..., 0], (top % 1, left % 1), order=1, mode="nearest")
        rows, columns = (
            np.clip(axis - int(centre) + 2 * half, 0, 4 * half - 1).astype(int)
            for axis, centre in ((y, top), (x, left))
        )
        frames[t] = room * (1 - cover) + body[rows, columns, None] * (1.1, 0.8, 0.5) * cover
        masks[0, t] = cover[..., 0] >= 0.5
    frames += rng.normal(scale=noise, size=frames.shape)
    return Scene(
        frames=np.clip(np.rint(frames), 0, 255).astype(np.uint8),
        times_s=clock(len(path), fps),
        masks=masks,
        centres=path[None],
        camera=np.zeros_like(path),
    )


def straight(times_s, start, velocity_px_s) -> np.ndarray:
    return np.asarray(start) + np.outer(times_s, velocity_px_s)


def ballistic(times_s, start, velocity_px_s, gravity_px_s2: float) -> np.ndarray:
    path = straight(times_s, start, velocity_px_s)
    path[:, 1] += 0.5 * gravity_px_s2 * times_s**2
    return path


def bouncing(times_s, x: float, top: float, floor: float, gravity_px_s2: float, restitution=0.6):
    """A fall onto a floor and one rebound; the path and the time of the impact."""
    hit_s = float(np.sqrt(2 * (floor - top) / gravity_px_s2))
    launch = restitution * gravity_px_s2 * hit_s
    after = times_s - hit_s
    y = np.where(
        after < 0,
        top + 0.5 * gravity_px_s2 * times_s**2,
        floor - launch * after + 0.5 * gravity_px_s2 * after**2,
    )
    return np.stack([np.full_like(times_s, x), np.minimum(y, floor)], axis=1), hit_s


def resting_until(start_s: float, times_s, start, velocity_px_s) -> np.ndarray:
    return straight(np.maximum(times_s - start_s, 0.0), start, velocity_px_s)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union, pooled over all frames."""
    return float((a & b).sum() / max((a | b).sum(), 1))
