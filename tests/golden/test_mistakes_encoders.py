"""Deliberate mistakes in vocoder, encoders and codec: each must make a golden fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from goldens import CALL, of_kind
from networks import filled_bigvgan, filled_clip, filled_synchformer
from torch.nn import functional as F

from pavas_sdk.models import bigvgan, build_vae, frame_pixels, mel_for_mode
from pavas_sdk.models import synchformer as synchformer_module
from pavas_sdk.models import vae as vae_module
from pavas_sdk.models.mel import MelSpectrogram


def first(kind):
    return next(iter(of_kind(kind)), None)


def error(golden, name, actual):
    got, want = actual.numpy().astype(np.float64), golden.tensors[name].astype(np.float64)
    assert got.shape == want.shape
    return np.linalg.norm(got - want) / np.linalg.norm(want)


def shows(golden, name, actual):
    """The mistake is well outside the tolerance of a call."""
    return error(golden, name, actual) > 2 * CALL[0]


def needs(golden):
    return pytest.mark.skipif(golden is None, reason="the folder has no such golden")


# -- vocoder ---------------------------------------------------------------------------------------

VOCODER = first("bigvgan_16k")


@pytest.fixture(scope="module")
def vocoder():
    return filled_bigvgan(VOCODER)


def wave(vocoder):
    with torch.no_grad():
        return vocoder.forward_plain(VOCODER.input("mel"))


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

SYNC = first("synchformer_")


@pytest.fixture(scope="module")
def synchformer():
    encoder = filled_synchformer(SYNC)
    # The first block tells right from wrong, at a twelfth of the time.
    encoder.blocks = encoder.blocks[:1]
    return encoder


@pytest.fixture
def first_block(synchformer):
    """Relative error of the first block's stored tokens."""

    def measure():
        seen = []
        hook = synchformer.blocks[0].register_forward_hook(lambda *a: seen.append(a[2]))
        try:
            with torch.no_grad():
                synchformer(SYNC.input("frames"))
        finally:
            hook.remove()
        from goldens import stored_slice

        spec = SYNC.entry["tensors"]["mid.block0"]
        got = stored_slice(seen[0].numpy(), spec.get("slice"))
        return np.linalg.norm(got - SYNC.tensors["mid.block0"]) / np.linalg.norm(
            SYNC.tensors["mid.block0"]
        )

    return measure


@needs(SYNC)
def test_synchformer_is_right_before_the_mistakes(first_block):
    assert first_block() < CALL[0]


@needs(SYNC)
def test_space_before_time(first_block, monkeypatch):
    def forward(self, x, frames):
        x = x + self.attn(self.norm1(x), frames, over_time=False)
        x = x + self.timeattn(self.norm3(x), frames, over_time=True)
        return x + self.mlp(self.norm2(x))

    monkeypatch.setattr(synchformer_module.SpaceTimeBlock, "forward", forward)
    assert first_block() > 2 * CALL[0]


@needs(SYNC)
def test_time_attention_with_the_norm_of_space(first_block, monkeypatch):
    def forward(self, x, frames):
        x = x + self.timeattn(self.norm1(x), frames, over_time=True)
        x = x + self.attn(self.norm1(x), frames, over_time=False)
        return x + self.mlp(self.norm2(x))

    monkeypatch.setattr(synchformer_module.SpaceTimeBlock, "forward", forward)
    assert first_block() > 2 * CALL[0]


@needs(SYNC)
def test_queries_keys_values_interleaved(synchformer, first_block):
    qkv = synchformer.blocks[0].attn.qkv
    right = qkv.weight.data.clone()
    try:
        qkv.weight.data.copy_(right.unflatten(0, (-1, 3)).transpose(0, 1).flatten(0, 1))
        assert first_block() > 2 * CALL[0]
    finally:
        qkv.weight.data.copy_(right)


@needs(SYNC)
def test_approximate_gelu(first_block, monkeypatch):
    gelu = F.gelu
    monkeypatch.setattr(synchformer_module.F, "gelu", lambda x: gelu(x, approximate="tanh"))
    assert first_block() > 2 * CALL[0]


@needs(SYNC)
def test_layer_norm_with_the_usual_epsilon(synchformer, first_block):
    norms = [m for m in synchformer.modules() if isinstance(m, torch.nn.LayerNorm)]
    try:
        for norm in norms:
            norm.eps = 1e-3  # 1e-5 moves unit-variance tokens by 5e-6 only, which is rounding
        assert first_block() > 2 * CALL[0]
    finally:
        for norm in norms:
            norm.eps = 1e-6


# -- CLIP ------------------------------------------------------------------------------------------

CLIP = first("clip_")


@pytest.fixture(scope="module")
def clip():
    return filled_clip(CLIP)


def images(clip, frames):
    with torch.no_grad():
        pooled = clip.encode_image(frames).pooled
    return pooled.unflatten(0, CLIP.entry["tensors"]["image_features"]["shape"][:2])


@needs(CLIP)
def test_pictures_at_378_instead_of_384(clip, monkeypatch):
    frames = CLIP.input("frames").flatten(0, 1)
    assert not shows(CLIP, "image_features", images(clip, frames))
    smaller = F.interpolate(frames, size=(378, 378), mode="bicubic", antialias=True)
    padded = F.pad(smaller, (0, 6, 0, 6))  # what lies beyond the grid is not looked at
    assert shows(CLIP, "image_features", images(clip, padded))


@needs(CLIP)
def test_pictures_not_normalised(clip, monkeypatch):
    frames = CLIP.input("frames").flatten(0, 1)
    from pavas_sdk.models import clip_encoder

    monkeypatch.setattr(clip_encoder, "_MEAN", (0.0, 0.0, 0.0))
    monkeypatch.setattr(clip_encoder, "_STD", (1.0, 1.0, 1.0))
    assert shows(CLIP, "image_features", images(clip, frames))


@needs(CLIP)
@pytest.mark.parametrize("mistake", ["no unit length", "no causal mask", "no final norm", "gelu"])
def test_text_mistakes(clip, mistake):
    model = clip.model
    ids = clip.tokenize([text for text in CLIP.entry["texts"] if len(text) < 300])
    with torch.no_grad():
        x = model.token_embedding(ids) + model.positional_embedding
        mask = None if mistake == "no causal mask" else torch.full((77, 77), -torch.inf).triu(1)
        if mistake == "gelu":
            for block in model.transformer.resblocks:
                block.mlp.gelu, kept = torch.nn.GELU(), block.mlp.gelu
        x = model.transformer(x, attn_mask=mask)
        if mistake == "gelu":
            for block in model.transformer.resblocks:
                block.mlp.gelu = kept
        x = x if mistake == "no final norm" else model.ln_final(x)
        x = x if mistake == "no unit length" else F.normalize(x, dim=-1)
    rows = [i for i, text in enumerate(CLIP.entry["texts"]) if len(text) < 300]
    want = torch.from_numpy(CLIP.tensors["text_features"][rows])
    assert ((x - want).norm() / want.norm()).item() > 2 * CALL[0]


# -- pictures --------------------------------------------------------------------------------------

PICTURES = first("preprocess")


@needs(PICTURES)
@pytest.mark.parametrize(
    "changed", [{"mode": "bilinear"}, {"antialias": False}], ids=["bilinear", "not antialiased"]
)
def test_another_resize(monkeypatch, changed):
    from test_preprocess import CASES, test_preprocess

    interpolate = F.interpolate
    monkeypatch.setattr(
        frame_pixels.F, "interpolate", lambda x, **kw: interpolate(x, **{**kw, **changed})
    )
    resized = [case.values for case in CASES if case.values[1] == "clip_480x270"]
    for golden, name in resized:
        with pytest.raises(AssertionError):
            test_preprocess(golden, name)


# -- codec -----------------------------------------------------------------------------------------

VAE = first("vae_16k")


@pytest.fixture(scope="module")
def vae():
    with torch.device("meta"):
        codec = build_vae(VAE.entry["mode"])
    return VAE.fill_weights(codec)


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

MEL = first("mel_16k")


@needs(MEL)
def test_natural_logarithm_at_16_khz():
    from dataclasses import replace

    from test_mel import waveform

    entry = MEL.entry
    config = replace(mel_for_mode(entry["mode"]), logarithm="ln")
    wave = waveform(entry["samples"], entry["sampling_rate"], entry["wave_variant"])
    difference = MelSpectrogram(config)(wave).numpy() - MEL.tensors["mel"]
    assert np.abs(difference).max() > 1e-2
