"""LinearMelCodec: directions of largest variance, exact where channels suffice."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import InputError
from pavas_sdk.models import LinearMelCodec


def mels(batch: int = 3, frames: int = 64, bins: int = 8, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    slow = torch.randn(batch, 2, frames, generator=generator)
    mix = torch.randn(bins, 2, generator=generator)
    return mix @ slow + 0.01 * torch.randn(batch, bins, frames, generator=generator) - 3.0


def test_all_channels_are_lossless():
    codec = LinearMelCodec(mel_bins=8, latent_channels=16)
    mel = mels()
    codec.fit(mel)
    torch.testing.assert_close(codec.decode(codec.encode(mel).mean), mel, rtol=0, atol=1e-4)


def test_directions_are_orthonormal_and_the_spread_is_that_of_the_latents():
    codec = LinearMelCodec(mel_bins=8, latent_channels=6)
    mel = mels()
    std = codec.fit(mel)
    gram = codec.components @ codec.components.T
    torch.testing.assert_close(gram, torch.eye(6), rtol=0, atol=1e-5)
    latents = codec.encode(mel).mean.transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close(latents.mean(0), torch.zeros(6), rtol=0, atol=1e-4)
    torch.testing.assert_close(latents.std(0, correction=0), std, rtol=1e-3, atol=1e-4)
    assert (std.diff() <= 1e-6).all()


def test_more_channels_never_lose_more():
    mel = mels(bins=10, seed=3) + 0.3 * torch.randn(
        3, 10, 64, generator=torch.Generator().manual_seed(1)
    )
    errors = []
    for channels in (1, 3, 8, 20):
        codec = LinearMelCodec(mel_bins=10, latent_channels=channels)
        codec.fit(mel)
        errors.append(float((codec.decode(codec.encode(mel).mean) - mel).square().mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-8


def test_fit_does_not_depend_on_the_sign_of_an_eigenvector():
    one, two = (LinearMelCodec(mel_bins=8, latent_channels=4) for _ in range(2))
    one.fit(mels())
    two.fit(mels().flip(0))
    torch.testing.assert_close(one.components, two.components, rtol=0, atol=1e-4)


@given(frames=st.integers(2, 21), per_latent=st.integers(1, 3))
def test_left_over_frames_are_ignored(frames, per_latent):
    codec = LinearMelCodec(mel_bins=8, latent_channels=4, frames_per_latent=per_latent)
    if frames < per_latent:
        return
    posterior = codec.encode(torch.zeros(2, 8, frames))
    assert posterior.mean.shape == (2, 4, frames // per_latent)
    assert codec.decode(posterior.mean).shape == (2, 8, frames // per_latent * per_latent)
    assert torch.equal(posterior.sample(), posterior.mean)  # no spread


def test_save_and_load(tmp_path):
    codec = LinearMelCodec(mel_bins=8, latent_channels=4)
    codec.fit(mels())
    codec.save_pretrained(tmp_path)
    loaded = LinearMelCodec.from_pretrained(tmp_path)
    assert torch.equal(loaded.encode(mels()).mean, codec.encode(mels()).mean)


@pytest.mark.parametrize("channels", [0, 17])
def test_impossible_numbers_of_channels(channels):
    with pytest.raises(InputError, match="between 1 and 16"):
        LinearMelCodec(mel_bins=8, latent_channels=channels)


def test_wrong_shapes_are_named():
    codec = LinearMelCodec(mel_bins=8, latent_channels=4)
    with pytest.raises(InputError, match="8, frames"):
        codec.encode(torch.zeros(1, 9, 4))
    with pytest.raises(InputError, match="4, length"):
        codec.decode(torch.zeros(1, 5, 4))
    with pytest.raises(InputError, match="cannot fix 4 directions"):
        codec.fit(torch.zeros(1, 8, 6))
