import math

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_mmaudio import MMAudioVAE
from diffusers.pipelines.pipeline_loading_utils import _fetch_class_library_tuple
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import AutoencoderMel, build_vae
from pavas_sdk.models.vae import (
    AttentionBlock,
    ResidualBlock,
    ScaledConv,
    activate,
    mix,
    pixel_norm,
)


def prepared(weight):
    """The effective weight, by the formula, in float64."""
    w = weight.detach().double().numpy()
    rms = np.sqrt((w**2).mean(axis=(1, 2), keepdims=True))
    return torch.from_numpy(w / (rms + 1e-4) / math.sqrt(w[0].size)).float()


@pytest.fixture
def vae(generator, randomise):
    vae = randomise(AutoencoderMel(mel_bins=6, latent_channels=3, base_width=8))
    vae.data_mean.copy_(torch.randn(1, 6, 1, generator=generator))
    vae.data_std.copy_(torch.rand(1, 6, 1, generator=generator) + 0.5)
    return vae


@pytest.mark.parametrize("size", [1e-4, 1.0, 50.0])
def test_convolution_uses_prepared_weights(generator, size):
    conv = ScaledConv(5, 7, 3)
    with torch.no_grad():
        conv.weight.copy_(size * torch.randn(7, 5, 3, generator=generator))
    x = torch.randn(2, 5, 9, generator=generator)
    want = F.conv1d(x, prepared(conv.weight), padding=1)
    torch.testing.assert_close(conv(x), want, rtol=1e-4, atol=1e-5)
    gain = torch.tensor(1.5)
    torch.testing.assert_close(conv(x, gain), 1.5 * want, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_equals_the_one_of_diffusers(vae, generator):
    """Another implementation, which takes weights that are normalised already."""
    theirs = MMAudioVAE(mel_bins=6, latent_channels=3, hidden_channels=8).eval()
    state = vae.state_dict()
    for name, module in vae.named_modules():
        if isinstance(module, ScaledConv):
            state[f"{name}.weight"] = prepared(module.weight)
    theirs.vae.load_state_dict(state)
    mel, z = (torch.randn(2, n, 12, generator=generator) for n in (6, 3))
    torch.testing.assert_close(vae.decode(z), theirs.decode(z).sample, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        vae.encode(mel).parameters, theirs.vae.encode(mel), rtol=1e-4, atol=1e-5
    )


def test_magnitude_is_preserved(generator):
    x = torch.randn(1, 64, 4000, generator=generator)
    conv = ScaledConv(64, 64, 3)
    assert conv(x).std().item() == pytest.approx(1.0, abs=0.05)
    assert mix(x, torch.randn(x.shape, generator=generator)).std().item() == pytest.approx(
        1, abs=0.05
    )
    assert activate(x).square().mean().sqrt().item() == pytest.approx(1, abs=0.05)


def test_stored_weights_stay_as_they_are(vae, generator, tmp_path):
    before = {key: value.clone() for key, value in vae.state_dict().items()}
    with torch.no_grad():
        mel = torch.randn(1, 6, 8, generator=generator)
        out = vae(mel)
    assert all(torch.equal(value, before[key]) for key, value in vae.state_dict().items())
    vae.save_pretrained(tmp_path)
    loaded = AutoencoderMel.from_pretrained(tmp_path)
    again = tmp_path / "again"
    loaded.save_pretrained(again)
    twice = AutoencoderMel.from_pretrained(again)
    assert all(torch.equal(value, before[key]) for key, value in twice.state_dict().items())
    with torch.no_grad():
        assert torch.equal(twice(mel), out)


def test_pixel_norm_over_channels(generator):
    x = 40 * torch.randn(2, 16, 5, generator=generator)
    torch.testing.assert_close(pixel_norm(x).square().mean(1), torch.ones(2, 5), rtol=1e-4, atol=0)
    assert torch.equal(pixel_norm(torch.zeros(1, 4, 2)), torch.zeros(1, 4, 2))


def test_residual_block_formula(generator):
    block = ResidualBlock(4, 6)
    x = torch.randn(1, 4, 9, generator=generator)
    normal = x / (x.square().mean(1, keepdim=True).sqrt() + 1e-4)
    h = F.conv1d(F.silu(normal) / 0.596, prepared(block.conv1.weight), padding=1)
    h = F.conv1d(F.silu(h) / 0.596, prepared(block.conv2.weight), padding=1)
    short = F.conv1d(normal, prepared(block.nin_shortcut.weight))
    want = (0.7 * short + 0.3 * h) / math.sqrt(0.58)
    torch.testing.assert_close(block(x), want, rtol=1e-4, atol=1e-5)


def test_attention_block_formula(generator):
    block = AttentionBlock(4)
    x = torch.randn(1, 4, 9, generator=generator)
    qkv = F.conv1d(x, prepared(block.qkv.weight))[0]
    q, k, v = (qkv[j::3] for j in range(3))  # channel c * 3 + j
    q, k, v = (part / (part.square().mean(0).sqrt() + 1e-4) for part in (q, k, v))
    scores = torch.softmax(q.T @ k / 2.0, dim=-1)
    out = F.conv1d((scores @ v.T).T[None], prepared(block.proj_out.weight))
    torch.testing.assert_close(block(x), mix(x, out), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("frames", "latents"), [(2, 1), (16, 8), (17, 8)])
def test_encoding_halves_the_rate_and_loses_an_odd_frame(vae, generator, frames, latents):
    mel = torch.randn(2, 6, frames, generator=generator)
    with torch.no_grad():
        posterior = vae.encode(mel)
        assert posterior.mean.shape == (2, 3, latents)
        assert posterior.std.shape == (2, 3, latents)
        assert (posterior.std > 0).all()
        assert vae.decode(posterior.mean).shape == (2, 6, 2 * latents)


def test_statistics_of_the_data_are_removed_and_restored(vae, generator):
    mel = torch.randn(1, 6, 8, generator=generator)
    with torch.no_grad():
        shifted = vae.encode(mel * vae.data_std + vae.data_mean).mean
        torch.testing.assert_close(
            shifted, vae.encoder(mel).chunk(2, dim=1)[0], rtol=1e-3, atol=1e-4
        )
        z = torch.randn(1, 3, 4, generator=generator)
        torch.testing.assert_close(vae.decode(z), vae.decoder(z) * vae.data_std + vae.data_mean)


def test_output_gain_is_learned(vae, generator):
    z = torch.randn(1, 3, 4, generator=generator)
    with torch.no_grad():
        vae.decoder.learnable_gain.zero_()
        plain = vae.decoder(z)
        vae.decoder.learnable_gain.fill_(0.5)
        torch.testing.assert_close(vae.decoder(z), 1.5 * plain)


def test_every_parameter_gets_a_gradient(vae, generator):
    vae(torch.randn(2, 6, 8, generator=generator)).square().mean().backward()
    without = [n for n, p in vae.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert without == []


def test_bfloat16(vae, generator):
    mel = torch.randn(1, 6, 8, generator=generator)
    with torch.no_grad():
        want = vae(mel)
        got = vae.to(torch.bfloat16)(mel.to(torch.bfloat16))
    assert got.dtype == torch.bfloat16
    assert (got.float() - want).norm() / want.norm() < 0.1


def test_sequence_and_public_name(vae):
    assert vae.sequence.latent_length(8.0) == 250
    assert _fetch_class_library_tuple(vae) == ("pavas_sdk.models", "AutoencoderMel")


def test_inputs_that_do_not_fit(vae):
    with pytest.raises(InputError, match=r"mel has shape \(1, 5, 8\), expected \(batch, 6"):
        vae.encode(torch.zeros(1, 5, 8))
    with pytest.raises(InputError, match="at least 2 frames"):
        vae.encode(torch.zeros(1, 6, 1))
    with pytest.raises(InputError, match=r"latents have shape \(1, 8, 3\)"):
        vae.decode(torch.zeros(1, 8, 3))
    with pytest.raises(ConfigurationError, match="at least two levels"):
        AutoencoderMel(width_multipliers=(1,))
    with pytest.raises(ConfigurationError, match="unknown codec mode '48k'"):
        build_vae("48k")
