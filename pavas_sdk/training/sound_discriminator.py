"""A judge of sound for the adversarial part of a vocoder's training."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SoundDiscriminator", "discriminator_loss", "generator_losses"]

_QUIET = 1e-5


class _SpectrumJudge(nn.Module):
    """Judges log magnitudes of one window: convolutions over time and frequency."""

    window: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        widths = [1, channels, channels, channels, channels]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (9, 3), stride=(2, 1), padding=(4, 1)))
            for a, b in itertools.pairwise(widths)
        )
        self.last = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, sound: Tensor) -> tuple[Tensor, list[Tensor]]:
        spectrum = torch.stft(
            sound, self.size, hop_length=self.size // 4, window=self.window, return_complex=True
        )
        power = (spectrum.real.square() + spectrum.imag.square()) / (0.375 * self.size)
        # Logarithms: a quiet impact is judged like a loud one.
        x = torch.log10(torch.sqrt(power + 1e-14) + _QUIET)[:, None] * 0.5 + 1.5
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.last(x), features


class SoundDiscriminator(nn.Module):
    """Judges spectra of several windows (multi-resolution, as UnivNet's: arXiv 2106.07889).

    Args:
        windows: Lengths in samples.
        channels: Of the convolutions.
    """

    def __init__(self, windows: Sequence[int] = (256, 1024, 4096), channels: int = 24) -> None:
        super().__init__()
        self.judges = nn.ModuleList(_SpectrumJudge(size, channels) for size in windows)

    def forward(self, sound: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """Return scores and features of each window for sounds (B, S)."""
        return [judge(sound) for judge in self.judges]


def discriminator_loss(discriminator: nn.Module, true: Tensor, made: Tensor) -> Tensor:
    """Return the hinge loss of a judge that should score ``true`` above ``made``, (B, S) each."""
    total = true.new_zeros(())
    for (good, _), (bad, _) in zip(discriminator(true), discriminator(made.detach()), strict=True):
        total = total + F.relu(1.0 - good).mean() + F.relu(1.0 + bad).mean()
    return total


def generator_losses(discriminator: nn.Module, true: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    """Return the adversarial loss of ``made`` and the distance of its features from ``true``'s."""
    adversarial, matching = made.new_zeros(()), made.new_zeros(())
    with torch.no_grad():
        goal = discriminator(true)
    for (score, have), (_, want) in zip(discriminator(made), goal, strict=True):
        adversarial = adversarial - score.mean()
        for one, other in zip(have, want, strict=True):
            matching = matching + (one - other).abs().mean() / (other.abs().mean() + 1e-6)
    return adversarial, matching
