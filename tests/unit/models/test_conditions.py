from dataclasses import fields

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


def tensors(conditions):
    return {field.name: getattr(conditions, field.name) for field in fields(conditions)}


def test_sizes(generator):
    conditions = make(generator)
    assert conditions.batch_size == 2
    assert conditions.latent_length == 5


def test_cat_joins_every_tensor_along_the_batch(generator):
    first, second = make(generator), make(generator, batch=1)
    joined = Conditions.cat([first, second])
    assert joined.batch_size == 3
    for name, tensor in tensors(joined).items():
        assert torch.equal(tensor[:2], tensors(first)[name])
        assert torch.equal(tensor[2:], tensors(second)[name])


def test_cat_of_other_lengths_is_refused(generator):
    with pytest.raises(RuntimeError, match=r"[Ss]izes"):
        Conditions.cat([make(generator), make(generator, latents=6)])


def test_repeat_interleave_keeps_copies_of_a_row_together(generator):
    conditions = make(generator)
    repeated = conditions.repeat_interleave(3)
    assert repeated.batch_size == 6
    for name, tensor in tensors(repeated).items():
        for row in range(6):
            assert torch.equal(tensor[row], tensors(conditions)[name][row // 3])


def test_to_casts_every_tensor(generator):
    low = make(generator).to(dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in tensors(low).values()} == {torch.bfloat16}
    moved = make(generator).to("meta")
    assert {tensor.device.type for tensor in tensors(moved).values()} == {"meta"}


def test_frozen(generator):
    with pytest.raises(AttributeError):
        make(generator).clip_f = torch.zeros(1)
