"""The embedded weights: small, whole, loadable by their public names, and obedient to physics."""

import json

import numpy as np
import pytest
import torch
from pavas_tiny.preset import folder
from safetensors import safe_open

from pavas_sdk import PavasPipeline
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.simulation import SceneConfig, simulate

_LIMIT_BYTES = 25_000_000


@pytest.fixture(scope="module")
def pipe():
    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_all_files_together_are_at_most_25_mb():
    assert sum(path.stat().st_size for path in folder().rglob("*")) <= _LIMIT_BYTES


def test_the_estimator_beside_the_weights_has_the_settings_of_the_package():
    """Else `pavas generate` and `pavas estimate` say other masses of one clip."""
    kept = json.loads((folder() / "physics_estimator" / "config.json").read_text("utf-8"))
    assert kept == PhysicsEstimator().to_json()


def test_every_tensor_is_finite():
    files = sorted(folder().rglob("*.safetensors"))
    assert len(files) >= 5
    for path in files:
        with safe_open(path, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # not a mapping
                assert torch.isfinite(tensors.get_tensor(name)).all(), (path, name)


def test_the_index_names_public_packages_only():
    index = json.loads((folder() / "model_index.json").read_text())
    modules = {value[0] for value in index.values() if isinstance(value, list) and value[0]}
    modules = {str(module) for module in modules if isinstance(module, str)}
    assert {"pavas_sdk.models", "pavas_phy_adapter"} <= modules


def test_the_card_states_figures_data_and_limits():
    card = (folder() / "README.md").read_text()
    for word in ("simulated", "onset", "Spearman", "APCC", "Limits", "48 kHz"):
        assert word in card


def test_a_clip_gets_a_sound_of_its_length(pipe):
    clip = simulate(19_000_001, SceneConfig(duration_s=2.0, height=64, width=64)).clip
    out = pipe(
        clip.video,
        physics=clip.physics,
        masks=clip.masks,
        level="physical",
        generator=generator(0),
    )
    assert out.audio.samples.shape == (1, 96000)
    assert np.isfinite(out.audio.samples).all()
    assert out.audio.gain_db == pipe.config.output_gain_db


@pytest.mark.parametrize("duration_s", [0.2, 0.7, 1.3])
def test_short_clips(pipe, duration_s):
    clip = simulate(19_000_002, SceneConfig(duration_s=duration_s, height=64, width=64)).clip
    out = pipe(clip.video, physics="none", num_inference_steps=2, generator=generator(0))
    assert out.audio.samples.shape == (1, round(duration_s * 48000))
