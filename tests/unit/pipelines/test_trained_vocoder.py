"""A pipeline at 48 kHz with the trained vocoder: saved, loaded, in pieces, checked for fit."""

import numpy as np
import pytest
import torch

from pavas_sdk.data import Video
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import MEL_48K, GriffinLimVocoder, IstftVocoder, LinearMelCodec
from pavas_sdk.pipelines import PavasPipeline
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

VIDEO = Video(
    frames=np.random.default_rng(0).integers(0, 255, size=(50, 32, 32, 3), dtype=np.uint8),
    times_s=np.arange(50) / 25.0,
)


def at_48k(vocoder=None) -> PavasPipeline:
    old = tiny_pipeline()
    codec = LinearMelCodec.for_mel(MEL_48K, latent_channels=8)
    codec.mean.fill_(-3.0)
    torch.manual_seed(0)
    vocoder = vocoder or IstftVocoder(hidden_dim=16, depth=1, fine_dim=8, fine_depth=1)
    pipe = PavasPipeline(
        **{**old.components, "vae": codec, "vocoder": vocoder.eval()},
        sample_rate_hz=48000,
        hop_length=768,
        name="untrained",
        licence="Apache-2.0",
        num_inference_steps=2,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def sound(pipe: PavasPipeline) -> np.ndarray:
    output = pipe(VIDEO, physics="none", generator=torch.Generator().manual_seed(0))
    assert output.audio.sample_rate_hz == 48000
    return output.audio.samples


def test_saved_and_loaded_it_sounds_the_same(tmp_path):
    pipe = at_48k()
    first = sound(pipe)
    assert first.shape == (1, 96000)
    pipe.save_pretrained(tmp_path)
    loaded = PavasPipeline.from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    assert isinstance(loaded.vocoder, IstftVocoder)
    np.testing.assert_array_equal(sound(loaded), first)


def test_numbers_of_another_rate_are_refused():
    with pytest.raises(ConfigurationError, match="samples per second"):
        at_48k(GriffinLimVocoder())
