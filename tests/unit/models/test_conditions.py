import pytest
import torch

from pavas_sdk.models import Conditions


def make(generator, batch=2, latents=5, text=3):
    def randn(*shape):
        return torch.randn(*shape, generator=generator)

    return Conditions(
        clip_f=randn(batch, 4, 8),
        sync_f=randn(batch, latents, 8),
        text_f=randn(batch, text, 8),
        clip_c=randn(batch, 8),
        text_c=randn(batch, 8),
        global_c=randn(batch, 8),
    )


def test_sizes(generator):
    conditions = make(generator)
    assert conditions.batch_size == 2
    assert conditions.latent_length == 5


def test_frozen(generator):
    with pytest.raises(AttributeError):
        make(generator).clip_f = torch.zeros(1)
