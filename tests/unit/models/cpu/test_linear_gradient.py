"""Linear maps in training: torch's values and gradients to rounding."""

import pytest
import torch
from torch.nn import functional as F

from pavas_sdk.models.cpu import linear_gradient as module
from pavas_sdk.models.layers import linear

needs_product = pytest.mark.skipif(
    module.PRODUCT is None, reason="torch has no oneDNN product here"
)


@pytest.fixture
def products(monkeypatch):
    """The rows that the fast product was called with."""
    rows = []
    product = module.PRODUCT
    monkeypatch.delenv("PAVAS_CPU_KERNELS", raising=False)
    monkeypatch.setattr(
        module, "PRODUCT", lambda x, *rest: rows.append(x.shape[-1]) or product(x, *rest)
    )
    return rows


def gradients(function, tensors, dtype=torch.float32):
    tensors = [tensor.detach().to(dtype).requires_grad_() for tensor in tensors]
    y = function(*tensors)
    weights = torch.linspace(-1, 1, y.numel(), dtype=dtype).view_as(y)
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), tensors)]


@needs_product
@pytest.mark.parametrize("shape", [(3, 17, 40), (1, 40), (40,), (2, 1, 40)])
@pytest.mark.parametrize("bias", [True, False])
def test_against_float64(generator, products, shape, bias):
    tensors = [torch.randn(s, generator=generator) for s in (shape, (24, 40), (24,))]
    tensors = tensors if bias else tensors[:2]
    exact = gradients(F.linear, tensors, torch.float64)
    got = gradients(linear, tensors)
    assert products == [40, 24]  # forward, and the gradient of x
    for ours, want in zip(got, exact, strict=True):
        torch.testing.assert_close(ours.double(), want, rtol=1e-5, atol=1e-5)


@needs_product
def test_only_what_is_wanted_is_made(generator, products):
    x, weight = torch.randn(5, 8, generator=generator), torch.randn(4, 8, generator=generator)
    weight.requires_grad_()
    linear(x, weight).sum().backward()
    assert products == [8]
    frozen = weight.detach()
    x.requires_grad_()
    linear(x, frozen).sum().backward()
    assert frozen.grad is None
    torch.testing.assert_close(x.grad, frozen.sum(0).expand(5, 8))


def test_gradient_of_the_gradient(generator):
    x, weight = torch.randn(5, 8, generator=generator), torch.randn(4, 8, generator=generator)
    found = []
    for function in (linear, F.linear):
        inputs = [t.clone().requires_grad_() for t in (x, weight)]
        y = function(*inputs)
        first = torch.autograd.grad(y.square().sum(), inputs, create_graph=True)
        found.append(torch.autograd.grad(sum(g.square().sum() for g in first), inputs))
    for ours, want in zip(*found, strict=True):
        torch.testing.assert_close(ours, want, rtol=1e-4, atol=1e-4)


def test_other_dtypes_run_torchs(products):
    x, weight = torch.ones(2, 3, dtype=torch.float64), torch.ones(4, 3, dtype=torch.float64)
    assert torch.equal(linear(x, weight.requires_grad_()), torch.full((2, 4), 3.0).double())
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(x.float(), weight.float()).dtype == torch.bfloat16
    assert not products
