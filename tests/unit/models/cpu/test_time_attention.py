"""Compiled attention along time equals the plain one."""

import pytest
import torch

from pavas_sdk.models.synchformer import DividedAttention


@pytest.mark.parametrize("over_time", [True, False])
@torch.no_grad()
def test_attention_along_time(generator, randomise, monkeypatch, over_time):
    layer = randomise(DividedAttention(16, 2))
    x = torch.randn(2, 1 + 3 * 5, 16, generator=generator)
    got = layer(x, 3, over_time=over_time)
    monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
    torch.testing.assert_close(got, layer(x, 3, over_time=over_time), rtol=1e-5, atol=1e-5)
