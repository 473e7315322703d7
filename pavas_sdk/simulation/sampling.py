"""Draws whole worlds: same seed and configuration, same world to the bit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.actions import SETUPS
from pavas_sdk.simulation.camera import frame_world
from pavas_sdk.simulation.collisions import AUDIBLE_J
from pavas_sdk.simulation.motion import Motion, run_world
from pavas_sdk.simulation.prompts import draw_prompt
from pavas_sdk.simulation.quiet import with_arm, with_passer
from pavas_sdk.simulation.scene import QUIET_ACTIONS, Pillar, Scene, SceneConfig
from pavas_sdk.simulation.shooting import draw_shooting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.scene import CameraPath
    from pavas_sdk.simulation.setup import Setup

__all__ = ["ACTION_WEIGHTS", "SHARES", "sample_scene", "sample_world"]

ACTION_WEIGHTS = {
    "drop": 0.21,
    "throw": 0.15,
    "bounce": 0.07,
    "roll": 0.07,
    "collide": 0.10,
    "strike": 0.19,
    # nothing touches
    "still": 0.05,
    "pendulum": 0.03,
    "glide": 0.03,
    "settle": 0.04,
    "pass": 0.02,
    "swing": 0.03,
    "wave": 0.01,
}
SHARES = {
    "passer": 0.06,
    "arm": 0.05,
    "close_up": 0.15,
    "strong_shadow": 0.20,
    "resting": 0.15,
    "resting_of_quiet": 0.5,
}
"""Shares of the clips with disturbances: something, or an arm, passes through; the camera stands so
near that only the contacts are surely in the picture; a sharp light that stands alone; bodies that
lie still all the time are objects too, in clips with contacts and in quiet ones. Those of frame
rates, light, moving walls, dust and compression stand in `shooting`, those of arms that strike,
blows that miss and second events in `strikes`."""
_PILLAR = 0.12
_TRIES = 8
_SEPARATE_S = 0.15


def sample_scene(seed: int, config: SceneConfig | None = None) -> Scene:
    """Draws a world.

    Args:
        seed: Any non-negative integer; all randomness comes from PCG64 of it.
        config: How; by default 4 s of 128 x 128 at a frame rate that is drawn.
    """
    return sample_world(seed, config)[0]


def sample_world(seed: int, config: SceneConfig | None = None) -> tuple[Scene, Motion]:
    """Like `sample_scene`, with the motion that had to be computed on the way."""
    config = config or SceneConfig()
    rng = np.random.Generator(np.random.PCG64(seed))
    action = config.action or str(
        rng.choice(list(ACTION_WEIGHTS), p=np.asarray(list(ACTION_WEIGHTS.values())))
    )
    for attempt in range(_TRIES):
        setup = SETUPS[action](rng, config.duration_s)
        if config.disturbances and action != "still":
            setup = _disturbed(rng, setup, config.duration_s)
        motion = run_world(
            setup.objects,
            setup.room,
            config.duration_s,
            striker=setup.striker,
            target=setup.target,
            guides=setup.guides,
        )
        if attempt == _TRIES - 1 or _is_good(motion, action):
            break
    return _dress(rng, seed, config, action, setup, motion), motion


def _disturbed(rng: np.random.Generator, setup: Setup, duration_s: float) -> Setup:
    """The setup, at times with something or somebody that passes through the picture."""
    rng = rng.spawn(1)[0]
    chance = rng.random()
    if chance < SHARES["passer"]:
        return with_passer(rng, setup, duration_s)
    if chance < SHARES["passer"] + SHARES["arm"]:
        return with_arm(rng, setup, duration_s)
    return setup


def _is_good(motion: Motion, action: str) -> bool:
    """Whether the clip has one to seven impacts, most of them well apart; or none, as it should."""
    audible = [c for c in motion.collisions if c.energy_change_j >= AUDIBLE_J]
    if action in QUIET_ACTIONS:
        return not audible
    if not audible:
        return False
    loudest = max(c.energy_change_j for c in audible)
    times = np.array([c.time_s for c in audible if c.energy_change_j > 5e-3 * loudest])
    gaps = np.diff(times)
    alone = np.concatenate([[True], gaps >= _SEPARATE_S]) & np.concatenate(
        [gaps >= _SEPARATE_S, [True]]
    )
    return bool(len(times) <= 7 and alone.sum() >= 1 and alone.mean() >= 0.6)


def _sightings(setup: Setup, motion: Motion) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of contact, and places of the bodies that the camera follows every 40 ms."""
    contacts = np.array([c.point_m for c in motion.collisions]).reshape(-1, 3)
    stride = max(1, round(0.04 / motion.step_s))
    followed = [k for k in range(len(setup.objects)) if k not in setup.aside]
    places = motion.position_m[::stride, followed].reshape(-1, 3)
    if setup.target is not None:
        places = np.concatenate([places, np.asarray(setup.target.centre_m)[None]])
    return contacts, places


def _direction(rng: np.random.Generator) -> tuple[float, float]:
    """Where the light comes from: azimuth and height."""
    return float(rng.uniform(0.0, 2 * math.pi)), float(rng.uniform(0.7, 1.35))


def _light(
    more: np.random.Generator, scene: Scene, azimuth: float, height: float, *, strong: bool
) -> Scene:
    """The scene lit from a direction; a strong light may stand lower, is sharp, and alone."""
    if strong:
        height, width = float(more.uniform(0.4, 1.4)), float(more.uniform(0.005, 0.04))
        scene = replace(scene, light_width=width, ambient=float(more.uniform(0.06, 0.2)))
    across = math.cos(height)
    # never from behind the back wall
    light = (math.cos(azimuth) * across, -abs(math.sin(azimuth)) * across, math.sin(height))
    return replace(scene, light=light)


def _post(
    rng: np.random.Generator, camera: CameraPath, near_y: float, size: float
) -> Pillar | None:
    """A post before the action, or None where there is no room for it."""
    side = float(rng.uniform(-0.45, 0.45))
    radius = size * float(rng.uniform(0.25, 0.7))
    colour = rng.uniform(0.05, 0.7, 3)
    eye_y = camera.target_m[1] - camera.distance_m * math.cos(camera.azimuth_rad)
    y = near_y - size * 1.5 - 0.3 * max(near_y - size * 1.5 - eye_y, 0.0)
    if y - eye_y <= 4 * radius:
        return None
    return Pillar(
        x_m=camera.target_m[0] + side * camera.distance_m * 0.5,
        y_m=y,
        radius_m=radius,
        colour=(float(colour[0]), float(colour[1]), float(colour[2])),
    )


def _dress(
    rng: np.random.Generator,
    seed: int,
    config: SceneConfig,
    action: str,
    setup: Setup,
    motion: Motion,
) -> Scene:
    must_see, should_see = _sightings(setup, motion)
    size = max(o.size_m for k, o in enumerate(setup.objects) if k not in setup.aside)
    # what came later is drawn apart, so that worlds without it stay as they were
    more = rng.spawn(1)[0]
    happens = {name: bool(more.random() < share) for name, share in SHARES.items()}
    if not config.disturbances:
        happens = dict.fromkeys(happens, False)
    camera = frame_world(
        rng, config, setup.room, must_see, should_see, size, close_up=happens["close_up"]
    )
    azimuth, height = _direction(rng)
    pillar = None
    if rng.random() < _PILLAR and action not in QUIET_ACTIONS:
        nearest = min(float(points[:, 1].min(initial=np.inf)) for points in (must_see, should_see))
        pillar = _post(rng, camera, nearest, size)
    shooting = draw_shooting(
        rng,
        more,
        duration_s=config.duration_s,
        fps=config.fps,
        disturbances=config.disturbances,
    )
    quiet = action in QUIET_ACTIONS
    scene = Scene(
        seed=seed,
        config=config,
        action=action,
        objects=setup.objects,
        guides=setup.guides,
        room=setup.room,
        camera=camera,
        striker=setup.striker,
        target=setup.target,
        pillar=pillar,
        light=(0.0, 0.0, 1.0),
        light_width=float(rng.uniform(0.03, 0.25)),
        ambient=float(rng.uniform(0.25, 0.55)),
        shooting=replace(
            shooting,
            exposure=float(np.exp(rng.normal(0.25, 0.25))),
            shutter=float(rng.uniform(0.1, 0.9)),
            noise_level=float(np.exp(rng.uniform(math.log(0.003), math.log(0.03)))),
            crf=shooting.crf if config.compression else None,
        ),
        prompt="",
        render_seed=0,
        sound_seed=0,
        noise_floor_db=0.0,
        resting_objects=happens["resting_of_quiet" if quiet else "resting"],
    )
    scene = _light(more, scene, azimuth, height, strong=happens["strong_shadow"])
    return replace(
        scene,
        prompt=draw_prompt(rng, scene),
        render_seed=int(rng.integers(2**31)),
        sound_seed=int(rng.integers(2**31)),
        noise_floor_db=float(rng.uniform(-105.0, -92.0)),
    )
