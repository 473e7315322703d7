"""Transformer blocks of the flow network: one stream, and three streams with joint attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.models.embeddings import apply_rotary
from pavas_sdk.models.kernels import accelerated
from pavas_sdk.models.layers import (
    ChannelLastConv,
    ConvGatedMLP,
    GatedMLP,
    Linear,
    QueryKeyNorm,
    modulate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FULL_PARAMS",
    "QUERY_PARAMS",
    "FinalLayer",
    "JointBlock",
    "LastJointBlock",
    "Modulator",
    "QueryStream",
    "StreamBlock",
]

FULL_PARAMS = ("shift_msa", "scale_msa", "gate_msa", "shift_mlp", "scale_mlp", "gate_mlp")
QUERY_PARAMS = ("shift", "scale")

QKV = tuple[Tensor, Tensor, Tensor]


def layer_norm(x: Tensor) -> Tensor:
    """Layer norm over channels without learned scale or offset."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-5)


class Modulator(nn.Sequential):
    """AdaLN: condition (B, N or 1, D) to ``count`` modulation vectors side by side.

    Args:
        dim: Width of the condition and of each vector.
        count: Number of vectors.
        rank: Bottleneck of a factorised map, for small models; ``None`` for one full linear map.
    """

    def __init__(self, dim: int, count: int, rank: int | None = None) -> None:
        if rank is None:
            super().__init__(nn.SiLU(), Linear(dim, count * dim))
        else:
            down = Linear(dim, rank, bias=False)
            super().__init__(nn.SiLU(), down, Linear(rank, count * dim))
        self.count = count

    def vectors(self, activated: Tensor, delta: Tensor | None) -> tuple[Tensor, ...]:
        """Return the ``count`` vectors for ``activated = silu(condition)``, plus ``delta``.

        The activation is shared by all blocks, so the caller computes it once.
        """
        w = self.project(activated)
        if delta is not None:
            w = w + delta.to(w.dtype)
        return w.chunk(self.count, dim=-1)

    @accelerated
    def project(self, activated: Tensor) -> Tensor:
        """Map the activated condition (B, N or 1, D) to (B, N or 1, count * D)."""
        w = activated
        for layer in list(self)[1:]:
            w = layer(w)
        return w


class Attention(nn.Module):
    """Query, key and value of one stream; the attention itself may span several streams."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = Linear(dim, 3 * dim)
        self.q_norm = QueryKeyNorm(dim // num_heads)
        self.k_norm = QueryKeyNorm(dim // num_heads)

    def forward(self, x: Tensor, rotary: Tensor | None) -> QKV:
        """Return q, k, v, each (B, H, N, d); q and k normalised, then rotated."""
        # The three are interleaved innermost: channel (head * d + i) * 3 + j.
        qkv = self.qkv(x).unflatten(-1, (self.num_heads, -1, 3)).transpose(1, 2)
        q, k, v = qkv.unbind(-1)
        q, k = self.q_norm(q), self.k_norm(k)
        if rotary is not None:
            q, k = apply_rotary(q, rotary), apply_rotary(k, rotary)
        return q, k, v.contiguous()


def attend(streams: Sequence[QKV]) -> list[Tensor]:
    """Attend over the tokens of all streams together; return (B, N_i, D) per stream."""
    grouped = zip(*streams, strict=True)
    q, k, v = (torch.cat(parts, dim=2) if len(parts) > 1 else parts[0] for parts in grouped)
    out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    return list(torch.split(out, [stream[0].shape[2] for stream in streams], dim=1))


class QueryStream(nn.Module):
    """A stream that is only attended to: the visual and text part of the last joint block."""

    params = QUERY_PARAMS

    def __init__(self, dim: int, num_heads: int, *, modulation_rank: int | None = None) -> None:
        super().__init__()
        self.attn = Attention(dim, num_heads)
        self.adaLN_modulation = Modulator(dim, len(self.params), modulation_rank)

    def query(
        self, x: Tensor, activated: Tensor, rotary: Tensor | None, delta: Tensor | None
    ) -> QKV:
        """Return the stream's q, k, v."""
        shift, scale = self.adaLN_modulation.vectors(activated, delta)
        return cast("QKV", self.attn(modulate(layer_norm(x), shift, scale), rotary))


class StreamBlock(nn.Module):
    """One full transformer block of one stream.

    Args:
        dim: Width D.
        num_heads: Attention heads.
        mlp_ratio: Nominal MLP width over D.
        mlp_multiple_of: Rounding of the inner MLP width.
        kernel_size: Kernel of the output projection and the MLP; 1 means plain linear maps.
        modulation_rank: See :class:`Modulator`.
    """

    params = FULL_PARAMS

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        mlp_ratio: float,
        mlp_multiple_of: int,
        kernel_size: int,
        modulation_rank: int | None = None,
    ) -> None:
        super().__init__()
        self.attn = Attention(dim, num_heads)
        self.linear1: nn.Module
        self.ffn: nn.Module
        nominal = dim * mlp_ratio
        if kernel_size == 1:
            self.linear1 = Linear(dim, dim)
            self.ffn = GatedMLP(dim, nominal, mlp_multiple_of)
        else:
            self.linear1 = ChannelLastConv(dim, dim, kernel_size)
            self.ffn = ConvGatedMLP(dim, nominal, mlp_multiple_of, kernel_size=kernel_size)
        self.adaLN_modulation = Modulator(dim, len(self.params), modulation_rank)

    def query(
        self,
        x: Tensor,
        activated: Tensor,
        rotary: Tensor | None,
        delta: Tensor | None,
    ) -> tuple[QKV, tuple[Tensor, ...]]:
        """Return q, k, v and the four modulation vectors that :meth:`finish` needs."""
        shift, scale, *rest = self.adaLN_modulation.vectors(activated, delta)
        return self.attn(modulate(layer_norm(x), shift, scale), rotary), tuple(rest)

    def finish(self, x: Tensor, attended: Tensor, vectors: tuple[Tensor, ...]) -> Tensor:
        """Add the gated attention output and the gated MLP to ``x`` (B, N, D)."""
        gate_attention, shift, scale, gate_mlp = vectors
        x = torch.addcmul(x, self.linear1(attended), gate_attention)
        return torch.addcmul(x, self.ffn(modulate(layer_norm(x), shift, scale)), gate_mlp)

    def forward(
        self,
        x: Tensor,
        activated: Tensor,
        rotary: Tensor | None,
        delta: Tensor | None = None,
    ) -> Tensor:
        """Run the block on its own, as in the audio-only part: (B, N, D) to (B, N, D)."""
        qkv, vectors = self.query(x, activated, rotary, delta)
        (attended,) = attend([qkv])
        return self.finish(x, attended, vectors)


Streams = tuple[Tensor, Tensor, Tensor]
Deltas = tuple[Tensor | None, Tensor | None, Tensor | None]


class JointBlock(nn.Module):
    """Audio, visual and text stream with one attention over all their tokens."""

    def __init__(
        self, latent_block: StreamBlock, clip_block: StreamBlock, text_block: StreamBlock
    ) -> None:
        super().__init__()
        self.latent_block = latent_block
        self.clip_block = clip_block
        self.text_block = text_block

    def forward(
        self,
        streams: Streams,
        per_token: Tensor,
        shared: Tensor,
        rotaries: tuple[Tensor, Tensor],
        deltas: Deltas = (None, None, None),
    ) -> Streams:
        """Advance (latent, clip, text), each (B, N_i, D).

        Args:
            streams: Tokens of the three streams.
            per_token: Activated condition of the latent stream, (B, N, D).
            shared: Activated condition of the clip and text streams, (B, 1, D).
            rotaries: Tables of the latent and the clip stream.
            deltas: Added to the modulation vectors of each stream.
        """
        latent, clip, text = streams
        latent_qkv, latent_w = self.latent_block.query(latent, per_token, rotaries[0], deltas[0])
        clip_qkv, clip_w = self.clip_block.query(clip, shared, rotaries[1], deltas[1])
        text_qkv, text_w = self.text_block.query(text, shared, None, deltas[2])
        latent_out, clip_out, text_out = attend([latent_qkv, clip_qkv, text_qkv])
        return (
            self.latent_block.finish(latent, latent_out, latent_w),
            self.clip_block.finish(clip, clip_out, clip_w),
            self.text_block.finish(text, text_out, text_w),
        )


class LastJointBlock(nn.Module):
    """The last joint block: nothing reads the visual and text streams after its attention."""

    def __init__(
        self, latent_block: StreamBlock, clip_block: QueryStream, text_block: QueryStream
    ) -> None:
        super().__init__()
        self.latent_block = latent_block
        self.clip_block = clip_block
        self.text_block = text_block

    def forward(
        self,
        streams: Streams,
        per_token: Tensor,
        shared: Tensor,
        rotaries: tuple[Tensor, Tensor],
        deltas: Deltas = (None, None, None),
    ) -> Tensor:
        """Return the latent stream (B, N, D); arguments as in :class:`JointBlock`."""
        latent, clip, text = streams
        latent_qkv, latent_w = self.latent_block.query(latent, per_token, rotaries[0], deltas[0])
        clip_qkv = self.clip_block.query(clip, shared, rotaries[1], deltas[1])
        text_qkv = self.text_block.query(text, shared, None, deltas[2])
        latent_out = attend([latent_qkv, clip_qkv, text_qkv])[0]
        return self.latent_block.finish(latent, latent_out, latent_w)


class FinalLayer(nn.Module):
    """Modulated layer norm and a convolution to the latent channels."""

    def __init__(self, dim: int, out_channels: int, modulation_rank: int | None = None) -> None:
        super().__init__()
        self.adaLN_modulation = Modulator(dim, len(QUERY_PARAMS), modulation_rank)
        self.conv = ChannelLastConv(dim, out_channels, 7)

    def forward(self, x: Tensor, activated: Tensor) -> Tensor:
        """Map tokens (B, N, D) to velocities (B, N, C)."""
        shift, scale = self.adaLN_modulation.vectors(activated, None)
        return cast("Tensor", self.conv(modulate(layer_norm(x), shift, scale)))
