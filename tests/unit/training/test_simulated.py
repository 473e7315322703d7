"""Simulated clips for training, and the recipe on them without the command line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.simulation import SceneConfig, simulate
from pavas_sdk.training import simulated_picture, simulated_takes
from pavas_sdk.training.simulated import TAKES, further_take
from pavas_sdk.training.store import checked_takes

SMALL = SceneConfig(height=16, width=16, fps=5.0)
WITHOUT_CLI = """
import sys
from dataclasses import replace
from pathlib import Path

from pavas_sdk.models import MEL_16K
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
    sampling=Sampling(steps=1),
)
folder = train_tiny(Path(sys.argv[1]), recipe)
assert (folder / "model_index.json").exists()
assert "pavas_sdk.cli" not in sys.modules
"""


@pytest.fixture(scope="module")
def takes():
    return simulated_takes(100_001)


def test_takes_show_one_picture_and_sound_and_weigh_differently(takes):
    assert 1 < len(takes) <= TAKES
    assert checked_takes(takes) == takes
    masses = {tuple(entry.mass_kg for entry in take.physics) for take in takes}
    assert len(masses) == len(takes)
    for take in takes[1:]:
        assert (take.true_audio.samples != takes[0].true_audio.samples).any()
        assert take.materials == takes[0].materials
        for entry in take.physics:
            before = takes[0].physics[entry.object_id]
            assert np.abs(entry.speed_m_s - before.speed_m_s).max() < 0.5 * before.speed_m_s.max()


@pytest.mark.parametrize(("fill", "called"), [(0.1, "a hollow metal ball"), (1.0, "a metal ball")])
def test_only_hollow_things_are_called_hollow(fill, called):
    simulation = simulate(100_000, SMALL)
    assert simulation.clip.prompt.startswith("a hollow metal ball")
    filled = tuple(replace(item, fill=fill) for item in simulation.scene.objects)
    scene = replace(simulation.scene, objects=filled)
    assert further_take(simulation, scene, simulation.motion).prompt.startswith(called)


def test_the_picture_of_a_seed_is_that_of_its_takes(takes):
    picture = simulated_picture(100_001)
    np.testing.assert_array_equal(picture.frames, takes[0].video.frames)


def test_the_recipe_needs_no_command_line(tmp_path):
    command = [sys.executable, "-c", WITHOUT_CLI, str(tmp_path / "run")]
    subprocess.run(command, check=True, timeout=300)
