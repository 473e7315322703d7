import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.models.embeddings import (
    RotaryTables,
    TimeEmbedding,
    apply_rotary,
    rotary_table,
    time_features,
    time_frequencies,
)


def test_rotation_of_neighbouring_pairs(generator):
    x = torch.randn(1, 1, 3, 4, generator=generator)
    got = apply_rotary(x, rotary_table(3, 4)).numpy()
    for position in range(3):
        for pair, frequency in enumerate((1.0, 0.01)):
            angle = position * frequency
            a, b = x[0, 0, position, 2 * pair : 2 * pair + 2].tolist()
            want = [
                a * math.cos(angle) - b * math.sin(angle),
                a * math.sin(angle) + b * math.cos(angle),
            ]
            np.testing.assert_allclose(
                got[0, 0, position, 2 * pair : 2 * pair + 2], want, atol=1e-6
            )


@given(length=st.integers(1, 40), other=st.integers(1, 40))
def test_scaled_streams_share_a_time_axis(length, other):
    """Position i of `other` tokens rotates like position i * length / other of `length` tokens."""
    scaled = rotary_table(other, 8, frequency_scale=length / other)
    angles = np.arange(other)[:, None] * (length / other) * 10000.0 ** (-np.arange(0, 8, 2) / 8)
    np.testing.assert_allclose(scaled.numpy(), np.exp(1j * angles), atol=1e-4)


def test_scores_depend_on_distance_only(generator):
    q, k = torch.randn(2, 1, 1, 1, 16, generator=generator)
    table = rotary_table(30, 16)
    rotated_q = apply_rotary(q.expand(1, 1, 30, 16), table)[0, 0]
    rotated_k = apply_rotary(k.expand(1, 1, 30, 16), table)[0, 0]
    scores = rotated_q @ rotated_k.T
    torch.testing.assert_close(scores.diagonal(3), scores[3, 6].expand(27), rtol=0, atol=1e-4)


def test_rotation_keeps_dtype_and_computes_in_float32(generator):
    x = torch.randn(1, 2, 50, 8, generator=generator).to(torch.bfloat16)
    table = rotary_table(50, 8)
    got = apply_rotary(x, table)
    assert got.dtype == torch.bfloat16
    assert torch.equal(got, apply_rotary(x.float(), table).to(torch.bfloat16))


def test_tables_are_cached_and_bounded():
    tables = RotaryTables(8, max_entries=3)
    device = torch.device("cpu")
    first = tables.get(5, device)
    assert tables.get(5, device) is first
    assert tables.get(5, device, 2.0) is not first
    for length in range(6, 20):
        assert tables.get(length, device).shape == (length, 4)
        assert len(tables._tables) <= 3


def test_tables_made_in_inference_mode_serve_training():
    tables = RotaryTables(8)
    with torch.inference_mode():
        tables.get(4, torch.device("cpu"))
    x = torch.randn(1, 1, 4, 8, requires_grad=True)
    apply_rotary(x, tables.get(4, torch.device("cpu"))).square().sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(("width", "scale"), [(256, 1.0), (896, 10000.0), (6, 3.0)])
def test_time_frequencies(width, scale):
    frequencies = time_frequencies(width, scale)
    assert frequencies.dtype == torch.float32
    want = scale / 10000.0 ** (np.arange(0, width, 2) / width)
    np.testing.assert_allclose(frequencies.numpy(), want, rtol=1e-6)


def test_time_features_put_cosines_first():
    features = time_features(torch.tensor([0.0, 1.0]), 8, 2.0)
    torch.testing.assert_close(features[0], torch.tensor([1.0] * 4 + [0.0] * 4))
    assert features[1, 0].item() == pytest.approx(math.cos(2.0))
    assert features[1, 4].item() == pytest.approx(math.sin(2.0))


def test_time_embedding_rounds_only_its_features_in_bfloat16(generator):
    embedding = TimeEmbedding(8, 16, 10000.0)
    t = torch.rand(3, generator=generator)
    low = embedding.to(torch.bfloat16)
    out = low(t)
    assert out.shape == (3, 8)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, low.mlp(time_features(t, 16, 10000.0).to(torch.bfloat16)))
