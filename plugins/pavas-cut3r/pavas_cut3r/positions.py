"""Rotary positions in two dimensions, and where image and state tokens sit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Rotation", "image_positions", "rotate", "rotation", "state_positions"]

ROPE_BASE = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Rotation:
    """Cosines and signed sines of one set of positions and one head width.

    Attributes:
        cos: float32, (N, d).
        sin: float32, (N, d); negative where a channel is the first of its pair.
    """

    cos: Tensor
    sin: Tensor


def rotation(positions: Tensor, head_dim: int) -> Rotation:
    """Return the table of `rotate` for (N, 2) positions (row, column), which may be negative.

    The channels of a head are four quarters: a pair for the rows, a pair for the columns.
    """
    quarter = head_dim // 4
    powers = torch.arange(quarter, dtype=torch.float32, device=positions.device) / quarter
    angles = positions.float()[:, :, None] * ROPE_BASE**-powers  # (N, 2, d/4)
    cos, sin = angles.cos(), angles.sin()
    return Rotation(
        cos=torch.stack([cos, cos], dim=2).flatten(1),
        sin=torch.stack([-sin, sin], dim=2).flatten(1),
    )


def rotate(x: Tensor, table: Rotation, *, float16_rounding: bool = False) -> Tensor:
    """Rotate queries or keys (B, heads, N, d) by their positions, in float32.

    Args:
        x: Queries or keys.
        table: What `rotation` returned for their positions.
        float16_rounding: Round to float16 before and after, as the released image encoder does.
    """
    dtype = x.dtype
    x = x.half().float() if float16_rounding else x.float()
    partner = x.unflatten(-1, (2, 2, -1)).flip(-2).flatten(-3)
    x = torch.addcmul(x * table.cos, partner, table.sin)
    return (x.half() if float16_rounding else x).to(dtype)


def image_positions(
    rows: int, columns: int, *, pose_token: bool, device: torch.device | None = None
) -> Tensor:
    """Return the positions of the image tokens, int64 (rows * columns, 2), row by row.

    With ``pose_token`` one more stands in front of them, at (-1, -1).
    """
    grid = torch.cartesian_prod(
        torch.arange(rows, device=device), torch.arange(columns, device=device)
    )
    if not pose_token:
        return grid
    return torch.cat([torch.full((1, 2), -1, dtype=grid.dtype, device=device), grid])


def state_positions(tokens: int, *, device: torch.device | None = None) -> Tensor:
    """Return the positions of the state tokens, int64 (tokens, 2): an even width near the root."""
    width = math.isqrt(tokens)
    width += width % 2
    index = torch.arange(tokens, device=device)
    return torch.stack([index // width, index % width], dim=1)
