"""Simulated clips for training: one picture with other fillings, and with impacts that were edited.

Hollow or solid, a body looks and falls the same, but weighs and sounds different: mass must come
from the physics that is given, as it cannot be read off the picture. And where the impacts of the
physics differ from what the picture shows, the physics is what is heard.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.models import MEL_48K
from pavas_sdk.simulation.clip import simulate, true_contacts, true_physics
from pavas_sdk.simulation.edits import edited_contacts
from pavas_sdk.simulation.filmed_world import moving_bodies
from pavas_sdk.simulation.materials import MATERIALS
from pavas_sdk.simulation.motion import run_world
from pavas_sdk.simulation.scene import SceneConfig
from pavas_sdk.simulation.sound import render_sound

if TYPE_CHECKING:
    from pavas_sdk.data import LabelledClip, Video
    from pavas_sdk.simulation.clip import Simulation
    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene

__all__ = [
    "EDITED_TAKE",
    "TAKES",
    "edited_take",
    "further_take",
    "simulated_picture",
    "simulated_take",
    "simulated_takes",
]

TAKES = 3
EDITED_TAKE = 2
"""Index of the take whose impacts are others than those in the picture."""
_CONFIG = SceneConfig(sample_rate_hz=MEL_48K.sample_rate_hz)  # the rate that the codec hears
_TRIES = 6
_MIN_FILL = 0.04
# A second take must look like the first: bodies may stray by this share of their size.
_MAX_STRAY = 0.2


def simulated_takes(seed: int) -> tuple[LabelledClip, ...]:
    """Return the clip of a seed in three takes: as drawn, refilled, edited.

    The second simulates the same world again with other fillings, if it finds one in which the
    bodies move as in the picture; else it is the first. The third (`EDITED_TAKE`) has the picture
    and the speeds of one of them, and other impacts than the picture shows: some are missing, others
    are added, also to bodies at rest; what changed stands in ``physics.edits``, which is empty for
    all other takes, and for a clip without an object or where nothing was drawn to change.
    """
    simulation = simulate(seed, _CONFIG)
    rng = np.random.default_rng([seed, 1])
    first = second = simulation.clip
    worlds = [(simulation.scene, simulation.motion)]
    for _ in range(_TRIES):
        if not first.objects:
            break
        scene, motion = _refilled(simulation, rng)
        if _looks_alike(simulation, scene, motion):
            second = further_take(simulation, scene, motion)
            worlds.append((scene, motion))
            break
    scene, motion = worlds[int(rng.integers(len(worlds)))]
    return first, second, edited_take(simulation, scene, motion, rng)


def simulated_take(seed: int) -> tuple[LabelledClip, ...]:
    """Return the clip of a seed in one take, as drawn: what is heard is what is seen."""
    return (simulate(seed, _CONFIG).clip,)


def simulated_picture(seed: int) -> Video:
    """Return the picture of a seed at 128 pixels a side, which estimators need."""
    return simulate(seed, _CONFIG).clip.video


def _refilled(simulation: Simulation, rng: np.random.Generator) -> tuple[Scene, Motion]:
    """The same world with other fillings; one factor for all bodies or one for each."""
    scene = simulation.scene
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
        guides=changed.guides,
    )
    return changed, motion


def _looks_alike(simulation: Simulation, scene: Scene, motion: Motion) -> bool:
    """Whether bodies move as in the picture and touch at the same moments."""
    if moving_bodies(scene, motion) != moving_bodies(simulation.scene, simulation.motion):
        return False
    stray = np.linalg.norm(motion.position_m - simulation.motion.position_m, axis=-1).max(axis=0)
    sizes = np.array([item.size_m for item in simulation.scene.objects])
    if (stray > _MAX_STRAY * sizes).any():
        return False
    loud = [
        np.array([c.time_s for c in m.collisions if c.energy_change_j > 1e-4])
        for m in (simulation.motion, motion)
    ]
    gaps = [
        np.abs(a[:, None] - b[None]).min(axis=1) for a, b in (loud, loud[::-1]) if a.size * b.size
    ]
    return all(float(gap.max()) < 0.02 for gap in gaps)


def further_take(simulation: Simulation, scene: Scene, motion: Motion) -> LabelledClip:
    """Return the clip with sound and physics of another world that looks the same.

    Args:
        simulation: The clip and its own world.
        scene: The world with other fillings; things that are solid in it are not called hollow.
        motion: Of ``scene``.
    """
    hollow = any(item.hollow for item in scene.objects)
    return replace(
        simulation.clip,
        audio=Audio(
            samples=render_sound(scene, motion), sample_rate_hz=scene.config.sample_rate_hz
        ),
        physics=true_physics(scene, motion, simulation.times_s),
        contacts=true_contacts(scene, motion),
        prompt=scene.prompt if hollow else scene.prompt.replace("hollow ", ""),
    )


def edited_take(
    simulation: Simulation, scene: Scene, motion: Motion, rng: np.random.Generator
) -> LabelledClip:
    """Return the clip with impacts that are drawn anew, and their sound.

    Args:
        simulation: The clip.
        scene: Its world, or one that looks the same.
        motion: Of ``scene``.
        rng: Draws the edits.
    """
    contacts, edits = edited_contacts(rng, scene, motion, moving_bodies(scene, motion))
    take = further_take(simulation, scene, motion)
    samples = render_sound(scene, motion, contacts=contacts)
    return replace(
        take,
        audio=Audio(samples=samples, sample_rate_hz=scene.config.sample_rate_hz),
        physics=true_physics(
            scene, motion, simulation.times_s, contacts=contacts, edits=tuple(edits)
        ),
        contacts=true_contacts(scene, motion, contacts=contacts),
    )
