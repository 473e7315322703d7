"""Synchformer's comparison: by how much sound and picture are apart, from features of both halves.

Iashin et al., Synchformer: Efficient Synchronization from Sparse Cues (ICASSP 2024). State-dict names
are those of the released ``synchformer_state_dict.pth`` outside of the two feature extractors.
"""

from __future__ import annotations

from typing import cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models.weights import StreamedWeights

__all__ = ["SynchformerComparison"]

_VIDEO_TOKENS, _AUDIO_TOKENS = 8, 6  # of a segment


class Attention(nn.Module):
    """Self-attention with maps of its own for queries, keys and values."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.key = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same shape."""
        q, k, v = (
            map_(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for map_ in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return cast("Tensor", self.proj(attended))


class Block(nn.Module):
    """Attention and MLP, each on normalised input, residual."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(dim)
        self.ln2 = nn.LayerNorm(dim)
        self.attn = Attention(dim, num_heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same shape."""
        x = x + self.attn(self.ln1(x))
        return x + cast("Tensor", self.mlp(self.ln2(x)))


class Positions(nn.Module):
    """A learned vector for every token of a comparison."""

    def __init__(self, dim: int, tokens: int) -> None:
        super().__init__()
        self.pos_emb = nn.Parameter(torch.zeros(1, tokens, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same shape."""
        return x + self.pos_emb


class ComparisonTransformer(nn.Module):
    """[token of the offset, video, token between, audio] to logits of the offset."""

    def __init__(self, dim: int, num_heads: int, depth: int, tokens: int, classes: int) -> None:
        super().__init__()
        self.OFF_tok = nn.Parameter(torch.zeros(1, 1, dim))
        self.MOD_tok = nn.Parameter(torch.zeros(1, 1, dim))
        self.vis_in_lnorm = nn.LayerNorm(dim)
        self.aud_in_lnorm = nn.LayerNorm(dim)
        self.pos_emb_cfg = Positions(dim, tokens)
        self.blocks = nn.ModuleList(Block(dim, num_heads) for _ in range(depth))
        self.ln_f = nn.LayerNorm(dim)
        self.off_head = nn.Linear(dim, classes)

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        """Map tokens (B, Nv, D) and (B, Na, D) to logits (B, classes)."""
        batch = video.shape[0]
        x = torch.cat(
            [
                self.OFF_tok.expand(batch, -1, -1),
                self.vis_in_lnorm(video),
                self.MOD_tok.expand(batch, -1, -1),
                self.aud_in_lnorm(audio),
            ],
            dim=1,
        )
        x = self.pos_emb_cfg(x)
        for block in self.blocks:
            x = block(x)
        return cast("Tensor", self.off_head(self.ln_f(x[:, 0])))


class SynchformerComparison(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Features of 14 segments of video and sound to logits of 21 offsets, -2 to 2 s.

    Args:
        hidden_dim: Width D of the features.
        num_heads: Attention heads.
        depth: Blocks.
        segments: Segments that are compared at once.
        num_classes: Offsets.

    Raises:
        ConfigurationError: ``num_heads`` does not divide ``hidden_dim``.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved folders

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        hidden_dim: int = 768,
        num_heads: int = 8,
        depth: int = 3,
        segments: int = 14,
        num_classes: int = 21,
    ) -> None:
        super().__init__()
        if hidden_dim % num_heads:
            raise ConfigurationError(f"{num_heads} heads do not divide a width of {hidden_dim}")
        tokens = 2 + segments * (_VIDEO_TOKENS + _AUDIO_TOKENS)
        self.vproj = nn.Linear(hidden_dim, hidden_dim)
        self.aproj = nn.Linear(hidden_dim, hidden_dim)
        self.transformer = ComparisonTransformer(hidden_dim, num_heads, depth, tokens, num_classes)

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        """Return the logits of the first and the last window, (B, 2, classes).

        Args:
            video: Features of `Synchformer`, (B, segments, 8, D).
            audio: Features of `SynchformerAudio`, (B, segments, 6, D); segments of one of both that
                the other has not are left out.

        Raises:
            InputError: Other shapes, or fewer segments than are compared (14: 4.8 s).
        """
        compared: int = self.config.segments
        if video.ndim != 4 or audio.ndim != 4 or video.shape[0] != audio.shape[0]:
            raise InputError(
                f"features of shapes {tuple(video.shape)} and {tuple(audio.shape)}, expected "
                "(clips, segments, 8, width) and (clips, segments, 6, width)"
            )
        segments = min(video.shape[1], audio.shape[1])
        if segments < compared:
            raise InputError(
                f"{segments} segments of both, {compared} are compared: clips of at least "
                f"{0.32 * (compared - 1) + 0.64:.2f} s are needed"
            )
        starts = (0, segments - compared)
        logits = [
            self.transformer(
                self.vproj(video[:, start : start + compared].flatten(1, 2)),
                self.aproj(audio[:, start : start + compared].flatten(1, 2)),
            )
            for start in starts
        ]
        return torch.stack(logits, dim=1)
