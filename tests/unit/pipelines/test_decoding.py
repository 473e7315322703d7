"""Pieces: the same spectrogram as in one go, and joins that cannot be heard."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import InputError
from pavas_sdk.models import GriffinLimVocoder, LinearMelCodec
from pavas_sdk.pipelines.decoding import Decoder, _join, plan_pieces
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


@given(total=st.integers(1, 3000), piece=st.integers(2, 300), overlap=st.integers(0, 64))
def test_pieces_cover_everything_in_order(total, piece, overlap):
    pieces = plan_pieces(total, piece, overlap)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == total
    for (start, stop), (later, later_stop) in itertools.pairwise(pieces):
        assert start < later <= stop <= later_stop
        assert stop - later >= min(overlap, piece // 2)
    assert all(stop - start == min(piece, total) for start, stop in pieces)


@pytest.fixture(scope="module")
def decoder():
    vae = LinearMelCodec(mel_bins=80, latent_channels=12, frames_per_latent=2)
    torch.manual_seed(0)
    vae.mean.copy_(torch.randn(160) * 0.2 - 2.0)
    return Decoder(
        vae=vae,
        vocoder=GriffinLimVocoder(iterations=2),
        hop_length=256,
        frames_per_latent=2,
        piece_latents=40,
    )


def latents(length, seed=0):
    return 0.3 * torch.randn(1, length, 12, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("length", [1, 39, 40, 41, 100, 137])
def test_a_linear_codec_in_pieces_gives_the_whole_spectrogram(decoder, length):
    codes = latents(length)
    whole = decoder.vae.decode(codes.transpose(1, 2))[0]
    np.testing.assert_allclose(decoder.mel(codes), whole, atol=1e-5)


@pytest.mark.parametrize("length", [4, 40, 41, 100])
def test_the_waveform_has_all_samples_and_is_finite(decoder, length):
    samples = decoder.samples(latents(length))
    assert samples.shape == (1, length * 512)
    assert np.isfinite(samples).all()
    assert (np.abs(samples).reshape(length, 512).max(axis=1) > 0).all()  # no hole at a join


def test_levels_do_not_sag_at_joins(decoder):
    codes = torch.zeros(1, 200, 12)  # a steady sound
    samples = decoder.samples(codes)[0]
    level = np.sqrt((samples.reshape(-1, 1024) ** 2).mean(axis=1))[2:-2]
    assert level.min() > 0.5 * np.median(level)


def test_a_join_of_equal_signals_changes_nothing():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(2, 1000)).astype(np.float32)
    out = np.zeros_like(signal)
    out[:, :600] = signal[:, :600]
    _join(out, signal[:, 400:], 400, 600, fade=50)
    np.testing.assert_allclose(out, signal, atol=1e-6)


def test_a_join_lies_where_it_is_quiet():
    loud = np.ones((1, 400), dtype=np.float32)
    loud[:, 290:330] = 0.0
    other = -np.ones((1, 200), dtype=np.float32)
    other[:, 90:130] = 0.0
    out = np.zeros((1, 400), dtype=np.float32)
    out[:, :400] = loud
    _join(out, other, 200, 400, fade=20)
    assert set(np.unique(out)) == {-1.0, 0.0, 1.0}  # the cross-fade fell into the silence
    assert (out[:, :290] == 1.0).all()
    assert (out[:, 330:] == -1.0).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_latents_that_are_no_numbers_are_refused(value):
    pipe = tiny_pipeline()
    latents = torch.zeros(1, 20, pipe.vae.config["latent_channels"])
    latents[0, 3, 0] = value
    with pytest.raises(InputError, match=r"NaN or infinite \(it computes in float32\)"):
        pipe.decode_latents(latents, duration_s=0.4)
