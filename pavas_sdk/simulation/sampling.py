"""Draws whole worlds: same seed and configuration, same world to the bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.actions import SETUPS, Setup
from pavas_sdk.simulation.camera import frame_world
from pavas_sdk.simulation.materials import MATERIALS, SURFACES
from pavas_sdk.simulation.motion import Motion, run_world
from pavas_sdk.simulation.scene import Pillar, Scene, SceneConfig, SceneObject

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ACTION_WEIGHTS", "sample_scene", "sample_world"]

ACTION_WEIGHTS = {
    "drop": 0.29,
    "throw": 0.19,
    "bounce": 0.09,
    "roll": 0.08,
    "collide": 0.13,
    "strike": 0.19,
    "still": 0.03,
}
_TRIES = 8
_SEPARATE_S = 0.15


def sample_scene(seed: int, config: SceneConfig | None = None) -> Scene:
    """Draws a world.

    Args:
        seed: Any non-negative integer; all randomness comes from PCG64 of it.
        config: How; by default 4 s of 128 x 128 at 25 frames per second.
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
        motion = run_world(
            setup.objects,
            setup.room,
            config.duration_s,
            striker=setup.striker,
            target=setup.target,
        )
        if attempt == _TRIES - 1 or _is_good(motion, action):
            break
    return _dress(rng, seed, config, action, setup, motion), motion


def _is_good(motion: Motion, action: str) -> bool:
    """Whether the clip has one to seven impacts, most of them well apart."""
    if action == "still":
        return True
    if not motion.collisions:
        return action == "roll"
    loudest = max(c.energy_change_j for c in motion.collisions)
    times = np.array([c.time_s for c in motion.collisions if c.energy_change_j > 5e-3 * loudest])
    gaps = np.diff(times)
    alone = np.concatenate([[True], gaps >= _SEPARATE_S]) & np.concatenate(
        [gaps >= _SEPARATE_S, [True]]
    )
    return bool(len(times) <= 7 and alone.sum() >= 1 and alone.mean() >= 0.6)


def _sightings(motion: Motion) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of contact, and places of all bodies every 40 ms."""
    contacts = np.array([c.point_m for c in motion.collisions]).reshape(-1, 3)
    stride = max(1, round(0.04 / motion.step_s))
    return contacts, motion.position_m[::stride].reshape(-1, 3)


def _dress(
    rng: np.random.Generator,
    seed: int,
    config: SceneConfig,
    action: str,
    setup: Setup,
    motion: Motion,
) -> Scene:
    must_see, should_see = _sightings(motion)
    if setup.target is not None:
        should_see = np.concatenate([should_see, np.asarray(setup.target.centre_m)[None]])
    size = max(o.size_m for o in setup.objects)
    camera = frame_world(rng, config, setup.room, must_see, should_see, size)
    light_azimuth = float(rng.uniform(0.0, 2 * math.pi))
    light_height = float(rng.uniform(0.7, 1.35))
    light = (
        math.cos(light_azimuth) * math.cos(light_height),
        # never from behind the back wall
        -abs(math.sin(light_azimuth)) * math.cos(light_height),
        math.sin(light_height),
    )
    pillar = None
    if rng.random() < 0.12 and action != "still":
        side = float(rng.uniform(-0.45, 0.45))
        radius = size * float(rng.uniform(0.25, 0.7))
        near = float(must_see[:, 1].min()) if len(must_see) else 0.0
        near = min(near, float(should_see[:, 1].min()))
        share = 0.3
        eye_y = camera.target_m[1] - camera.distance_m * math.cos(camera.azimuth_rad)
        y = near - size * 1.5 - share * max(near - size * 1.5 - eye_y, 0.0)
        x = camera.target_m[0] + side * camera.distance_m * 0.5
        colour = rng.uniform(0.05, 0.7, 3)
        if y - eye_y > 4 * radius:
            pillar = Pillar(
                x_m=x,
                y_m=y,
                radius_m=radius,
                colour=(float(colour[0]), float(colour[1]), float(colour[2])),
            )
    compressed = rng.random() < 0.5
    crf = int(rng.integers(16, 36))
    return Scene(
        seed=seed,
        config=config,
        action=action,
        objects=setup.objects,
        room=setup.room,
        camera=camera,
        striker=setup.striker,
        target=setup.target,
        pillar=pillar,
        light=light,
        light_width=float(rng.uniform(0.03, 0.25)),
        ambient=float(rng.uniform(0.25, 0.55)),
        exposure=float(np.exp(rng.normal(0.25, 0.25))),
        shutter=float(rng.uniform(0.1, 0.9)),
        noise_level=float(np.exp(rng.uniform(math.log(0.003), math.log(0.03)))),
        crf=crf if compressed and config.compression else None,
        prompt=_prompt(rng, action, setup),
        render_seed=int(rng.integers(2**31)),
        sound_seed=int(rng.integers(2**31)),
        noise_floor_db=float(rng.uniform(-78.0, -64.0)),
    )


_VERBS = {
    "drop": "dropped on",
    "throw": "thrown onto",
    "bounce": "bouncing off a wall on",
    "roll": "rolling on",
    "collide": "colliding on",
    "strike": "striking",
    "still": "lying on",
}
_FLOOR_WORDS = {
    "wood": "a wooden floor",
    "concrete": "concrete",
    "metal": "a metal plate",
    "carpet": "carpet",
}


def _noun(item: SceneObject, detail: float) -> str:
    words = []
    if detail > 0.5 and item.hollow:
        words.append("hollow")
    if detail > 0.25:
        words.append(MATERIALS[item.material].adjective)
    words.append(item.label)
    article = "an" if words[0][0] in "aeiou" else "a"
    return f"{article} {' '.join(words)}"


def _prompt(rng: np.random.Generator, action: str, setup: Setup) -> str:
    detail = float(rng.random())
    if detail < 0.08:
        return ["", "an object", "impact sounds"][int(rng.integers(3))]
    nouns = [_noun(item, detail) for item in setup.objects[:2]]
    subject = " and ".join(nouns)
    if detail < 0.25:
        return subject
    if action == "strike" and setup.target is not None:
        what = MATERIALS[setup.target.material].adjective
        place = f"{'an' if what[0] in 'aeiou' else 'a'} {what} block"
    else:
        place = _FLOOR_WORDS[SURFACES[setup.room.floor].name]
    if action == "strike" and setup.target is None:
        return f"{subject} striking {place}"
    return f"{subject} {_VERBS[action]} {place}"
