"""Time embedding and rotary positions. Their tables are derived values, never state."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

__all__ = [
    "RotaryTables",
    "TimeEmbedding",
    "apply_rotary",
    "rotary_table",
    "time_features",
    "time_frequencies",
]

_BASE = 10000.0


def rotary_table(
    length: int,
    head_dim: int,
    *,
    frequency_scale: float = 1.0,
    device: torch.device | str | None = None,
) -> Tensor:
    """Return the rotations ``exp(i * position * frequency)``, complex64 (length, head_dim / 2).

    Args:
        length: Number of positions 0, 1, 2, ...
        head_dim: Even width of a head; channels 2i and 2i + 1 form a pair.
        frequency_scale: Multiplies all frequencies; ``N / T`` puts T tokens on the time axis of N.
        device: Where the table lives.
    """
    # Outside inference mode, so that a cached table may later take part in training.
    with torch.inference_mode(mode=False):
        even = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device)
        frequencies = 1.0 / (_BASE ** (even / head_dim)) * frequency_scale
        positions = torch.arange(length, dtype=torch.float32, device=device)
        angles = torch.outer(positions, frequencies)
        return torch.polar(torch.ones_like(angles), angles)


def apply_rotary(x: Tensor, table: Tensor) -> Tensor:
    """Rotate neighbouring channel pairs of ``x`` (B, H, N, d) by ``table`` (N, d / 2), in float32."""
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * table).flatten(-2).to(x.dtype)


class RotaryTables:
    """A small cache of rotary tables by length, scale and device."""

    def __init__(self, head_dim: int, max_entries: int = 16) -> None:
        self.head_dim = head_dim
        self.max_entries = max_entries
        self._tables: dict[tuple[int, float, torch.device], Tensor] = {}

    def get(self, length: int, device: torch.device, frequency_scale: float = 1.0) -> Tensor:
        """Return :func:`rotary_table` for these numbers, computed at most once."""
        key = (length, frequency_scale, device)
        table = self._tables.get(key)
        if table is None:
            if len(self._tables) >= self.max_entries:
                self._tables.clear()
            table = rotary_table(
                length, self.head_dim, frequency_scale=frequency_scale, device=device
            )
            self._tables[key] = table
        return table


def time_frequencies(width: int, scale: float, device: torch.device | str | None = None) -> Tensor:
    """Return ``scale / 10000^(2j / width)`` for j = 0 .. width / 2 - 1, float32.

    Multiplied by times of up to 1, the frequencies reach 1e4 radians where ``scale`` does, so
    that their rounding in float32 is part of the definition.
    """
    even = torch.arange(0, width, 2, dtype=torch.float32, device=device)
    return scale * (1.0 / (_BASE ** (even / width)))


def time_features(timestep: Tensor, width: int, scale: float) -> Tensor:
    """Return ``[cos(t f), sin(t f)]`` of ``timestep`` (B,), float32 (B, width)."""
    angles = timestep.float()[:, None] * time_frequencies(width, scale, timestep.device)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """Flow time in [0, 1], one per batch row, to a condition vector (B, dim)."""

    def __init__(self, dim: int, width: int, scale: float) -> None:
        super().__init__()
        self.width = width
        self.scale = scale
        self.mlp = nn.Sequential(nn.Linear(width, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, timestep: Tensor) -> Tensor:
        """Embed ``timestep`` (B,) to (B, dim)."""
        features = time_features(timestep, self.width, self.scale)
        dtype = cast("Tensor", self.mlp[0].weight).dtype
        return cast("Tensor", self.mlp(features.to(dtype)))
