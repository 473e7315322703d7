"""Simulated clips as training clips: the simulation and the training never import each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.simulation.clip import moving_bodies, simulate, true_physics
from pavas_sdk.simulation.materials import MATERIALS
from pavas_sdk.simulation.motion import run_world
from pavas_sdk.simulation.scene import SceneConfig
from pavas_sdk.simulation.sound import render_sound
from pavas_sdk.training.clips import Contacts, Take, TrainingClip

if TYPE_CHECKING:
    from pavas_sdk.data import Video
    from pavas_sdk.simulation.clip import SimulatedClip
    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene

__all__ = ["TAKES", "simulated_picture", "simulated_training_clip"]

TAKES = 3
_TRIES = 6
_MIN_FILL = 0.04
# A second take must look like the first: bodies may stray by this share of their size.
_MAX_STRAY = 0.2


def simulated_training_clip(seed: int) -> TrainingClip:
    """Return the clip of a seed with up to three takes: as drawn, and as hollow or solid as others.

    Hollow or solid, a body looks and falls the same, but weighs and sounds different; a further
    take simulates the same world again with other fillings and is kept when the bodies move as in
    the picture.
    """
    clip = simulate(seed, SceneConfig())
    rng = np.random.default_rng([seed, 1])
    takes = [_take(clip, clip.scene, clip.motion)]
    for _ in range(_TRIES):
        if len(takes) == TAKES or not clip.physics.objects:
            break
        scene, motion = _refilled(clip, rng)
        if _looks_alike(clip, scene, motion):
            takes.append(_take(clip, scene, motion))
    bodies = {object_id: body for body, object_id in clip.object_of_body.items()}
    return TrainingClip(
        seed=seed,
        video=clip.video,
        masks=clip.masks,
        takes=tuple(takes),
        action=clip.label,
        surface=clip.floor,
        materials={i: clip.scene.objects[body].material for i, body in bodies.items()},
        sizes_m={i: clip.scene.objects[body].size_m for i, body in bodies.items()},
    )


def simulated_picture(seed: int) -> Video:
    """Return the picture of a seed at 128 pixels a side, which estimators need."""
    return simulate(seed, SceneConfig()).video


def _refilled(clip: SimulatedClip, rng: np.random.Generator) -> tuple[Scene, Motion]:
    """The same world with other fillings; one factor for all bodies or one for each."""
    scene = clip.scene
    shared = float(np.exp(rng.uniform(-2.3, 2.3)))
    objects = []
    for item in scene.objects:
        factor = shared if rng.random() < 0.7 else float(np.exp(rng.uniform(-2.3, 2.3)))
        fill = float(np.clip(item.fill * factor, _MIN_FILL, MATERIALS[item.material].max_fill))
        mass_kg = item.mass_kg * fill / item.fill
        objects.append(replace(item, fill=fill, mass_kg=mass_kg))
    changed = replace(
        scene, objects=tuple(objects), sound_seed=int(rng.integers(2**31)), prompt=scene.prompt
    )
    motion = run_world(
        changed.objects,
        changed.room,
        changed.config.duration_s,
        striker=changed.striker,
        target=changed.target,
    )
    return changed, motion


def _looks_alike(clip: SimulatedClip, scene: Scene, motion: Motion) -> bool:
    """Whether bodies move as in the picture and touch at the same moments."""
    if moving_bodies(scene, motion) != moving_bodies(clip.scene, clip.motion):
        return False
    stray = np.linalg.norm(motion.position_m - clip.motion.position_m, axis=-1).max(axis=0)
    sizes = np.array([item.size_m for item in clip.scene.objects])
    if (stray > _MAX_STRAY * sizes).any():
        return False
    loud = [
        np.array([c.time_s for c in m.contacts if c.energy_change_j > 1e-4])
        for m in (clip.motion, motion)
    ]
    gaps = [
        np.abs(a[:, None] - b[None]).min(axis=1) for a, b in (loud, loud[::-1]) if a.size * b.size
    ]
    return all(float(gap.max()) < 0.02 for gap in gaps)


def _take(clip: SimulatedClip, scene: Scene, motion: Motion) -> Take:
    words = scene.prompt
    if scene is not clip.scene:
        hollow = any(item.hollow for item in scene.objects)
        words = words if hollow else words.replace("hollow ", "")
    kept = [c for c in motion.contacts if c.energy_change_j > 0]
    samples = clip.audio.samples if scene is clip.scene else render_sound(scene, motion)[None]
    return Take(
        audio=Audio(samples=samples, sample_rate_hz=scene.config.sample_rate_hz),
        physics=true_physics(scene, motion, clip.video.times_s),
        contacts=Contacts(
            times_s=np.array([c.time_s for c in kept]),
            energy_change_j=np.array([c.energy_change_j for c in kept]),
            object_ids=np.array(
                [clip.object_of_body.get(c.body, -1) for c in kept], dtype=np.int64
            ),
        ),
        prompt=words,
    )
