"""Deliberate mistakes in vocoder, encoders and codec: each must make a golden fail."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import test_mel
import test_preprocess
import torch
from goldens import CALL, of_kind, stored_slice
from networks import filled_bigvgan, filled_clip, filled_synchformer, filled_vae
from torch.nn import functional as F

from pavas_sdk.errors import PavasWarning
from pavas_sdk.models import bigvgan, frame_pixels
from pavas_sdk.models import synchformer as synchformer_module
from pavas_sdk.models import vae as vae_module
from pavas_sdk.models.mel import MelSpectrogram


@pytest.fixture(autouse=True)
def plain_networks(monkeypatch):
    """The mistakes are made in the networks as they are written, which kernels pass by."""
    monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")


def cheapest(kind, source, **properties):
    """The golden of a kind with these properties whose input is smallest; None if there is none."""
    goldens = (
        golden
        for golden in of_kind(kind)
        if source in golden.entry["inputs"] and properties.items() <= golden.entry.items()
    )
    return min(goldens, key=lambda g: math.prod(g.entry["inputs"][source]["shape"]), default=None)


def error(golden, name, actual):
    got = stored_slice(actual.numpy(), golden.entry["tensors"][name].get("slice"))
    want = golden.tensors[name].astype(np.float64)
    assert got.shape == want.shape
    return np.linalg.norm(got - want) / np.linalg.norm(want)


def shows(golden, name, actual):
    """The mistake is well outside the tolerance of a call."""
    return error(golden, name, actual) > 2 * CALL[0]


def needs(golden):
    return pytest.mark.skipif(golden is None, reason="the folder has no such golden")


# -- vocoder ---------------------------------------------------------------------------------------

VOCODER = cheapest("bigvgan_", "mel", mode="16k")


@pytest.fixture(scope="module")
def vocoder():
    return filled_bigvgan(VOCODER)


def wave(vocoder):
    with torch.no_grad():
        return vocoder(VOCODER.input("mel"))


@needs(VOCODER)
def test_vocoder_is_right_before_the_mistakes(vocoder):
    assert error(VOCODER, "wave", wave(vocoder)) < CALL[0]


@needs(VOCODER)
def test_snake_parameters_taken_as_they_are_stored(vocoder, monkeypatch):
    def forward(self, x):
        return x + torch.sin(x * self.alpha[:, None]).square() / (self.beta[:, None] + 1e-9)

    monkeypatch.setattr(bigvgan.SnakeBeta, "forward", forward)
    assert shows(VOCODER, "wave", wave(vocoder))


@needs(VOCODER)
def test_no_oversampling(vocoder, monkeypatch):
    monkeypatch.setattr(bigvgan.OversampledActivation, "forward", lambda self, x: self.act(x))
    assert shows(VOCODER, "wave", wave(vocoder))


@needs(VOCODER)
def test_oversampling_padded_with_zeros(vocoder, monkeypatch):
    pad = F.pad
    monkeypatch.setattr(bigvgan.F, "pad", lambda x, sides, mode: pad(x, sides))
    assert shows(VOCODER, "wave", wave(vocoder))


@needs(VOCODER)
def test_clamped_instead_of_tanh(vocoder, monkeypatch):
    monkeypatch.setattr(bigvgan.BigVGAN, "_squash", lambda self, x: x.clamp(-1.0, 1.0))
    assert shows(VOCODER, "wave", wave(vocoder))


@needs(VOCODER)
def test_blocks_fed_one_after_the_other(vocoder):
    def feed_on(module, arguments, output):
        module.next_input = output

    hooks = []
    for index, block in enumerate(vocoder.resblocks):
        if index % 3:
            before = vocoder.resblocks[index - 1]
            hooks.append(block.register_forward_pre_hook(lambda m, a, b=before: (b.next_input,)))
        hooks.append(block.register_forward_hook(feed_on))
    try:
        assert shows(VOCODER, "wave", wave(vocoder))
    finally:
        for hook in hooks:
            hook.remove()


@needs(VOCODER)
def test_weight_norm_over_output_channels_of_a_transposed_convolution(vocoder):
    up = vocoder.ups[5][0]
    right = up.weight.data.clone()
    stem = f"{VOCODER.prefix}ups.5.0."
    from name_seeded import fill

    direction = torch.from_numpy(fill(f"{stem}weight_v", right.shape))
    gain = torch.from_numpy(fill(f"{stem}weight_g", (right.shape[0], 1, 1)))
    try:
        up.weight.data.copy_(gain * direction / direction.norm(dim=(0, 2), keepdim=True))
        assert shows(VOCODER, "wave", wave(vocoder))
    finally:
        up.weight.data.copy_(right)


# -- synchronisation encoder -----------------------------------------------------------------------

SYNC = cheapest("synchformer_", "frames")
# What the first block answers tells right from wrong, at a twelfth of the time.
SYNC_TENSOR = "mid.block0" if SYNC and "mid.block0" in SYNC.entry["tensors"] else "features"


@pytest.fixture(scope="module")
def synchformer():
    encoder = filled_synchformer(SYNC)
    if SYNC_TENSOR == "mid.block0":
        encoder.blocks = encoder.blocks[:1]
    return encoder


@pytest.fixture
def sync_error(synchformer):
    """Relative error of the first block's stored tokens; of the features if there are none."""

    def measure():
        seen = []
        hook = synchformer.blocks[0].register_forward_hook(lambda *a: seen.append(a[2]))
        try:
            with torch.no_grad():
                features = synchformer(SYNC.input("frames"))
        finally:
            hook.remove()
        results = {"mid.block0": torch.cat(seen), "features": features}
        return error(SYNC, SYNC_TENSOR, results[SYNC_TENSOR])

    return measure


@needs(SYNC)
def test_synchformer_is_right_before_the_mistakes(sync_error):
    assert sync_error() < CALL[0]


@needs(SYNC)
def test_space_before_time(sync_error, monkeypatch):
    def forward(self, x, frames):
        x = x + self.attn(self.norm1(x), frames, over_time=False)
        x = x + self.timeattn(self.norm3(x), frames, over_time=True)
        return x + self.mlp(self.norm2(x))

    monkeypatch.setattr(synchformer_module.SpaceTimeBlock, "forward", forward)
    assert sync_error() > 2 * CALL[0]


@needs(SYNC)
def test_time_attention_with_the_norm_of_space(sync_error, monkeypatch):
    def forward(self, x, frames):
        x = x + self.timeattn(self.norm1(x), frames, over_time=True)
        x = x + self.attn(self.norm1(x), frames, over_time=False)
        return x + self.mlp(self.norm2(x))

    monkeypatch.setattr(synchformer_module.SpaceTimeBlock, "forward", forward)
    assert sync_error() > 2 * CALL[0]


@needs(SYNC)
def test_queries_keys_values_interleaved(synchformer, sync_error):
    qkv = synchformer.blocks[0].attn.qkv
    right = qkv.weight.data.clone()
    try:
        qkv.weight.data.copy_(right.unflatten(0, (-1, 3)).transpose(0, 1).flatten(0, 1))
        assert sync_error() > 2 * CALL[0]
    finally:
        qkv.weight.data.copy_(right)


@needs(SYNC)
def test_approximate_gelu(sync_error, monkeypatch):
    gelu = F.gelu
    monkeypatch.setattr(synchformer_module.F, "gelu", lambda x: gelu(x, approximate="tanh"))
    assert sync_error() > 2 * CALL[0]


@needs(SYNC)
def test_layer_norm_with_the_usual_epsilon(synchformer, sync_error):
    norms = [m for m in synchformer.modules() if isinstance(m, torch.nn.LayerNorm)]
    try:
        for norm in norms:
            norm.eps = 1e-3  # 1e-5 moves unit-variance tokens by 5e-6 only, which is rounding
        assert sync_error() > 2 * CALL[0]
    finally:
        for norm in norms:
            norm.eps = 1e-6


# -- CLIP ------------------------------------------------------------------------------------------

CLIP = cheapest("clip_", "frames")


@pytest.fixture(scope="module")
def clip():
    return filled_clip(CLIP)


def images(clip, frames):
    with torch.no_grad():
        pooled = clip.encode_image(frames).pooled
    return pooled.unflatten(0, CLIP.entry["tensors"]["image_features"]["shape"][:2])


@needs(CLIP)
def test_pictures_a_little_too_small(clip):
    frames = CLIP.input("frames").flatten(0, 1)
    assert not shows(CLIP, "image_features", images(clip, frames))
    side = frames.shape[-1]
    smaller = F.interpolate(frames, size=(side - 6, side - 6), mode="bicubic", antialias=True)
    padded = F.pad(smaller, (0, 6, 0, 6))  # 378 of 384: no patch lies beyond
    assert shows(CLIP, "image_features", images(clip, padded))


@needs(CLIP)
def test_pictures_not_normalised(clip, monkeypatch):
    frames = CLIP.input("frames").flatten(0, 1)
    from pavas_sdk.models import clip_encoder

    monkeypatch.setattr(clip_encoder, "_MEAN", (0.0, 0.0, 0.0))
    monkeypatch.setattr(clip_encoder, "_STD", (1.0, 1.0, 1.0))
    assert shows(CLIP, "image_features", images(clip, frames))


@needs(CLIP)
@pytest.mark.parametrize(
    "mistake",
    [pytest.param(None, id="none"), "no unit length", "no causal mask", "no final norm", "gelu"],
)
def test_text_mistakes(clip, mistake):
    model = clip.model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PavasWarning)  # the reference cut long texts, too
        ids = clip.tokenize(CLIP.entry["texts"])
    length = ids.shape[1]
    with torch.no_grad():
        x = model.token_embedding(ids) + model.positional_embedding
        mask = torch.full((length, length), -torch.inf).triu(1)
        mask = None if mistake == "no causal mask" else mask
        if mistake == "gelu":
            for block in model.transformer.resblocks:
                block.mlp.gelu, kept = torch.nn.GELU(), block.mlp.gelu
        x = model.transformer(x, attn_mask=mask)
        if mistake == "gelu":
            for block in model.transformer.resblocks:
                block.mlp.gelu = kept
        x = x if mistake == "no final norm" else model.ln_final(x)
        x = x if mistake == "no unit length" else F.normalize(x, dim=-1)
    assert shows(CLIP, "text_features", x) == (mistake is not None)


# -- pictures --------------------------------------------------------------------------------------


def shrinkage(case):
    """Side of a case's source over the side that it is resized to; below 1 it grows."""
    golden, name = case.values
    encoder, size = name.split("_")
    *_, height, width = golden.entry["inputs"][size]["shape"]
    side = golden.entry["tensors"][name]["shape"][-1]
    return (max if encoder == "clip" else min)(height, width) / side


# The filter shows wherever the size changes, antialiasing where pictures shrink.
RESIZED = [case for case in test_preprocess.CASES if shrinkage(case) != 1]
MOST_SHRUNK = max((case for case in RESIZED if shrinkage(case) > 1), key=shrinkage, default=None)


def resized_otherwise(monkeypatch, **changed):
    interpolate = F.interpolate
    monkeypatch.setattr(
        frame_pixels.F, "interpolate", lambda x, **kw: interpolate(x, **{**kw, **changed})
    )


@pytest.mark.parametrize(("golden", "name"), RESIZED)
def test_pictures_resized_bilinearly(monkeypatch, golden, name):
    resized_otherwise(monkeypatch, mode="bilinear")
    with pytest.raises(AssertionError):
        test_preprocess.test_preprocess(golden, name)


@pytest.mark.skipif(MOST_SHRUNK is None, reason="the folder has no picture that shrinks")
def test_pictures_shrunk_without_antialiasing(monkeypatch):
    resized_otherwise(monkeypatch, antialias=False)
    with pytest.raises(AssertionError):
        test_preprocess.test_preprocess(*MOST_SHRUNK.values)


# -- codec -----------------------------------------------------------------------------------------

VAE = cheapest("vae_", "z", mode="16k")


@pytest.fixture(scope="module")
def vae():
    return filled_vae(VAE)


def decoded(vae):
    with torch.no_grad():
        return vae.decode(VAE.input("z"))


@needs(VAE)
def test_codec_is_right_before_the_mistakes(vae):
    assert not shows(VAE, "decode.mel", decoded(vae))


@needs(VAE)
def test_codec_weights_not_normalised(vae, monkeypatch):
    monkeypatch.setattr(
        vae_module.ScaledConv,
        "channel_scale",
        lambda self: torch.full((self.weight.shape[0],), self.weight[0].numel() ** -0.5),
    )
    assert shows(VAE, "decode.mel", decoded(vae))


@needs(VAE)
def test_codec_values_not_normalised(vae, monkeypatch):
    right = vae_module.pixel_norm

    def no_norm_of_values(x, dim=1):
        normal = right(x, dim)
        if x.ndim == 4:
            normal[:, :, 2] = x[:, :, 2]
        return normal

    monkeypatch.setattr(vae_module, "pixel_norm", no_norm_of_values)
    assert shows(VAE, "decode.mel", decoded(vae))


@needs(VAE)
def test_codec_without_its_gain(vae):
    gain = vae.decoder.learnable_gain
    right = gain.data.clone()
    try:
        gain.data.zero_()
        assert shows(VAE, "decode.mel", decoded(vae))
    finally:
        gain.data.copy_(right)


# -- mel -------------------------------------------------------------------------------------------

MEL = min(
    (golden for golden in of_kind("mel_") if golden.entry["mode"] == "16k"),
    key=lambda golden: golden.entry["samples"],
    default=None,
)


@needs(MEL)
def test_natural_logarithm_at_16_khz():
    entry = MEL.entry
    config = replace(test_mel.CONFIGS[entry["mode"]], logarithm="ln")
    wave = test_mel.waveform(entry["samples"], entry["sampling_rate"], entry["wave_variant"])
    mel = stored_slice(MelSpectrogram(config)(wave).numpy(), entry["tensors"]["mel"].get("slice"))
    assert np.abs(mel - MEL.tensors["mel"]).max() > 1e-2
