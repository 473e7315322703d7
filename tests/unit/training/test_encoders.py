"""Encoders learn what they are taught."""

import numpy as np
import pytest
import torch

from pavas_sdk.errors import InputError
from pavas_sdk.models import TinySyncEncoder, TinyVisualEncoder
from pavas_sdk.training import ClipStore, EncoderTraining
from pavas_sdk.training.sync_encoder import train_sync_encoder
from pavas_sdk.training.visual_encoder import train_visual_encoder


def test_sync_encoder_learns_and_freezes(store_folder):
    torch.manual_seed(0)
    encoder = TinySyncEncoder(widths=(8, 8, 16, 16), hidden_dim=32, dilations=(1, 2))
    training = EncoderTraining(steps=24, batch=4, frames=32)
    losses = train_sync_encoder(encoder, ClipStore(store_folder), np.arange(10), training)
    assert len(losses) == 24
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_visual_encoder_learns_and_freezes(store_folder):
    torch.manual_seed(0)
    encoder = TinyVisualEncoder(widths=(8, 16, 16), patch_dim=16, pooled_dim=16)
    training = EncoderTraining(steps=24, batch=6, frames=2)
    losses = train_visual_encoder(encoder, ClipStore(store_folder), np.arange(10), training)
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_the_same_seed_gives_the_same_encoder(store_folder):
    store = ClipStore(store_folder)
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        encoder = TinySyncEncoder(widths=(8, 8, 8, 8), hidden_dim=16, dilations=(1,))
        train_sync_encoder(encoder, store, np.arange(10), EncoderTraining(steps=2, batch=2))
        results.append(torch.cat([p.flatten() for p in encoder.parameters()]))
    assert torch.equal(*results)


def test_frames_of_another_size_are_refused(store_folder):
    encoder = TinySyncEncoder(image_size=128, stem_stride=4)
    with pytest.raises(InputError, match="64 px, the encoder takes 128"):
        train_sync_encoder(encoder, ClipStore(store_folder), np.arange(4), EncoderTraining(steps=1))
