"""The gradient of a three-tap convolution's weight on a CPU, with a third fewer products.

Each tap's gradient is the sum over tokens of output gradient times shifted input. Two neighbouring
tokens give three taps by four products in place of six (minimal filtering F(3, 2), Winograd 1980), and the
matrix product over all pairs of tokens, from one channel to every other, is where the time goes. What it costs
besides, sums over tokens and over weights, is small for weights, unlike for the convolution itself.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from pavas_sdk.models.cpu.jit import jit, share_rows
from pavas_sdk.models.cpu.operands import are_plain_float32

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.models.layers import ChannelLastConv

    Floats = NDArray[np.float32]

__all__ = ["channel_last_conv", "three_tap_weight_gradient"]

_LEAST_CHANNELS = 64  # below it, or with fewer tokens, the sums cost what the products save
_LEAST_TOKENS = 64


def channel_last_conv(plain: Callable[..., Tensor], conv: ChannelLastConv, x: Tensor) -> Tensor:
    """Convolve (B, N, in) to (B, N, out) as ``conv`` does; only its weight's gradient is made here."""
    weight = conv.weight
    worth = (
        weight.shape[2] == 3
        and weight.requires_grad
        and min(weight.shape[:2]) >= _LEAST_CHANNELS
        and x.ndim == 3
        and x.shape[0] * x.shape[1] >= _LEAST_TOKENS
    )
    if not worth or not are_plain_float32(x, weight):
        return plain(conv, x)
    result: Tensor = _ThreeTaps.apply(x, weight, conv.bias)  # type: ignore[no-untyped-call]
    return result


class _ThreeTaps(torch.autograd.Function):
    """torch's convolution, and its gradient but for the weight's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv1d(x.transpose(1, 2), weight, bias, padding=1).transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        # a gradient of the gradient: torch knows that of its own operation
        own = needs_weight and not torch.is_grad_enabled()
        grad_x, grad_weight, grad_bias = torch.ops.aten.convolution_backward(
            grad.transpose(1, 2),
            x.transpose(1, 2),
            weight,
            [weight.shape[0]],
            [1],
            [1],
            [1],
            False,
            [0],
            1,
            [needs_x, needs_weight and not own, needs_bias],
        )
        if own:
            grad_weight = three_tap_weight_gradient(x, grad)
        return None if grad_x is None else grad_x.transpose(1, 2), grad_weight, grad_bias


def three_tap_weight_gradient(x: Tensor, grad: Tensor) -> Tensor:
    """Return the gradient (out, in, 3) of the weight, of a convolution padded by one token.

    Args:
        x: What was convolved, (B, N, in), float32 on the CPU.
        grad: Gradient of the result, (B, N, out).
    """
    if x.shape[1] % 2:
        x, grad = F.pad(x, (0, 0, 0, 1)), F.pad(grad, (0, 0, 0, 1))
    x, grad = x.contiguous(), grad.contiguous()
    inputs, outputs = x.shape[2], grad.shape[2]
    pairs = x.shape[0] * x.shape[1] // 2
    sizes = [4 * outputs * inputs, 4 * pairs * inputs, 2 * pairs * outputs]
    kept = _scratch(sum(sizes), x).split(sizes)
    products = kept[0].view(4, outputs, inputs)
    of_input = _of_input(x, kept[1])
    for index, part in enumerate(_of_gradient(grad, kept[2])):
        torch.mm(part.t(), of_input[index], out=products[index])
    weight = x.new_empty(outputs, inputs, 3)
    share_rows(_to_taps, outputs, products.numpy(), weight.view(outputs, 3 * inputs).numpy())
    return weight


def _scratch(count: int, like: Tensor) -> Tensor:
    """Return so many floats, the same ones each time: the system gives new memory slowly."""
    held: Tensor | None = getattr(_held, "floats", None)
    if held is None or held.numel() < count:
        held = _held.floats = like.new_empty(count)
    return held[:count]


_held = threading.local()


def _of_gradient(grad: Tensor, out: Tensor) -> tuple[Tensor, ...]:
    """Return four times (pairs, out) from (B, N, out): the two middle ones twice as large as they should be."""
    even, odd = (grad[:, start::2].flatten(0, 1) for start in (0, 1))
    both, difference = out.view(2, *even.shape)
    torch.add(even, odd, out=both)
    torch.sub(even, odd, out=difference)
    return even, both, difference, odd


def _of_input(x: Tensor, out: Tensor) -> Tensor:
    """Return (4, pairs, in) from (B, N, in)."""
    first, second = x[:, 0::2], x[:, 1::2]
    made = out.view(4, *first.shape)
    torch.sub(second[:, :-1], second[:, 1:], out=made[0, :, 1:])  # the one before less the second
    torch.neg(second[:, 0], out=made[0, :, 0])
    torch.add(first, second, out=made[1])
    torch.sub(second, first, out=made[2])
    torch.sub(first[:, 1:], first[:, :-1], out=made[3, :, :-1])  # the one after less the first
    torch.neg(first[:, -1], out=made[3, :, -1])
    return made.flatten(1, 2)


@jit()
def _to_taps(products: Floats, weight: Floats, start: int, stop: int) -> None:
    """Combine the products of rows ``start`` to ``stop`` to the three taps, which lie innermost."""
    half = np.float32(0.5)
    for row in range(start, stop):
        for column in range(products.shape[2]):
            first, second = half * products[1, row, column], half * products[2, row, column]
            both = first + second
            weight[row, 3 * column] = products[0, row, column] + both
            weight[row, 3 * column + 1] = first - second
            weight[row, 3 * column + 2] = both + products[3, row, column]
