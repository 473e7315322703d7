import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from pavas_sdk.models.layers import (
    ChannelLastConv,
    ConvGatedMLP,
    GatedMLP,
    QueryKeyNorm,
    gated_width,
    modulate,
)


def test_released_inner_widths():
    assert gated_width(4 * 448, 256) == 1280
    assert gated_width(4 * 896, 256) == 2560


@given(nominal=st.integers(1, 10_000), multiple=st.integers(1, 512))
def test_inner_width_is_the_next_multiple_of_two_thirds(nominal, multiple):
    inner = gated_width(nominal, multiple)
    assert inner % multiple == 0
    assert 0 <= inner - math.floor(2 * nominal / 3) < multiple


def test_modulate_broadcasts_over_tokens(generator):
    x = torch.randn(2, 5, 3, generator=generator)
    shift, scale = torch.randn(2, 2, 1, 3, generator=generator)
    torch.testing.assert_close(modulate(x, shift, scale), x * (1 + scale) + shift)
    per_token = torch.randn(2, 5, 3, generator=generator)
    torch.testing.assert_close(modulate(x, per_token, scale), x * (1 + scale) + per_token)


def test_convolution_against_a_sum_over_taps(generator):
    conv = ChannelLastConv(3, 4, 5)
    x = torch.randn(2, 7, 3, generator=generator)
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    padded = np.pad(x.numpy(), ((0, 0), (2, 2), (0, 0)))
    want = sum(padded[:, tap : tap + 7] @ weight[:, :, tap].T for tap in range(5)) + bias
    np.testing.assert_allclose(conv(x).detach().numpy(), want, atol=1e-6)


def test_convolution_needs_an_odd_kernel():
    with pytest.raises(ValueError, match="odd"):
        ChannelLastConv(3, 4, 4)


def test_gated_mlp_formula(generator):
    mlp = GatedMLP(6, 24, 8)
    assert mlp.w1.weight.shape == (16, 6)
    x = torch.randn(2, 3, 6, generator=generator)
    want = (F.silu(x @ mlp.w1.weight.T) * (x @ mlp.w3.weight.T)) @ mlp.w2.weight.T
    torch.testing.assert_close(mlp(x), want)


def test_conv_gated_mlp_with_kernel_one_is_the_plain_one(generator):
    plain, conv = GatedMLP(6, 24, 8), ConvGatedMLP(6, 24, 8, kernel_size=1)
    conv.load_state_dict({k: v.unsqueeze(-1) for k, v in plain.state_dict().items()})
    x = torch.randn(2, 3, 6, generator=generator)
    torch.testing.assert_close(conv(x), plain(x))


def test_conv_gated_mlp_sees_neighbours_through_both_layers():
    mlp = ConvGatedMLP(2, 8, 4, kernel_size=3)
    x = torch.zeros(1, 11, 2)
    x[0, 5] = 1.0
    touched = mlp(x)[0].abs().sum(-1).nonzero().flatten().tolist()
    assert touched == [3, 4, 5, 6, 7]


def test_query_key_norm_gives_unit_mean_square_times_its_scale(generator):
    norm = QueryKeyNorm(8)
    x = 30 * torch.randn(2, 4, 5, 8, generator=generator)
    torch.testing.assert_close(norm(x).square().mean(-1), torch.ones(2, 4, 5))
    with torch.no_grad():
        norm.weight.copy_(torch.arange(8.0))
    want = x / x.square().mean(-1, keepdim=True).sqrt() * torch.arange(8.0)
    torch.testing.assert_close(norm(x), want)


def test_query_key_norm_epsilon_does_not_grow_in_bfloat16():
    x = torch.full((1, 1, 1, 8), 1e-2, dtype=torch.bfloat16)
    out = QueryKeyNorm(8).to(torch.bfloat16)(x)
    torch.testing.assert_close(out.float(), torch.ones(1, 1, 1, 8), rtol=1e-2, atol=0)
