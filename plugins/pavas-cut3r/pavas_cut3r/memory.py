"""Pose memory: slots that pair what a frame looks like with where its camera was."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from pavas_cut3r.layers import DecoderBlock

__all__ = ["PoseMemory"]

DEPTH = 2


class PoseMemory(nn.Module):
    """Reads a pose token for a frame, and writes the one that the decoder made of it.

    The left half of a slot is key-like (an image feature), the right half value-like (a pose token).
    There are no positions and no final norms: the memory's scale may drift, the norms inside the
    blocks absorb it.

    Args:
        slots: Number of slots.
        image_dim: Width of the image feature.
        dim: Width of the pose token.
        num_heads: Heads of the blocks, which are twice as wide as the pose token.
    """

    def __init__(self, slots: int, image_dim: int, dim: int, num_heads: int) -> None:
        super().__init__()
        self.mem = nn.Parameter(torch.zeros(1, slots, 2 * dim))
        self.masked_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.proj_q = nn.Linear(image_dim, dim)
        self.read_blocks = nn.ModuleList([DecoderBlock(2 * dim, num_heads) for _ in range(DEPTH)])
        self.write_blocks = nn.ModuleList([DecoderBlock(2 * dim, num_heads) for _ in range(DEPTH)])

    def read(self, feature: Tensor, memory: Tensor) -> Tensor:
        """Return the pose token (B, 1, D) for an image feature (B, 1, De) from (B, M, 2D)."""
        key = self.proj_q(feature)
        token = torch.cat([key, self.masked_token.expand_as(key)], dim=-1)
        for block in self.read_blocks:
            token = block(token, memory)
        return token[..., key.shape[-1] :]

    def write(self, memory: Tensor, feature: Tensor, pose_token: Tensor) -> Tensor:
        """Return the memory (B, M, 2D) with a frame's feature (B, 1, De) and pose token written."""
        entry = torch.cat([self.proj_q(feature), pose_token], dim=-1)
        for block in self.write_blocks:
            memory = cast("Tensor", block(memory, entry))
        return memory
