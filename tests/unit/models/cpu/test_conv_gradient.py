"""Training's three-tap convolutions: torch's values, and gradients to rounding."""

import pytest
import torch
from torch.nn import functional as F

from pavas_sdk.models.cpu import conv_gradient
from pavas_sdk.models.layers import ChannelLastConv


def gradients(conv, x, weights, dtype):
    """Return the result and the gradients of x, weight and bias of a weighted sum of it."""
    x = x.to(dtype).requires_grad_()
    parameters = [p.detach().to(dtype).requires_grad_() for p in conv.parameters()]
    weight, bias = parameters if len(parameters) == 2 else (*parameters, None)
    y = F.conv1d(x.transpose(1, 2), weight, bias, padding=1).transpose(1, 2)
    return [y, *torch.autograd.grad((y * weights.to(dtype)).sum(), [x, *parameters])]


def own(conv, x, weights):
    x = x.clone().requires_grad_()
    y = conv(x)
    return [y, *torch.autograd.grad((y * weights).sum(), [x, *conv.parameters()])]


def relative(got, want):
    got, want = got.detach().double(), want.detach()
    return float((got - want).norm() / want.norm())


@pytest.fixture
def called(monkeypatch):
    """Count the weight gradients made by products of pairs."""
    calls = []
    plain = conv_gradient.three_tap_weight_gradient

    def counted(x, grad):
        calls.append(x.shape)
        return plain(x, grad)

    monkeypatch.delenv("PAVAS_CPU_KERNELS", raising=False)
    monkeypatch.setattr(conv_gradient, "three_tap_weight_gradient", counted)
    return calls


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("rows", "tokens"), [(2, 64), (3, 37), (1, 65), (64, 1), (32, 2)])
def test_against_float64(generator, called, rows, tokens, bias):
    conv = ChannelLastConv(64, 80, 3, bias=bias)
    x = torch.randn(rows, tokens, 64, generator=generator)
    weights = torch.randn(rows, tokens, 80, generator=generator)
    exact = gradients(conv, x, weights, torch.float64)
    plain = gradients(conv, x, weights, torch.float32)
    got = own(conv, x, weights)
    assert called == [x.shape]
    assert torch.equal(got[0], plain[0])
    assert torch.equal(got[1], plain[1])
    for ours, theirs, want in zip(got, plain, exact, strict=True):
        assert relative(ours, want) < max(1e-6, 3 * relative(theirs, want))
    assert got[2].is_contiguous()


def test_two_threads_give_the_same(generator, called):
    threads = torch.get_num_threads()
    x, grad = (torch.randn(2, 64, n, generator=generator) for n in (64, 65))
    try:
        torch.set_num_threads(1)
        one = conv_gradient.three_tap_weight_gradient(x, grad)
        torch.set_num_threads(2)
        two = conv_gradient.three_tap_weight_gradient(x, grad)
    finally:
        torch.set_num_threads(threads)
    assert relative(two, one.double()) < 1e-6


@pytest.mark.parametrize(
    "case", ["five taps", "few tokens", "few channels", "frozen", "float64", "autocast", "off"]
)
def test_where_it_does_not_apply(generator, called, monkeypatch, case):
    conv = ChannelLastConv(8 if case == "few channels" else 64, 64, 5 if case == "five taps" else 3)
    x = torch.randn(1, 8 if case == "few tokens" else 64, conv.in_channels, generator=generator)
    if case == "float64":
        conv, x = conv.double(), x.double()
    if case == "frozen":
        conv.weight.requires_grad_(False)
    if case == "off":
        monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
    with torch.autocast("cpu", torch.bfloat16, enabled=case == "autocast"):
        conv(x).float().sum().backward()
    assert not called
    assert conv.bias.grad is not None


def test_frozen_input_and_gradient_of_the_gradient(generator, called):
    conv = ChannelLastConv(64, 64, 3)
    x = torch.randn(1, 64, 64, generator=generator)
    conv(x).square().sum().backward()
    assert called == [x.shape]
    assert x.grad is None
    (first,) = torch.autograd.grad(conv(x).square().sum(), conv.weight, create_graph=True)
    torch.testing.assert_close(first.detach(), conv.weight.grad, rtol=1e-4, atol=1e-4)
    (second,) = torch.autograd.grad(first.square().sum(), conv.weight)
    with torch.no_grad():  # of a quadratic: twice its matrix times the first
        moved = ChannelLastConv(64, 64, 3)
        moved.load_state_dict({"weight": first, "bias": torch.zeros(64)})
        want = torch.nn.grad.conv1d_weight(
            x.transpose(1, 2), conv.weight.shape, 4 * moved(x).transpose(1, 2), padding=1
        )
    torch.testing.assert_close(second, want, rtol=1e-3, atol=1e-1)
