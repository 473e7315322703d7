"""The default adapter on the released networks: it fits all five, adds little, changes nothing yet."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmaudio_world import PRESET, write_official

from pavas_sdk import (
    MaskTrack,
    PavasPipeline,
    default_registry,
)
from pavas_sdk.models import TRANSFORMER_VARIANTS, build_transformer
from pavas_sdk.pipelines.adapter_inputs import adapter_inputs
from pavas_sdk.testing import moving_discs

PATCH_DIM = 1280  # of ViT-H


def adapter_class():
    return default_registry().get("conditioning_adapter").load()


@pytest.mark.parametrize("variant", TRANSFORMER_VARIANTS)
def test_it_attaches_to_every_variant(variant):
    with torch.device("meta"):
        network = build_transformer(variant)
        adapter = adapter_class().for_transformer(network, patch_dim=PATCH_DIM)
        state = adapter.null_state(1, 64)
    times = np.arange(64) / 8.0
    latent_times = (np.arange(40) + 0.5) / 5.0
    adapter.to_empty(device="cpu")
    deltas = adapter.modulation(
        type(state)(mass=torch.zeros(1, 64, 768), speed=torch.zeros(1, 64, 768)),
        times,
        latent_times,
    )
    sites = {site.name: site for site in network.modulation_sites if site.stream == "audio"}
    assert set(deltas) == set(sites)
    for name, delta in deltas.items():
        assert delta.shape[2] == len(sites[name].params) * sites[name].dim
        assert delta.shape[1] == (40 if sites[name].per_token else 1)


def test_the_paper_counts_about_ten_million_parameters_on_the_large_one():
    with torch.device("meta"):
        network = build_transformer("large_44k_v2")
        adapter = adapter_class().for_transformer(network, patch_dim=PATCH_DIM)
    added = sum(parameter.numel() for parameter in adapter.parameters())
    assert 8e6 <= added <= 12e6, f"{added:,}"


@pytest.fixture(scope="module")
def pipes(tmp_path_factory):
    """A tiny released pipeline, and the same with a fresh adapter on it."""
    official = write_official(tmp_path_factory.mktemp("official"))
    folder = PRESET.convert(tmp_path_factory.mktemp("converted") / "tiny", official)
    plain = PavasPipeline.from_pretrained(folder)
    adapter = adapter_class().for_transformer(plain.transformer, patch_dim=32, hidden_dim=16)
    attached = PavasPipeline.from_pretrained(folder, conditioning_adapter=adapter)
    for pipe in (plain, attached):
        pipe.set_progress_bar_config(disable=True)
    return plain, attached


@pytest.fixture(scope="module")
def film():
    return moving_discs(1, frames=16)


def test_a_fresh_adapter_leaves_the_sound_as_it_is(pipes, film):
    plain, attached = pipes
    physics = film.physics
    options = {"num_inference_steps": 1, "output_type": "latent", "prompt": "ball"}
    first = plain(film.video, generator=torch.Generator().manual_seed(0), **options).audio
    second = attached(
        film.video,
        physics=physics,
        masks=film.masks,
        generator=torch.Generator().manual_seed(0),
        **options,
    ).audio
    assert torch.equal(first, second)
    # and once it has learned something, physics reaches the sound
    for parameter in attached.conditioning_adapter.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    third, fourth = (
        attached(
            film.video,
            physics=physics.with_mass(0, mass),
            masks=film.masks,
            generator=torch.Generator().manual_seed(0),
            **options,
        ).audio
        for mass in (0.1, 10.0)
    )
    assert not torch.equal(third, fourth)


def test_masks_reach_the_grid_of_27_by_27(pipes, film):
    _, attached = pipes
    (window,) = attached.plan_windows(film.video.duration_s)
    features = attached.encode_video(film.video, window)
    assert features.patches.shape[2:4] == (27, 27)
    inputs = adapter_inputs(film.physics.objects, film.masks, features.times_s, 27)
    assert inputs.masks.shape[-2:] == (27, 27)
    share = inputs.masks.mean().item()
    track: MaskTrack = film.masks[0]
    assert share == pytest.approx(float(track.masks.mean()), rel=0.2)
    assert 0.0 < inputs.masks.max().item() <= 1.0
