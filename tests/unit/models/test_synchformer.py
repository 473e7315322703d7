import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pavas_sdk.data import Video
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import SEQUENCE_16K, Synchformer
from pavas_sdk.models.synchformer import DividedAttention, SpatialPooling

SMALL = {"image_size": 32, "hidden_dim": 16, "num_heads": 2, "depth": 2, "mlp_dim": 24}


@pytest.fixture
def encoder(randomise):
    return randomise(Synchformer(**SMALL))


@pytest.fixture
def pixels(generator):
    return torch.randn(40, 3, 32, 32, generator=generator)


def masked_attention(module, x, groups):
    """The same by one attention over all tokens with a mask; ``groups`` numbers the patches."""
    batch, count = x.shape[:2]
    q, k, v = module.qkv(x).view(batch, count, 3, module.num_heads, -1).permute(2, 0, 3, 1, 4)
    allowed = torch.ones(count, count, dtype=torch.bool)
    allowed[1:, 1:] = groups[:, None] == groups[None]
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    return module.proj(out.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("over_time", [True, False])
def test_divided_attention(generator, randomise, over_time):
    module = randomise(DividedAttention(16, 2))
    frames, places = 3, 5
    x = torch.randn(2, 1 + frames * places, 16, generator=generator)
    number = torch.arange(frames * places)
    groups = number % places if over_time else number // places
    with torch.no_grad():
        got = module(x, frames, over_time=over_time)
        torch.testing.assert_close(got, masked_attention(module, x, groups), rtol=1e-5, atol=1e-5)
    with_gradients = module(x, frames, over_time=over_time)  # never by a kernel
    torch.testing.assert_close(got, with_gradients, rtol=1e-5, atol=1e-5)
    with_gradients.sum().backward()
    assert module.qkv.weight.grad.abs().sum() > 0


def test_pooling_is_the_class_row_of_an_encoder_layer(generator, randomise):
    pooling = randomise(SpatialPooling(16, 2, 24))
    layer = torch.nn.TransformerEncoderLayer(
        16, 2, 24, activation=F.gelu, layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    state = {k: v for k, v in pooling.state_dict().items() if k != "cls_token"}
    layer.load_state_dict(state, strict=True)
    layer.train()  # without dropout: the fused path of evaluation has other rounding
    layer.dropout.p = layer.dropout1.p = layer.dropout2.p = layer.self_attn.dropout = 0.0
    tokens = torch.randn(3, 7, 16, generator=generator)
    with torch.no_grad():
        want = layer(torch.cat([pooling.cls_token.expand(3, 1, 16), tokens], dim=1))[:, 0]
        torch.testing.assert_close(pooling(tokens), want, rtol=1e-5, atol=1e-5)


def test_segments_overlap_by_half_and_are_laid_end_to_end(encoder, pixels):
    with torch.no_grad():
        features = encoder.encode(pixels)
        assert features.shape == (4 * 8, 16)  # 40 frames: segments begin at 0, 8, 16, 24
        for segment in range(4):
            part = encoder.encode(pixels[8 * segment : 8 * segment + 16])
            torch.testing.assert_close(
                features[8 * segment : 8 * segment + 8], part, rtol=1e-4, atol=1e-5
            )
        # frames after the last whole segment are not used
        assert torch.equal(encoder.encode(pixels[:39]), encoder.encode(pixels[:32]))
        batched = encoder(pixels[:32].reshape(1, 2, 16, 3, 32, 32))
    assert batched.shape == (1, 2, 8, 16)


def test_segments_of_a_batch_are_independent(encoder, pixels, monkeypatch):
    """As a GPU takes them: several segments in one tensor."""
    monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
    segments = pixels.unfold(0, 16, 8).movedim(-1, 1)
    with torch.no_grad():
        together = encoder.encode_segments(segments)
        alone = torch.cat([encoder.encode_segments(one) for one in segments.split(1)])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("duration_s", "frames"),
    [(0.63, 0), (0.64, 16), (0.95, 16), (0.96, 24), (7.96, 192), (8.0, 200), (7.9995, 200)],
)
def test_frame_times(encoder, duration_s, frames):
    times = encoder.frame_times_s(duration_s)
    np.testing.assert_array_equal(times, np.arange(frames) / 25.0)
    if duration_s != 7.9995:  # a container that rounds to milliseconds loses no frame
        assert encoder.segment_count(frames) == SEQUENCE_16K.sync_segments(duration_s)


def test_preprocess_crops_the_middle(encoder):
    frames = np.zeros((2, 64, 96, 3), dtype=np.uint8)
    frames[:, :, 16:80] = 255  # the middle square
    pixels = encoder.preprocess(Video(frames=frames, times_s=np.arange(2) / 25))
    assert pixels.shape == (2, 3, 32, 32)
    assert pixels[..., 1:-1].min() == 1.0
    turned = np.ascontiguousarray(frames.transpose(0, 2, 1, 3))
    upright = encoder.preprocess(Video(frames=turned, times_s=np.arange(2) / 25))
    torch.testing.assert_close(upright, pixels.transpose(2, 3))


def test_saved_and_loaded(encoder, pixels, tmp_path):
    encoder.save_pretrained(tmp_path)
    with torch.no_grad():
        again = Synchformer.from_pretrained(tmp_path).encode(pixels[:16])
        assert torch.equal(again, encoder.encode(pixels[:16]))


def test_every_parameter_is_used(encoder, pixels):
    encoder.encode(pixels[:16]).square().sum().backward()
    unused = [name for name, p in encoder.named_parameters() if p.grad is None]
    # the query weights of the pooling are rows of one matrix, so they count as used
    assert unused == []


def test_wrong_input(encoder):
    with pytest.raises(InputError, match="at least 16 frames"):
        encoder.encode(torch.zeros(15, 3, 32, 32))
    with pytest.raises(InputError, match=r"\(frames, 3, 32, 32\)"):
        encoder.encode(torch.zeros(16, 3, 30, 32))
    with pytest.raises(ConfigurationError, match="patch_size must divide"):
        Synchformer(**{**SMALL, "image_size": 30})
