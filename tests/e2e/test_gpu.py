"""The pipeline on a GPU: the noise of the CPU, the sound of the CPU to rounding, offloading."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pavas_sdk import PavasPipeline
from pavas_sdk.testing import moving_discs

pytestmark = pytest.mark.gpu


def sound(pipe, clip):
    pipe.set_progress_bar_config(disable=True)
    out = pipe(
        clip.source, prompt="a ball", generator=torch.Generator().manual_seed(0), masks=clip.masks
    )
    return out.audio.samples


@pytest.fixture(scope="module")
def clip():
    return moving_discs(1, frames=25)


@pytest.fixture(scope="module")
def on_cpu(clip):
    return sound(PavasPipeline.from_pretrained("pavas-tiny"), clip)


def close(first, second):
    return np.abs(first - second).max() <= 1e-3 * np.abs(second).max()


def test_noise_is_drawn_on_the_cpu_and_the_sound_is_that_of_the_cpu(clip, on_cpu):
    pipe = PavasPipeline.from_pretrained("pavas-tiny").to("cuda")
    seeded = torch.Generator().manual_seed(0)
    assert torch.equal(
        pipe.prepare_latents(10, generator=seeded).cpu(),
        torch.randn(1, 10, pipe.vae.config.latent_channels, generator=seeded.manual_seed(0)),
    )
    assert close(sound(pipe, clip), on_cpu)


def test_offloaded_networks_make_the_same_sound(clip, on_cpu):
    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.enable_model_cpu_offload()
    assert close(sound(pipe, clip), on_cpu)
