"""Encoding a window: its own times, read once and in pieces, at the size that encoders need."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pavas_sdk.media import MemorySource
from pavas_sdk.models import SEQUENCE_16K, Synchformer
from pavas_sdk.pipelines import encoding
from pavas_sdk.pipelines.encoding import encode_window
from pavas_sdk.pipelines.windows import LatentWindow


def test_a_window_is_encoded_at_its_own_times(pipe, clip):
    window = LatentWindow(start=0, length=10, start_s=0.4, duration_s=0.32)
    got = encode_window(pipe.clip, pipe.sync_encoder, MemorySource(clip.video), window)
    np.testing.assert_allclose(got.times_s, 0.4 + np.arange(8) / 25)
    frames = clip.video.at_times(got.times_s)
    with torch.no_grad():
        direct = pipe.clip.encode_image(pipe.clip.preprocess(frames))
        sync = pipe.sync_encoder.encode(pipe.sync_encoder.preprocess(frames))
    assert torch.equal(got.pooled[0], direct.pooled)
    assert torch.equal(got.patches[0], direct.patches)
    assert torch.equal(got.sync[0], sync)


def test_reading_in_small_pieces_changes_nothing(pipe, clip, monkeypatch):
    window = LatentWindow(start=0, length=31, start_s=0.0, duration_s=1.0)
    whole = encode_window(pipe.clip, pipe.sync_encoder, MemorySource(clip.video), window)
    monkeypatch.setattr(encoding, "_CHUNK_BYTES", 3 * clip.video.frames[0].nbytes)
    pieces = encode_window(pipe.clip, pipe.sync_encoder, MemorySource(clip.video), window)
    assert torch.equal(whole.pooled, pieces.pooled)
    assert torch.equal(whole.sync, pieces.sync)


class _Recording(MemorySource):
    def __init__(self, video):
        super().__init__(video)
        self.asked = []

    def frames_at(self, times_s, *, max_side=None):
        self.asked.append(max_side)
        return super().frames_at(times_s, max_side=max_side)


def test_pictures_are_read_once_at_the_size_that_encoders_need(pipe, clip):
    source = _Recording(clip.video)
    encode_window(
        pipe.clip,
        pipe.sync_encoder,
        source,
        LatentWindow(start=0, length=31, start_s=0.0, duration_s=1.0),
    )
    assert source.asked == [pipe.clip.max_frame_side]


@pytest.mark.parametrize("size", [16, 720])
def test_encoders_take_any_picture_size(pipe, size):
    from pavas_sdk.testing import moving_discs

    clip = moving_discs(1, frames=4, height=size, width=size)
    got = pipe.encode_video(clip.video)
    assert got.patches.shape[2] == got.patches.shape[3] == 4
    assert torch.isfinite(got.sync).all()


def test_synchformer_gives_as_many_features_as_the_released_backbones_expect():
    with torch.device("meta"):
        encoder = Synchformer()
    for duration_s in np.arange(0.1, 12.0, 0.07):
        frames = encoder.frame_times_s(duration_s).size
        assert encoder.feature_count(frames) == SEQUENCE_16K.sync_length(duration_s)
