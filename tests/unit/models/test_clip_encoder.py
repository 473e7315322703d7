import sys

import numpy as np
import open_clip
import pytest
import torch
from torch.nn import functional as F

from pavas_sdk.data import Video
from pavas_sdk.errors import ConfigurationError, InputError, MissingPluginError, PavasWarning
from pavas_sdk.models import SEQUENCE_16K, CLIPEncoder

SMALL = {
    "embed_dim": 12,
    "image_size": 42,
    "input_size": 48,
    "vision_width": 16,
    "vision_layers": 2,
    "vision_head_width": 8,
    "text_width": 8,
    "text_heads": 2,
    "text_layers": 2,
}


@pytest.fixture
def encoder(randomise):
    return randomise(CLIPEncoder(**SMALL))


@pytest.fixture
def pixels(generator):
    return torch.rand(5, 3, 48, 48, generator=generator)


def test_one_pass_gives_what_open_clip_gives(encoder, pixels):
    with torch.no_grad():
        features = encoder.encode_image(pixels)
        mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
        normal = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        pooled = encoder.model.encode_image(normal, normalize=True)
        encoder.model.visual.output_tokens = True
        tokens = encoder.model.visual(normal)[1]
        encoder.model.visual.output_tokens = False
    assert features.patches.shape == (5, 3, 3, 16)
    torch.testing.assert_close(features.pooled, pooled, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(features.patches.flatten(1, 2), tokens, rtol=1e-5, atol=1e-5)


def test_patches_lie_where_the_picture_shows_them(encoder, pixels):
    """Row 0 is the top, column 0 the left; without layers a patch knows only its own pixels."""
    encoder.model.visual.transformer.resblocks = encoder.model.visual.transformer.resblocks[:1]
    changed = pixels.clone()
    changed[:, :, 14:28, 28:42] = 0.0  # row 1, column 2
    with torch.no_grad():
        for block in encoder.model.visual.transformer.resblocks:
            block.attn.out_proj.weight.zero_()
        before, after = encoder.encode_image(pixels).patches, encoder.encode_image(changed).patches
    moved = (before - after).abs().amax(dim=(0, 3)) > 1e-6
    assert moved.nonzero().tolist() == [[1, 2]]


def test_rows_beyond_the_grid_are_not_seen(encoder, pixels):
    changed = pixels.clone()
    changed[:, :, 42:], changed[..., 42:] = 0.0, 0.0
    with torch.no_grad():
        assert torch.equal(
            encoder.encode_image(pixels).pooled, encoder.encode_image(changed).pooled
        )


def test_frames_are_independent_and_bounded(randomise, pixels):
    whole = randomise(CLIPEncoder(**SMALL, frames_per_batch=5))
    single = CLIPEncoder(**SMALL, frames_per_batch=1).eval()
    single.load_state_dict(whole.state_dict())
    with torch.no_grad():
        a, b = whole.encode_image(pixels), single.encode_image(pixels)
    torch.testing.assert_close(a.pooled, b.pooled, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(a.patches, b.patches, rtol=1e-5, atol=1e-5)


def test_text_tokens(encoder):
    texts = ["", "a dog barks"]
    model = encoder.model
    with torch.no_grad():
        got = encoder.encode_text(texts)
        ids = encoder.tokenize(texts)
        causal = torch.full((77, 77), -torch.inf).triu(1)
        x = model.token_embedding(ids) + model.positional_embedding
        want = F.normalize(model.ln_final(model.transformer(x, attn_mask=causal)), dim=-1)
    assert got.shape == (2, 77, 8)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(got.norm(dim=-1), torch.ones(2, 77))


def test_a_text_that_is_too_long_says_what_is_cut(encoder):
    text = " ".join(["drum"] * 74 + ["and", "thunder"])
    with pytest.warns(PavasWarning, match="76 tokens, of which 75 are used; not used: 'thunder'"):
        ids = encoder.tokenize([text])
    assert ids.shape == (1, 77)
    assert ids[0, -1] == 49407


@pytest.mark.parametrize("duration_s", [0.1, 0.64, 1.0, 5.1, 7.96, 8.0])
def test_frame_times(encoder, duration_s):
    times = encoder.frame_times_s(duration_s)
    assert times.size == max(1, SEQUENCE_16K.clip_length(duration_s))
    np.testing.assert_array_equal(times, np.arange(times.size) / 8.0)


def test_preprocess_squashes(encoder):
    frames = np.zeros((1, 64, 96, 3), dtype=np.uint8)
    frames[:, 32:] = 200
    pixels = encoder.preprocess(Video(frames=frames, times_s=np.zeros(1)))
    assert pixels.shape == (1, 3, 48, 48)
    torch.testing.assert_close(pixels[..., 30:, :], torch.full((1, 3, 18, 48), 200 / 255))


def test_saved_and_loaded(encoder, pixels, tmp_path):
    encoder.save_pretrained(tmp_path)
    again = CLIPEncoder.from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(again.encode_image(pixels).pooled, encoder.encode_image(pixels).pooled)
        assert torch.equal(again.encode_text(["rain"]), encoder.encode_text(["rain"]))


def test_bfloat16(encoder, pixels):
    with torch.no_grad():
        want = encoder.encode_image(pixels).pooled
        half = encoder.to(torch.bfloat16)
        got = half.encode_image(pixels).pooled
        text = half.encode_text(["rain"])
    assert got.dtype == text.dtype == torch.bfloat16
    assert F.cosine_similarity(got.float(), want).min() > 0.99


def test_the_real_size():
    with torch.device("meta"):
        encoder = CLIPEncoder()
        theirs = open_clip.CLIP(**open_clip.get_model_config("ViT-H-14-378-quickgelu"))
    own = {k.removeprefix("model."): v.shape for k, v in encoder.state_dict().items()}
    assert own == {k: v.shape for k, v in theirs.state_dict().items()}
    assert encoder.grid == 27


def test_impossible_requests(encoder):
    with pytest.raises(ConfigurationError, match="different grids"):
        CLIPEncoder(**{**SMALL, "input_size": 64})
    with pytest.raises(InputError, match=r"\(frames, 3, 48, 48\)"):
        encoder.encode_image(torch.zeros(1, 3, 42, 42))


def test_without_open_clip(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(MissingPluginError, match=r"pip install 'pavas-sdk\[mmaudio\]'"):
        CLIPEncoder(**SMALL)
