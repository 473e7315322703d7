"""Encoders learn what they are taught."""

import numpy as np
import pytest
import torch

from pavas_sdk.errors import InputError
from pavas_sdk.models import TinyImpactDetector, TinySyncEncoder, TinyVisualEncoder
from pavas_sdk.training import ClipStore, EncoderTraining
from pavas_sdk.training.impact_detector import changed_pictures, train_impact_detector
from pavas_sdk.training.impact_speeds import impact_speeds, train_impact_speeds
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


SMALL_DETECTOR = {"stem_stride": 2, "widths": (8, 8, 16, 16), "hidden_dim": 32, "dilations": (1, 2)}


def test_impact_detector_learns_and_freezes(store_folder):
    torch.manual_seed(0)
    detector = TinyImpactDetector(image_size=64, **SMALL_DETECTOR)
    training = EncoderTraining(steps=24, batch=4, frames=32)
    losses = train_impact_detector(detector, ClipStore(store_folder), np.arange(10), training)
    assert len(losses) == 24
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert not any(parameter.requires_grad for parameter in detector.parameters())
    with pytest.raises(InputError, match="64 px, the detector takes 128"):
        train_impact_detector(TinyImpactDetector(), ClipStore(store_folder), np.arange(4), training)


def test_the_head_for_speeds_learns_and_nothing_else_changes(store_folder):
    torch.manual_seed(0)
    store = ClipStore(store_folder)
    detector = TinyImpactDetector(image_size=64, **SMALL_DETECTOR)
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    training = EncoderTraining(steps=40, batch=6, frames=32)
    losses = train_impact_speeds(detector, store, np.arange(10), training)
    assert np.mean(losses[-8:]) < 0.7 * np.mean(losses[:8])
    changed = {
        name.split(".")[0]
        for name, value in detector.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {"speed_head"}
    with pytest.raises(InputError, match="64 px, the detector takes 128"):
        train_impact_speeds(TinyImpactDetector(), store, np.arange(4), training)


def test_speeds_of_impacts_are_those_whose_energy_is_lost(store_folder):
    store = ClipStore(store_folder)
    counted = 0
    for clip in range(len(store)):
        take, mass = store.facts[clip]["takes"][0], store.get("mass_kg", clip)[0]
        for time_s, speed_m_s in zip(*impact_speeds(store, clip), strict=True):
            near = np.abs(np.asarray(take["times_s"]) - time_s) < 0.03
            energy = np.asarray(take["energy_change_j"])[near].max()
            made = 0.5 * mass[np.isfinite(mass)] * speed_m_s**2
            assert np.isclose(made, energy, rtol=1e-4).any()
            counted += 1
    assert counted > 3


def test_changed_pictures_stay_pictures_of_the_same_clip():
    rng = np.random.default_rng(2)
    clip = torch.rand(1, 1, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)[0]
    still = clip.expand(6, 64, 64)
    moved = 0
    for _ in range(20):
        seen = changed_pictures(still, rng)
        assert seen.shape == still.shape
        assert 0.0 <= float(seen.min()) <= float(seen.max()) <= 1.0
        moved += float((seen[1:] - seen[:-1]).abs().mean()) > 0.05
    assert moved <= 12  # but for shake and noise, what stands still stands still
