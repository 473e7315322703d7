"""The linear map of the networks equals torch's, and stays replaceable by those who look for nn.Linear."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pavas_sdk.models.cpu import linear as module
from pavas_sdk.models.cpu.linear import packed_weights
from pavas_sdk.models.layers import Linear, linear

needs_product = pytest.mark.skipif(
    None in (module.PRODUCT, module._PACK), reason="torch has no oneDNN product here"
)


@pytest.fixture
def products(monkeypatch):
    """The weights that the fast product was called with."""
    weights = []
    product = module.PRODUCT
    monkeypatch.setattr(
        module,
        "PRODUCT",
        lambda x, weight, *rest: weights.append(weight) or product(x, weight, *rest),
    )
    return weights


@pytest.fixture
def case():
    draw = torch.Generator().manual_seed(5)
    x = torch.randn(3, 17, 40, generator=draw)
    return x, torch.randn(24, 40, generator=draw) / 40**0.5, torch.randn(24, generator=draw)


@pytest.mark.parametrize("with_bias", [True, False])
@torch.inference_mode()
def test_equals_torch(case, with_bias):
    x, weight, bias = case
    bias = bias if with_bias else None
    want = F.linear(x.double(), weight.double(), None if bias is None else bias.double())
    torch.testing.assert_close(linear(x, weight, bias).double(), want, rtol=2e-6, atol=2e-6)
    strided = x[:, ::2]
    torch.testing.assert_close(
        linear(strided, weight, bias).double(), want[:, ::2], rtol=2e-6, atol=2e-6
    )


@torch.inference_mode()
def test_rows_do_not_depend_on_the_batch(case):
    x, weight, bias = case
    together = linear(x, weight, bias)
    assert all(
        torch.equal(together[k : k + 1], linear(x[k : k + 1], weight, bias)) for k in range(3)
    )


def test_gradients_flow(case):
    x, weight, bias = (tensor.clone().requires_grad_() for tensor in case)
    linear(x, weight, bias).square().sum().backward()
    assert all(
        tensor.grad is not None and tensor.grad.abs().sum() > 0 for tensor in (x, weight, bias)
    )


@torch.inference_mode()
def test_other_dtypes_and_autocast_are_torchs(case):
    x, weight, bias = (tensor.bfloat16() for tensor in case)
    assert torch.equal(linear(x, weight, bias), F.linear(x, weight, bias))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(*case).dtype == torch.bfloat16


@needs_product
def test_the_fast_product_is_taken_in_inference(case, products):
    layer = Linear(40, 24)
    layer(case[0])
    assert not products  # gradients are wanted
    with torch.no_grad():
        layer(case[0])
        assert len(products) == 1
        layer.double()(case[0].double())
    assert len(products) == 1


def test_is_an_nn_linear_for_quantisers_and_adapters():
    assert isinstance(Linear(2, 3), nn.Linear)
    assert Linear(2, 3).state_dict().keys() == nn.Linear(2, 3).state_dict().keys()


@needs_product
@pytest.mark.parametrize("error", [None, RuntimeError("stop")])
@torch.inference_mode()
def test_packed_weights_map_the_same_and_are_given_back(case, products, error):
    x = case[0]
    block = nn.Sequential(Linear(40, 24), nn.GELU(), Linear(24, 40))
    own = [block[0].weight, block[2].weight]
    want = block(x)
    assert all(map(torch.Tensor.is_set_to, products, own))
    products.clear()
    try:
        with packed_weights(block, x):
            assert torch.equal(block(x), want)
            assert [weight.is_mkldnn for weight in products] == [True, True]
            if error is not None:
                raise error
    except RuntimeError as raised:
        assert raised is error  # noqa: PT017
    products.clear()
    assert torch.equal(block(x), want)
    assert all(map(torch.Tensor.is_set_to, products, own))


@needs_product
def test_nothing_is_packed_for_other_dtypes(case, products):
    layer = Linear(40, 24)
    with torch.no_grad(), packed_weights(layer, case[0].bfloat16()):
        layer(case[0])
    assert products[0] is layer.weight
