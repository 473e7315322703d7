"""Colder noise: what is drawn is scaled, what is given is not, and the sidecar says so."""

import pytest
import torch

from pavas_sdk import PavasPipeline
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.pipelines.noise_temperature import temperature_factors
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


def seeded():
    return torch.Generator().manual_seed(3)


def test_drawn_noise_is_scaled_and_given_noise_is_not():
    plain, cold = tiny_pipeline(adapter=False), tiny_pipeline(adapter=False, noise_temperature=0.5)
    drawn = plain.prepare_latents(8, generator=seeded())
    torch.testing.assert_close(
        cold.prepare_latents(8, generator=seeded()), 0.5 * drawn, rtol=0, atol=0
    )
    given = torch.randn(8, drawn.shape[2], generator=seeded())
    torch.testing.assert_close(cold.prepare_latents(8, latents=given)[0], given, rtol=0, atol=0)


def test_it_is_heard_recorded_and_saved(tmp_path):
    clip = moving_discs(1)
    cold = tiny_pipeline(adapter=False, noise_temperature=0.5)
    out = cold(clip.video, physics="none", generator=seeded())
    warm = tiny_pipeline(adapter=False)(clip.video, physics="none", generator=seeded())
    assert (out.provenance["noise_temperature"], warm.provenance["noise_temperature"]) == (0.5, 1.0)
    assert (out.audio.samples != warm.audio.samples).any()
    cold.save_pretrained(tmp_path / "cold")
    again = PavasPipeline.from_pretrained(tmp_path / "cold")
    assert again.config.noise_temperature == 0.5


def test_channels_may_differ(tmp_path):
    plain = tiny_pipeline(adapter=False).prepare_latents(8, generator=seeded())
    mixed = tiny_pipeline(adapter=False, noise_temperature={"4": 1.1, "0": 0.9})
    assert mixed.config.noise_temperature == {"0": 0.9, "4": 1.1}
    mixed.save_pretrained(tmp_path / "mixed")
    again = PavasPipeline.from_pretrained(tmp_path / "mixed")
    assert again.config.noise_temperature == {"0": 0.9, "4": 1.1}
    drawn = again.prepare_latents(8, generator=seeded())
    torch.testing.assert_close(drawn[..., :4], 0.9 * plain[..., :4])
    torch.testing.assert_close(drawn[..., 4:], 1.1 * plain[..., 4:])


def test_channels_beyond_the_last_hold_for_none():
    factors = temperature_factors({"0": 0.5, "2": 1.0, "9": 2.0}, 3)
    assert factors.tolist() == [0.5, 0.5, 1.0]


@pytest.mark.parametrize(
    "temperature", [0.0, -1.0, 2.5, float("nan"), {"0": 0.0}, {"0": 1.0, "3": 3.0}]
)
def test_impossible_ones_are_refused(temperature):
    with pytest.raises(ConfigurationError, match="above 0 and at most 2"):
        tiny_pipeline(adapter=False, noise_temperature=temperature)


@pytest.mark.parametrize("temperature", [{}, {"1": 0.9}, {"-1": 0.9, "0": 1.0}])
def test_channels_begin_with_the_first(temperature):
    with pytest.raises(ConfigurationError, match="begins with channel 0"):
        tiny_pipeline(adapter=False, noise_temperature=temperature)


def test_words_are_no_channels():
    with pytest.raises(ConfigurationError, match="takes channels and temperatures"):
        tiny_pipeline(adapter=False, noise_temperature={"all": 0.9})
