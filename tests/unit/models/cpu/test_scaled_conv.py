"""Convolutions of the codec: a remembered scale belongs to the weights as they are now."""

import copy

import pytest
import torch

from pavas_sdk.models.cpu import scaled_conv as module
from pavas_sdk.models.vae import ScaledConv


@pytest.fixture
def x(generator):
    return torch.randn(2, 6, 9, generator=generator)


@pytest.fixture
def plain(monkeypatch):
    """Run something without kernels."""

    def run(conv, *args):
        monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
        result = conv(*args)
        monkeypatch.delenv("PAVAS_CPU_KERNELS")
        return result

    return run


@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize("gain", [None, 1.5])
@torch.no_grad()
def test_equals_the_plain_convolution(randomise, plain, x, taps, gain):
    conv = randomise(ScaledConv(6, 4, taps))
    gain = None if gain is None else torch.tensor(gain)
    got = [conv(x, gain) for _ in range(2)]  # measured, then remembered
    assert torch.equal(*got)
    assert got[0].is_contiguous()
    torch.testing.assert_close(got[0], plain(conv, x, gain), rtol=1e-5, atol=1e-6)


def in_place(conv):
    conv.weight.mul_(3.0)


def through_data(conv):
    conv.weight.data.mul_(3.0)  # counted nowhere


def assigned(conv):
    conv.weight.data = conv.weight.data * 3.0


def replaced(conv):
    conv.weight = torch.nn.Parameter(conv.weight * 3.0)


def loaded(conv):
    conv.load_state_dict({"weight": conv.weight * 3.0})


@pytest.mark.parametrize("change", [in_place, through_data, assigned, replaced, loaded])
@torch.no_grad()
def test_changed_weights_are_measured_again(randomise, plain, x, change):
    conv = randomise(ScaledConv(6, 4, 3))
    conv(x)
    before = module._measured[conv].scale
    change(conv)
    torch.testing.assert_close(conv(x), plain(conv, x), rtol=1e-5, atol=1e-6)
    assert not torch.equal(module._measured[conv].scale, before)


@torch.no_grad()
def test_weights_that_are_the_same_are_measured_once(randomise, x, monkeypatch):
    conv = randomise(ScaledConv(6, 4, 3))
    conv(x)
    monkeypatch.setattr(ScaledConv, "channel_scale", None)
    conv(x)
    with pytest.raises(TypeError):
        copy.deepcopy(conv)(x)


def test_after_a_step_of_training_the_scale_is_new(randomise, plain, x):
    conv = randomise(ScaledConv(6, 4, 3))
    with torch.no_grad():
        conv(x)
    conv(x).square().sum().backward()
    torch.optim.SGD(conv.parameters(), lr=0.1).step()
    with torch.no_grad():
        torch.testing.assert_close(conv(x), plain(conv, x), rtol=1e-5, atol=1e-6)


@torch.inference_mode()
def test_weights_made_in_inference_mode_have_no_version(x):
    conv = ScaledConv(6, 4, 3)
    want = conv(x)
    conv.weight.flatten()[5] *= 100.0
    assert not torch.allclose(conv(x), want)
    assert conv not in module._measured
