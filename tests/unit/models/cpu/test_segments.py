"""Segments go one by one through each block, with the same features."""

import pytest
import torch

from pavas_sdk.models import Synchformer
from pavas_sdk.models.cpu import segments


@pytest.fixture
def encoder(randomise):
    return randomise(Synchformer(image_size=32, hidden_dim=16, num_heads=2, depth=2, mlp_dim=24))


@torch.no_grad()
def test_same_as_the_plain_network(encoder, generator, monkeypatch):
    pixels = torch.randn(56, 3, 32, 32, generator=generator)
    got = encoder.encode(pixels)
    monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
    torch.testing.assert_close(got, encoder.encode(pixels), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_any_number_may_go_through_a_block_before_the_next(encoder, generator, monkeypatch):
    pixels = torch.randn(40, 3, 32, 32, generator=generator)
    want = encoder.encode(pixels)
    for group in (1, 3):
        monkeypatch.setattr(segments, "_GROUP", group)
        assert torch.equal(encoder.encode(pixels), want)
