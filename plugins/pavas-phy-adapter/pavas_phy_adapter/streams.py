"""From one physical number per object to a condition: Fourier, FiLM, gated pooling (Eq. 5-9)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PhysicsStream", "fourier_features", "log_spaced"]


def log_spaced(lowest: float, highest: float, count: int) -> tuple[float, ...]:
    """Return ``count`` frequencies from ``lowest`` to ``highest``, evenly spaced in logarithm."""
    if count == 1:
        return (lowest,)
    ratio = highest / lowest
    return tuple(lowest * ratio ** (k / (count - 1)) for k in range(count))


def fourier_features(values: Tensor, frequencies: Sequence[float]) -> Tensor:
    """Return [sin(2 pi w_k x), cos(2 pi w_k x)] for k = 1..K_f (Eq. 5-6).

    Computed in float32 whatever the network's dtype: the highest frequencies need it.

    Args:
        values: Normalised numbers x, any shape.
        frequencies: w_k.

    Returns:
        float32, (..., 2 K_f): all sines, then all cosines.
    """
    w = torch.tensor(frequencies, dtype=torch.float32, device=values.device)
    angle = 2.0 * math.pi * values.float().unsqueeze(-1) * w
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


class PhysicsStream(nn.Module):
    """One of the two halves of the adapter: mass or speed.

    Args:
        hidden_dim: D_h.
        frequencies: w_k of the Fourier features.
        gate_dim: Width of what the pooling gate reads of each object and frame.
    """

    def __init__(
        self, hidden_dim: int, frequencies: Sequence[float], gate_dim: int | None = None
    ) -> None:
        super().__init__()
        self._frequencies = tuple(frequencies)
        self.embed = nn.Sequential(
            nn.Linear(2 * len(self._frequencies), hidden_dim),
            nn.SiLU(),
            nn.Linear(hidden_dim, hidden_dim),
        )
        self.film = nn.Linear(hidden_dim, 2 * hidden_dim)
        self.pool = nn.Sequential(
            nn.Linear(gate_dim or hidden_dim, hidden_dim // 2),
            nn.SiLU(),
            nn.Linear(hidden_dim // 2, 1),
        )
        self.missing_token = nn.Parameter(0.02 * torch.randn(hidden_dim))
        self.empty_token = nn.Parameter(0.02 * torch.randn(hidden_dim))

    def forward(self, objects: Tensor, values: Tensor) -> Tensor:
        """Return the modulated features of each object, (B, K, L, D_h) (Eq. 5-8).

        Args:
            objects: h_i^l, (B, K, L, D_h).
            values: z-scores, (B, K, L) or (B, K, 1) for a number that does not change in time;
                where not finite, the learned missing token replaces the embedding.
        """
        known = torch.isfinite(values)
        features = fourier_features(torch.where(known, values, 0.0), self._frequencies)
        embedding = self.embed(features.to(objects.dtype))
        embedding = torch.where(known.unsqueeze(-1), embedding, self.missing_token)
        coefficients: Tensor = self.film(embedding)
        gamma, beta = coefficients.chunk(2, dim=-1)
        return (1.0 + 0.5 * gamma.tanh()) * objects + 0.5 * beta.tanh()

    def pooled(self, objects: Tensor, gate_inputs: Tensor, valid: Tensor) -> Tensor:
        """Gated mean over the valid objects (Eq. 9), (B, L, D_h); without any, the empty token.

        Args:
            objects: Of `forward`.
            gate_inputs: What the gates depend on, (B, K, L, gate_dim).
            valid: bool, (B, K).
        """
        # sigmoid(x_i) / sum_j sigmoid(x_j), written so that it cannot become 0 / 0
        log_gate = F.logsigmoid(self.pool(gate_inputs).float())
        lowest = torch.finfo(torch.float32).min
        log_gate = log_gate.masked_fill(~valid[:, :, None, None], lowest)
        share = log_gate.softmax(dim=1).to(objects.dtype)
        pooled = (share * objects).sum(dim=1)
        return torch.where(valid.any(dim=1)[:, None, None], pooled, self.empty_token)
