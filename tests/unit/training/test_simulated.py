"""Simulated clips for training, and the recipe on them without the command line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.simulation import SceneConfig, sample_scene, simulate
from pavas_sdk.simulation.clip import true_physics
from pavas_sdk.simulation.collisions import AUDIBLE_J
from pavas_sdk.simulation.edits import edited_contacts
from pavas_sdk.simulation.filmed_world import moving_bodies
from pavas_sdk.training import simulated_picture, simulated_takes
from pavas_sdk.training.simulated import EDITED_TAKE, TAKES, further_take
from pavas_sdk.training.store import checked_takes

SMALL = SceneConfig(height=16, width=16, fps=5.0, disturbances=False)
HEARD = 100_004  # a seed with contacts
WITHOUT_CLI = """
import sys
from dataclasses import replace
from pathlib import Path

from pavas_sdk.models import MEL_48K
from pavas_sdk.training import BatchConfig, Sampling, StoreConfig, TinyRecipe, train_tiny
from pavas_sdk.training.recipe import scaled

recipe = scaled(TinyRecipe(jobs=1), clips=3, steps=1, seed=0)
quick = dict(steps=1, warmup=1, batches=BatchConfig(batch=1, latents=20))
recipe = replace(
    recipe,
    store=StoreConfig(estimate_every=2),
    visual=replace(recipe.visual, steps=2, batch=2),
    sync=replace(recipe.sync, steps=2, batch=2, frames=8),
    flow=replace(recipe.flow, **quick),
    impacts=replace(recipe.impacts, batch=1, frames=8),
    sampling=Sampling(steps=1),
)
folder = train_tiny(Path(sys.argv[1]), recipe)
assert (folder / "model_index.json").exists()
assert "pavas_sdk.cli" not in sys.modules
"""


@pytest.fixture(scope="module")
def takes():
    return simulated_takes(HEARD)


def test_takes_show_one_picture_and_sound_differently(takes):
    assert len(takes) == TAKES
    assert checked_takes(takes) == takes
    for take in takes[1:]:
        assert (take.true_audio.samples != takes[0].true_audio.samples).any()
        assert take.materials == takes[0].materials
        for entry in take.physics:
            before = takes[0].physics[entry.object_id]
            assert np.abs(entry.speed_m_s - before.speed_m_s).max() < 0.5 * before.speed_m_s.max()
    assert takes[1].physics[0].mass_kg != takes[0].physics[0].mass_kg


def test_only_the_edited_take_says_that_it_was_edited(takes):
    assert [bool(take.physics.edits) for take in takes] == [k == EDITED_TAKE for k in range(TAKES)]


@pytest.mark.parametrize("seed", [HEARD, 100_001, 100_002, 100_003])
def test_what_is_heard_is_what_the_physics_says(seed):
    """In every take: each impact is a contact of the same energy, and sound begins at the first."""
    for take in simulated_takes(seed):
        impacts = take.physics.impacts()
        heard = [c for c in take.contacts if c.energy_change_j >= AUDIBLE_J]
        assert [hit.time_s for hit in impacts] == [c.time_s for c in heard]
        assert [hit.energy_change_j for hit in impacts] == [c.energy_change_j for c in heard]
        samples = np.abs(take.true_audio.mono)
        loud = np.flatnonzero(samples > 1e-3)
        if loud.size:
            first_s = loud[0] / take.true_audio.sample_rate_hz
            assert min(abs(first_s - hit.time_s) for hit in impacts) < 0.05
        if not impacts:
            assert samples.max() < 2e-3


def test_things_at_rest_are_heard_when_somebody_says_so():
    simulation = simulate(3, replace(SMALL, action="still", disturbances=False))
    scene = replace(simulation.scene, resting_objects=True)
    bodies = moving_bodies(scene, simulation.motion)
    assert len(bodies) == len(scene.objects)
    counts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        contacts, words = edited_contacts(rng, scene, simulation.motion, bodies)
        physics = true_physics(
            scene, simulation.motion, simulation.times_s, contacts=contacts, edits=tuple(words)
        )
        assert len(physics.impacts()) == len(contacts) == len(words)
        counts.append(len(contacts))
    assert 0 < counts.count(0) < 10


@pytest.mark.parametrize(("fill", "called"), [(0.1, "a hollow metal ball"), (1.0, "a metal ball")])
def test_only_hollow_things_are_called_hollow(fill, called):
    hollow = "a hollow metal ball"
    config = replace(SMALL, action="drop")
    seed = next(s for s in range(300) if sample_scene(s, config).prompt.startswith(hollow))
    simulation = simulate(seed, config)
    filled = tuple(replace(item, fill=fill) for item in simulation.scene.objects)
    scene = replace(simulation.scene, objects=filled)
    assert further_take(simulation, scene, simulation.motion).prompt.startswith(called)


def test_the_picture_of_a_seed_is_that_of_its_takes(takes):
    picture = simulated_picture(HEARD)
    np.testing.assert_array_equal(picture.frames, takes[0].video.frames)


def test_the_recipe_needs_no_command_line(tmp_path):
    command = [sys.executable, "-c", WITHOUT_CLI, str(tmp_path / "run")]
    subprocess.run(command, check=True, timeout=300)
