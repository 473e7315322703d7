"""Small layers of the flow network. Tokens are channel-last: (B, N, D)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.models.kernels import accelerated

__all__ = [
    "ChannelLastConv",
    "ConvGatedMLP",
    "GatedMLP",
    "Linear",
    "QueryKeyNorm",
    "gated_width",
    "linear",
    "modulate",
]

# The reference normalises queries and keys with float32's machine epsilon, in every dtype.
_RMS_EPS = float(torch.finfo(torch.float32).eps)


@accelerated
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Map (..., K) by a weight (N, K) to (..., N), as ``torch.nn.functional.linear`` does."""
    return F.linear(x, weight, bias)


class Linear(nn.Linear):
    """``torch.nn.Linear`` that maps with :func:`linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        return linear(input, self.weight, self.bias)


def gated_width(nominal: float, multiple_of: int) -> int:
    """Return the inner width of a gated MLP: two thirds of ``nominal``, rounded up to a multiple.

    Two thirds, because a gated MLP has three maps where a plain one has two.
    """
    inner = int(2 * int(nominal) / 3)
    return multiple_of * ((inner + multiple_of - 1) // multiple_of)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Return ``x * (1 + scale) + shift``; shift and scale broadcast over tokens."""
    return torch.addcmul(shift, x, 1 + scale)


class ChannelLastConv(nn.Conv1d):
    """A 1-D convolution along the tokens of (B, N, in) -> (B, N, out), zero padded, stride 1.

    The weight keeps torch's layout (out, in, kernel). The further arguments of ``torch.nn.Conv1d``
    are taken because peft builds a layer's LoRA with them, from the layer's own class.

    Args:
        in_channels: Width of the input.
        out_channels: Width of the output.
        kernel_size: Odd.
        stride: 1.
        padding: Half the kernel, rounded down.
        dilation: 1.
        groups: 1.
        bias: Whether there is one.

    Raises:
        ValueError: Another length would come out, or channels would be grouped.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | None = None,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        *,
        bias: bool = True,
    ) -> None:
        kernel, step, spread = (_one(value) for value in (kernel_size, stride, dilation))
        if kernel % 2 == 0:
            raise ValueError(f"kernel_size must be odd to keep the length, got {kernel}")
        given = kernel // 2 if padding is None else _one(padding)
        if (step, given, spread, groups) != (1, kernel // 2, 1, 1):
            raise ValueError(
                f"expected stride 1, padding {kernel // 2}, dilation 1 and groups 1, got "
                f"{step}, {given}, {spread} and {groups}"
            )
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, bias=bias)

    @accelerated
    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``x`` (B, N, in) to (B, N, out)."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def _one(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]


class GatedMLP(nn.Module):
    """``w2(silu(w1 x) * w3 x)`` without biases, (B, N, dim) -> (B, N, dim).

    Args:
        dim: Width of input and output.
        nominal_width: Width of the plain MLP that this one replaces.
        multiple_of: The inner width is rounded up to a multiple of this.
    """

    def __init__(self, dim: int, nominal_width: float, multiple_of: int) -> None:
        super().__init__()
        inner = gated_width(nominal_width, multiple_of)
        self.w1 = Linear(dim, inner, bias=False)
        self.w2 = Linear(inner, dim, bias=False)
        self.w3 = Linear(dim, inner, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` (..., dim) to the same shape."""
        return cast("Tensor", self.w2(F.silu(self.w1(x)) * self.w3(x)))


class ConvGatedMLP(nn.Module):
    """A :class:`GatedMLP` whose three maps are channel-last convolutions."""

    def __init__(
        self, dim: int, nominal_width: float, multiple_of: int, *, kernel_size: int
    ) -> None:
        super().__init__()
        inner = gated_width(nominal_width, multiple_of)
        self.w1 = ChannelLastConv(dim, inner, kernel_size, bias=False)
        self.w2 = ChannelLastConv(inner, dim, kernel_size, bias=False)
        self.w3 = ChannelLastConv(dim, inner, kernel_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` (B, N, dim) to the same shape."""
        return cast("Tensor", self.w2(F.silu(self.w1(x)) * self.w3(x)))


class QueryKeyNorm(nn.Module):
    """Root-mean-square norm over the channels of a head, one learned scale for all heads."""

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(head_dim))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` (..., head_dim)."""
        # under autocast the tokens are in bfloat16 and the scale is not
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), _RMS_EPS)
