"""Linear maps where gradients are wanted, by the fastest matrix product of the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk.models.cpu.linear import PRODUCT
from pavas_sdk.models.cpu.operands import are_plain_float32

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["linear"]


def linear(
    plain: Callable[..., Tensor], x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Map (..., K) by a weight (N, K) to (..., N); differs from torch's by rounding (4e-7 relative)."""
    if PRODUCT is None or x.numel() == 0 or not are_plain_float32(x, weight):
        return plain(x, weight, bias)
    result: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return result


class _Linear(torch.autograd.Function):
    """The result and its gradient by x go through oneDNN; for the weight's torch's product is faster."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        rows = grad.reshape(-1, grad.shape[-1])
        grad_x = grad_weight = None
        if needs_x:
            # a gradient of the gradient: oneDNN's product knows none
            grad_x = grad @ weight if torch.is_grad_enabled() else _product(grad, weight.t(), None)
        if needs_weight:
            grad_weight = rows.t() @ x.reshape(-1, x.shape[-1])
        return grad_x, grad_weight, rows.sum(0) if needs_bias else None


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    assert PRODUCT is not None  # of linear
    product: Tensor = PRODUCT(x, weight, bias, "none", [], "")
    return product
