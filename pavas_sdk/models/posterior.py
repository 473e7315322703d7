"""The Gaussian that an audio codec's encoder returns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["LatentPosterior"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentPosterior:
    """A diagonal Gaussian over latents.

    Attributes:
        mean: (B, C, N).
        logvar: Logarithm of the variance, (B, C, N).
    """

    mean: Tensor
    logvar: Tensor

    @classmethod
    def from_moments(cls, moments: Tensor) -> LatentPosterior:
        """Split (B, 2C, N) into mean and log variance; the latter is clamped to [-30, 20]."""
        mean, logvar = moments.chunk(2, dim=1)
        return cls(mean=mean, logvar=logvar.clamp(-30.0, 20.0))

    @property
    def std(self) -> Tensor:
        """Standard deviation, (B, C, N)."""
        return torch.exp(0.5 * self.logvar)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw latents (B, C, N) with noise drawn on the generator's device (CPU by default)."""
        device = self.mean.device if generator is None else generator.device
        noise = torch.randn(
            self.mean.shape, generator=generator, device=device, dtype=self.mean.dtype
        )
        return self.mean + self.std * noise.to(self.mean.device)

    def kl(self) -> Tensor:
        """Kullback-Leibler divergence to the unit Gaussian, summed over (C, N), (B,)."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1.0 - self.logvar).sum(dim=(1, 2))
