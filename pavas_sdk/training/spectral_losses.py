"""How far one sound is from another, in spectra of several windows.

What is random in a sound must not be averaged away: the likeliest single spectrum of noise is a
tone. `energy_distance` therefore takes two draws of the network and rewards them for differing
(Gritsenko et al. 2020, "A spectral energy distance for parallel speech synthesis"): it is smallest
where the drawn sounds have the distribution of the true ones.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.models import MelConfig, MelSpectrogram
from pavas_sdk.models.mel import mel_filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.models import IstftVocoder

__all__ = ["SpectralDistance", "TrueFrequencies"]

_QUIET = 3e-6  # of full scale; noise below it (-110 dB) is as good as none
_POWER_EPS = 1e-14


class SpectralDistance(nn.Module):
    """Mean distance of magnitudes, in logarithms (the same at any level) and linear.

    Linear distances are divided by the mean magnitude of the true sound; a window of half the
    length hops half as far. From ``pooled_from`` on, windows are compared in mel bands, not bin by bin:
    they resolve a tone better than the codec says where it is, and a tone a few hertz off would count
    worse than none, so that rings turned into noise. A mel spectrogram, as the codec sees it, counts like ``mel_weight`` windows.

    Args:
        mel: Of the mel spectrogram.
        windows: Lengths in samples.
        pooled_from: Shortest window of those compared in bands.
        linear_weight: Of the linear distances, which count the few bins of a tone for what they are.
        mel_weight: Of the mel spectrogram.
    """

    def __init__(
        self,
        mel: MelConfig,
        windows: Sequence[int] = (32, 64, 128, 256, 512, 1024, 2048, 4096),
        pooled_from: int = 2048,
        linear_weight: float = 1.0,
        mel_weight: float = 2.0,
    ) -> None:
        super().__init__()
        self.mel = MelSpectrogram(mel)
        self.linear_weight, self.mel_weight = linear_weight, mel_weight
        self.windows = tuple(windows)
        for size in self.windows:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)
            if size >= pooled_from:
                bands = torch.from_numpy(mel_filters(replace(mel, n_fft=size)))
                bands = bands / bands.sum(dim=1, keepdim=True).clamp(min=1e-9)
                self.register_buffer(f"bands_{size}", bands, persistent=False)
        self.pooled_from = pooled_from

    def spectrum(self, sound: Tensor, size: int) -> Tensor:
        """Return magnitudes (B, F or M, T) of sounds (B, S): noise of deviation 1 has a mean of 1."""
        window = self.get_buffer(f"window_{size}")
        spectrum = torch.stft(sound, size, hop_length=size // 4, window=window, return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        power = power / (0.375 * size)
        if size >= self.pooled_from:
            power = self.get_buffer(f"bands_{size}") @ power
        return torch.sqrt(power + _POWER_EPS)

    def energy_distance(
        self, made: Tensor, again: Tensor, true: Tensor, windows: Sequence[int] | None = None
    ) -> Tensor:
        """Return the energy distance of what the network makes from the true sounds.

        Its gradient is that of the whole distance on average, though ``again`` has none: the
        two draws are alike.

        Args:
            made: One draw (B, S).
            again: Another of the same, without a gradient.
            true: (B, S).
            windows: Which windows to look through; all by default.
        """
        total = self.mel_weight * _energy(self.mel(made), self.mel(again), self.mel(true))
        chosen = self.windows if windows is None else windows
        for size in chosen:
            one, other, goal = (self.spectrum(sound, size) for sound in (made, again, true))
            level = goal.mean(dim=(1, 2), keepdim=True) + _QUIET
            logs = (torch.log10(part + _QUIET) for part in (one, other, goal))
            total = total + _energy(*logs)
            total = total + self.linear_weight * _energy(one / level, other / level, goal / level)
        return total / (len(chosen) + self.mel_weight)


def _energy(made: Tensor, again: Tensor, true: Tensor) -> Tensor:
    # Whole, not half, as the half that `again` would add is missing from the gradient.
    return (made - true).abs().mean() - (made - again).abs().mean()


class TrueFrequencies(nn.Module):
    """The frequency of what is strongest in each band of a sound, to a fraction of a bin.

    From the phase's derivative (Auger and Flandrin 1995, reassignment) at the strongest bin.

    Args:
        vocoder: Whose bands.
        window: Length in samples.
    """

    def __init__(self, vocoder: IstftVocoder, window: int = 4096) -> None:
        super().__init__()
        config = vocoder.config
        self.hop_length = int(config.hop_length)
        self.rate_hz = float(config.sample_rate_hz)
        samples = torch.arange(window, dtype=torch.float64)
        turn = 2.0 * math.pi / window
        hann = 0.5 - 0.5 * torch.cos(turn * samples)
        slope = 0.5 * turn * torch.sin(turn * samples)
        self.register_buffer("windows", torch.stack([hann, slope]).float(), persistent=False)
        bin_hz = self.rate_hz / window
        lower, width = vocoder.lower_hz.double().cpu(), vocoder.width_hz.double().cpu()
        first = torch.floor(lower / bin_hz).long()
        last = torch.ceil((lower + width) / bin_hz).long()
        most = int((last - first).max()) + 1
        places = first[:, None] + torch.arange(most)
        self.register_buffer("places", places.clamp(max=window // 2), persistent=False)
        self.register_buffer("inside", places <= last[:, None], persistent=False)

    @torch.no_grad()
    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Return frequencies (Hz) and their weights at the mel frames of ``sound`` (B, S).

        Returns:
            Two tensors (B, T, M). A weight is the share of the band's energy beside its strongest
            bin, the loudest for a pure tone; 0 where nothing is heard.
        """
        windows, places, inside = (
            self.get_buffer(name) for name in ("windows", "places", "inside")
        )
        size = windows.shape[1]
        border = (size - self.hop_length) // 2
        padded = F.pad(sound[:, None], (border, border), mode="reflect")[:, 0]
        frames = padded.unfold(1, size, self.hop_length)
        spectrum = torch.fft.rfft(frames * windows[0], dim=-1)
        slope = torch.fft.rfft(frames * windows[1], dim=-1)
        power = spectrum.real.square() + spectrum.imag.square()
        shift = (slope * spectrum.conj()).imag / (power + 1e-20)
        bins = torch.arange(power.shape[2], device=sound.device)
        hz = self.rate_hz * (bins / size - shift / (2.0 * math.pi))
        band = power[..., places] * inside
        peak, at = band.max(dim=3)
        at = torch.gather(places.expand(*band.shape[:2], -1, -1), 3, at[..., None])[..., 0]
        heard = peak > (_QUIET * size / 4) ** 2
        return torch.gather(hz, 2, at), heard * peak / (band.sum(dim=3) + 1e-20)
