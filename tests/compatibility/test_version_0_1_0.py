"""Files that version 0.1.0 wrote still load, and mean what they meant.

Made with that version by ``testing.tiny_pipeline`` (its adapter's weights shifted by seeded noise),
``moving_discs(1, frames=25)``, the exact physics of that clip, the prompt "ball", seed 0 and three
steps.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pavas_sdk import PavasPipeline, PhysicsEstimate
from pavas_sdk.media import read_audio
from pavas_sdk.physics import load_overrides
from pavas_sdk.pipelines.output import read_sidecar
from pavas_sdk.testing import moving_discs

FOLDER = Path(__file__).parent / "version_0_1_0"


@pytest.fixture(scope="module")
def pipe():
    pipe = PavasPipeline.from_pretrained(FOLDER / "pipeline")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def test_a_saved_pipeline_makes_the_sound_that_it_made(pipe):
    clip = moving_discs(1, frames=25)
    out = pipe(
        clip.video,
        physics=FOLDER / "disc.physics.json",
        masks=clip.masks,
        prompt="ball",
        generator=torch.Generator().manual_seed(0),
        num_inference_steps=3,
    )
    before = read_audio(FOLDER / "disc.wav").samples
    assert np.abs(before).max() > 0.01
    np.testing.assert_allclose(out.audio.samples, before, atol=1e-5)
    silent = pipe(
        clip.video,
        physics="none",
        prompt="ball",
        generator=torch.Generator().manual_seed(0),
        num_inference_steps=3,
    )
    assert np.abs(silent.audio.samples - before).max() > 1e-3  # physics was heard


def test_its_slots_are_those_that_were_saved(pipe):
    names = {slot: ref.qualified_name for slot, ref in pipe.physics_estimator.provenance.items()}
    assert names == {
        "moving_object_detector": "pavas-tiny/motion",
        "segmenter": "pavas-tiny/motion",
        "reconstructor": "pavas-tiny/planar",
        "velocity_estimator": "pavas-sdk/centroid",
        "mass_estimator": "pavas-tiny/size-prior",
    }
    assert pipe.physics_estimator.config.on_error == "partial"
    assert pipe.config.output_gain_db == 3.0


def test_it_can_be_saved_and_loaded_again(pipe, tmp_path):
    pipe.save_pretrained(tmp_path / "again")
    again = PavasPipeline.from_pretrained(tmp_path / "again")
    for slot, part in pipe.torch_components().items():
        if isinstance(part, torch.nn.Module):
            for name, tensor in part.state_dict().items():
                assert torch.equal(tensor, again.components[slot].state_dict()[name]), (slot, name)


def test_physics_overrides_and_sidecar_are_read():
    physics = PhysicsEstimate.load(FOLDER / "disc.physics.json")
    assert [entry.object_id for entry in physics] == [0]
    heavier = load_overrides(FOLDER / "overrides.json").apply(physics)
    assert heavier.objects[0].mass_kg == 5.0
    np.testing.assert_allclose(
        heavier.objects[0].speed_m_s, 2.0 * physics.objects[0].speed_m_s, equal_nan=True
    )
    document = read_sidecar(FOLDER / "disc.pavas.json")
    assert document["seed"] == 0
    assert document["prompt"] == "ball"
    assert PhysicsEstimate.from_json(document["physics"]).dumps() == physics.dumps()


def test_a_damaged_index_is_told_apart_from_an_old_one(tmp_path):
    from pavas_sdk.errors import FormatError

    folder = tmp_path / "copy"
    shutil.copytree(FOLDER / "pipeline", folder)
    (folder / "pavas.json").write_text("{")
    with pytest.raises(FormatError, match=r"pavas\.json"):
        PavasPipeline.from_pretrained(folder)
