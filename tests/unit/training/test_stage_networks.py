"""What a killed training leaves behind is never taken for a finished stage."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pavas_sdk.models import LinearMelCodec, TinySyncEncoder, TinyVisualEncoder
from pavas_sdk.training.features import write_features
from pavas_sdk.training.stage_networks import is_saved, save_network
from pavas_sdk.training.store import ClipStore


class Interrupted(LinearMelCodec):
    """Ends between configuration and weights, where a kill would."""

    __module__ = "pavas_sdk.models"

    def state_dict(self, *args, **kwargs):
        raise KeyboardInterrupt


def test_a_network_is_there_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "vae"
    with pytest.raises(KeyboardInterrupt):
        save_network(Interrupted(mel_bins=8, latent_channels=4), folder)
    assert not is_saved(folder)
    codec = LinearMelCodec(mel_bins=8, latent_channels=4)
    save_network(codec, folder)
    assert is_saved(folder)
    again = LinearMelCodec.from_pretrained(folder)
    torch.testing.assert_close(again.components, codec.components)
    assert [path.name for path in tmp_path.iterdir()] == ["vae"]


def test_a_network_replaces_the_one_before(tmp_path):
    first, second = (LinearMelCodec(mel_bins=8, latent_channels=c) for c in (4, 6))
    save_network(first, tmp_path / "vae")
    save_network(second, tmp_path / "vae")
    assert LinearMelCodec.from_pretrained(tmp_path / "vae").config.latent_channels == 6


def test_features_are_there_whole_or_not_at_all(store_folder, tmp_path, monkeypatch):
    store = ClipStore(store_folder)
    visual = TinyVisualEncoder(image_size=store.config.image_size)
    sync = TinySyncEncoder(image_size=store.config.grey_size)
    codec = LinearMelCodec(mel_bins=80, latent_channels=8)
    path = tmp_path / "features.npz"

    def killed(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", killed)
        with pytest.raises(KeyboardInterrupt):
            write_features(store, visual, sync, codec, path, clips=[0])
    assert list(tmp_path.iterdir()) == []
    write_features(store, visual, sync, codec, path, clips=[0])
    with np.load(path) as kept:
        assert kept["latents"].shape[0] == 1
