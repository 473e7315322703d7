"""Tiny encoders: grids that fit masks, rows that spread over the clip, words that are known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import MaskTrack, Video
from pavas_sdk.errors import InputError
from pavas_sdk.models import TinySyncEncoder, TinyVisualEncoder
from pavas_sdk.models.tiny_frames import frames_to_pixels
from pavas_sdk.models.tiny_text import TINY_SYNONYMS, TINY_VOCABULARY, known_words


@pytest.fixture(scope="module")
def visual():
    torch.manual_seed(0)
    return TinyVisualEncoder().eval()


@pytest.fixture(scope="module")
def sync():
    torch.manual_seed(0)
    return TinySyncEncoder().eval()


def video(frames: int, height: int = 48, width: int = 96, seed: int = 0) -> Video:
    pixels = np.random.default_rng(seed).integers(
        0, 255, (frames, height, width, 3), dtype=np.uint8
    )
    return Video(frames=pixels, times_s=np.arange(frames) / 25)


def test_pixels_are_area_means_of_the_whole_picture():
    clip = video(3, 128, 256)
    pixels = frames_to_pixels(clip, 64)
    assert pixels.shape == (3, 3, 64, 64)
    blocks = clip.frames.reshape(3, 64, 2, 64, 4, 3).mean(axis=(2, 4)) / 255.0
    np.testing.assert_allclose(pixels.permute(0, 2, 3, 1).numpy(), blocks, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(3, 3), (64, 64), (37, 201)])
def test_any_size_of_picture(visual, height, width):
    pixels = visual.preprocess(video(2, height, width))
    features = visual.encode_image(pixels)
    assert features.pooled.shape == (2, 64)
    assert features.patches.shape == (2, 8, 8, 64)
    assert torch.isfinite(features.patches).all()


@torch.no_grad()
def test_patches_and_mask_grid_cover_the_same_part_of_the_picture(visual):
    dark = np.full((1, 60, 180, 3), 90, dtype=np.uint8)
    lit = dark.copy()
    lit[0, :15, 135:] = 250  # top right corner
    mask = (lit != dark).any(axis=3)
    grid = MaskTrack(
        object_id=0, masks=mask, times_s=np.zeros(1), scores=np.ones(1, dtype=np.float32)
    ).grid(8)[0]
    change = (
        visual.encode_image(visual.preprocess(Video(frames=lit, times_s=np.zeros(1)))).patches
        - visual.encode_image(visual.preprocess(Video(frames=dark, times_s=np.zeros(1)))).patches
    )[0].norm(dim=-1)
    assert float(change[torch.tensor(grid) > 0].min()) > 0.0
    row, column = divmod(int(change.argmax()), 8)
    assert row <= 3
    assert column >= 4


def test_frames_do_not_depend_on_each_other(visual):
    pixels = visual.preprocess(video(5))
    alone = visual.encode_image(pixels[2:3])
    torch.testing.assert_close(
        visual.encode_image(pixels).patches[2:3], alone.patches, rtol=1e-4, atol=1e-5
    )


@given(duration=st.floats(0.2, 30.0))
def test_frame_times_lie_in_the_clip(duration):
    for encoder in (TinyVisualEncoder, TinySyncEncoder):
        times = encoder.frame_times_s(_Rate(), duration)
        assert times[0] == 0.0
        assert times[-1] < duration
        assert times.size == max(1, int(np.ceil(duration * 25 - 1e-6)))


class _Rate:
    class config:  # noqa: N801
        frame_rate_hz = 25.0


@pytest.mark.parametrize("frames", [1, 5, 8, 12, 100])
def test_sync_features_come_in_whole_segments(sync, frames):
    features = sync.encode(sync.preprocess(video(frames)))
    assert features.shape == (8 * int(np.ceil(frames / 4)), 64)
    assert features.shape[0] == sync.feature_count(frames)
    assert torch.isfinite(features).all()


def test_a_wide_first_step_sees_larger_frames():
    encoder = TinySyncEncoder(image_size=128, stem_stride=4).eval()
    assert encoder.flatten_head.in_features == TinySyncEncoder().flatten_head.in_features
    frames = np.full((8, 128, 128, 3), 80, dtype=np.uint8)
    clip = Video(frames=frames, times_s=np.arange(8) / 25)
    before = encoder.encode(encoder.preprocess(clip))
    for row in range(0, 128, 9):  # no pixel is skipped
        spot = frames.copy()
        spot[4, row, 127 - row] = 255
        after = encoder.encode(encoder.preprocess(Video(frames=spot, times_s=clip.times_s)))
        assert not torch.equal(before, after)


def test_whole_segments_are_not_stretched(sync):
    pixels = sync.preprocess(video(12))
    rows = sync.encode_frames(sync.changes(sync.grey(pixels))[None])[0]
    assert torch.equal(sync.encode(pixels), rows)


@torch.no_grad()
def test_a_change_in_the_picture_shows_at_its_time(sync):
    frames = np.full((100, 64, 64, 3), 80, dtype=np.uint8)
    moved = frames.copy()
    moved[60:, 20:40, 20:40] = 220
    change = (
        sync.encode(sync.preprocess(Video(frames=moved, times_s=np.arange(100) / 25)))
        - sync.encode(sync.preprocess(Video(frames=frames, times_s=np.arange(100) / 25)))
    ).norm(dim=1)
    near = change[100:140].mean()
    far = change[:60].mean()
    assert float(far) < 0.05 * float(near)


def test_differences_vanish_in_a_still_clip(sync):
    still = Video(frames=np.full((6, 64, 64, 3), 100, dtype=np.uint8), times_s=np.arange(6) / 25)
    rows = sync.changes(sync.grey(sync.preprocess(still)))
    assert float(rows[:, 1:].abs().max()) == 0.0


def test_known_words_and_synonyms():
    def words(text: str) -> list[str]:
        return [TINY_VOCABULARY[i] for i in known_words(text, TINY_VOCABULARY, TINY_SYNONYMS, 12)]

    assert words("A wooden ball, dropped on concrete!") == ["wood", "ball", "drop", "concrete"]
    assert words("Steel rods hitting a rug") == ["metal", "stick", "strike", "carpet"]
    assert words("ball ball balls") == ["ball"]
    assert words("something unheard of") == []
    assert all(value in TINY_VOCABULARY for value in TINY_SYNONYMS.values())


@given(st.text(max_size=80))
def test_any_text_is_a_text(text):
    found = known_words(text, TINY_VOCABULARY, TINY_SYNONYMS, 5)
    assert len(found) <= 5
    assert len(set(found)) == len(found)


def test_text_tokens(visual):
    tokens = visual.encode_text(["glass ball", "", "qwertz"])
    assert tokens.shape == (3, 12, 64)
    assert float(tokens[0, :2].abs().sum()) > 0.0
    assert float(tokens[0, 2:].abs().sum()) == 0.0
    assert float(tokens[1:].abs().sum()) == 0.0


@pytest.mark.parametrize("cls", [TinyVisualEncoder, TinySyncEncoder])
def test_save_and_load(cls, tmp_path):
    torch.manual_seed(1)
    encoder = cls().eval()
    encoder.save_pretrained(tmp_path)
    loaded = cls.from_pretrained(tmp_path).eval()
    pixels = encoder.preprocess(video(4))
    if cls is TinySyncEncoder:
        assert torch.equal(loaded.encode(pixels), encoder.encode(pixels))
    else:
        assert torch.equal(
            loaded.encode_image(pixels).patches, encoder.encode_image(pixels).patches
        )
        assert torch.equal(loaded.encode_text(["drop"]), encoder.encode_text(["drop"]))


def test_impossible_sizes_and_shapes(visual, sync):
    with pytest.raises(InputError, match="multiple of 8"):
        TinyVisualEncoder(image_size=60)
    with pytest.raises(InputError, match="multiple of 16"):
        TinySyncEncoder(image_size=72)
    with pytest.raises(InputError, match="multiple of 32"):
        TinySyncEncoder(image_size=112, stem_stride=4)
    with pytest.raises(InputError, match=r"frames, 3, 64, 64"):
        visual.encode_image(torch.zeros(2, 3, 32, 32))
    with pytest.raises(InputError, match="at least one frame"):
        sync.encode(torch.zeros(0, 3, 64, 64))
