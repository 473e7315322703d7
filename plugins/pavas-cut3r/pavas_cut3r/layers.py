"""Attention, perceptron and the three kinds of transformer blocks.

Layer norms have eps 1e-6 everywhere in this model. Submodules carry the released checkpoint's
names, so that its keys load as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_cut3r.positions import rotate

if TYPE_CHECKING:
    from pavas_cut3r.positions import Rotation

__all__ = [
    "CrossAttention",
    "DecoderBlock",
    "EncoderBlock",
    "Mlp",
    "PoseModulatedBlock",
    "SelfAttention",
    "layer_norm",
]


def layer_norm(dim: int) -> nn.LayerNorm:
    """Return the layer norm of this model."""
    return nn.LayerNorm(dim, eps=1e-6)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of (B, heads, N, d) heads, concatenated to (B, N, heads * d)."""
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Attention within one stream.

    Args:
        dim: Width.
        num_heads: Heads.
        float16_rounding: See `pavas_cut3r.positions.rotate`.
    """

    def __init__(self, dim: int, num_heads: int, *, float16_rounding: bool = False) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.float16_rounding = float16_rounding
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, table: Rotation | None = None) -> Tensor:
        """Map (B, N, D) to the same shape."""
        heads = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = heads.permute(2, 0, 3, 1, 4).unbind(0)
        if table is not None:
            q = rotate(q, table, float16_rounding=self.float16_rounding)
            k = rotate(k, table, float16_rounding=self.float16_rounding)
        return cast("Tensor", self.proj(_attend(q, k, v)))


class CrossAttention(nn.Module):
    """Attention of a stream to a context."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.projq = nn.Linear(dim, dim)
        self.projk = nn.Linear(dim, dim)
        self.projv = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self,
        x: Tensor,
        context: Tensor,
        table: Rotation | None = None,
        context_table: Rotation | None = None,
    ) -> Tensor:
        """Map (B, N, D), with a context (B, M, D), to (B, N, D)."""
        q = self._heads(self.projq(x))
        k = self._heads(self.projk(context))
        v = self._heads(self.projv(context))
        if table is not None and context_table is not None:
            q, k = rotate(q, table), rotate(k, context_table)
        return cast("Tensor", self.proj(_attend(q, k, v)))

    def _heads(self, x: Tensor) -> Tensor:
        return cast("Tensor", x.unflatten(-1, (self.num_heads, -1))).transpose(1, 2)


class Mlp(nn.Module):
    """Two linear layers around an exact GELU, four times as wide inside."""

    def __init__(self, dim: int, out_dim: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, out_dim or dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D or out_dim)."""
        return cast("Tensor", self.fc2(F.gelu(self.fc1(x))))


class EncoderBlock(nn.Module):
    """Self attention and perceptron."""

    def __init__(self, dim: int, num_heads: int, *, float16_rounding: bool = False) -> None:
        super().__init__()
        self.norm1 = layer_norm(dim)
        self.attn = SelfAttention(dim, num_heads, float16_rounding=float16_rounding)
        self.norm2 = layer_norm(dim)
        self.mlp = Mlp(dim)

    def forward(self, x: Tensor, table: Rotation) -> Tensor:
        """Map (B, N, D) to the same shape."""
        x = x + self.attn(self.norm1(x), table)
        return cast("Tensor", x + self.mlp(self.norm2(x)))


class DecoderBlock(nn.Module):
    """Self attention, attention to a context (which stays as it is), and perceptron."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = layer_norm(dim)
        self.attn = SelfAttention(dim, num_heads)
        self.norm2 = layer_norm(dim)
        self.norm_y = layer_norm(dim)
        self.cross_attn = CrossAttention(dim, num_heads)
        self.norm3 = layer_norm(dim)
        self.mlp = Mlp(dim)

    def forward(
        self,
        x: Tensor,
        context: Tensor,
        table: Rotation | None = None,
        context_table: Rotation | None = None,
    ) -> Tensor:
        """Map the stream (B, N, D), with a context (B, M, D), to (B, N, D)."""
        x = x + self.attn(self.norm1(x), table)
        x = x + self.cross_attn(self.norm2(x), self.norm_y(context), table, context_table)
        return cast("Tensor", x + self.mlp(self.norm3(x)))


class AdaptiveNorm(nn.Module):
    """Layer norm with its own affine weights, then scale and shift by a condition."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = layer_norm(dim)
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(dim, 2 * dim))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (B, N, D), with a condition (B, 1, D), to (B, N, D)."""
        shift, scale = self.mlp(condition).chunk(2, dim=-1)
        return torch.addcmul(shift, self.norm(x), 1 + scale)


class PoseModulatedBlock(nn.Module):
    """Encoder block whose norms are modulated by the pose token."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = AdaptiveNorm(dim)
        self.attn = SelfAttention(dim, num_heads)
        self.norm2 = AdaptiveNorm(dim)
        self.mlp = Mlp(dim)

    def forward(self, x: Tensor, pose: Tensor, table: Rotation) -> Tensor:
        """Map (B, N, D), with a pose token (B, 1, D), to (B, N, D)."""
        x = x + self.attn(self.norm1(x, pose), table)
        return cast("Tensor", x + self.mlp(self.norm2(x, pose)))
