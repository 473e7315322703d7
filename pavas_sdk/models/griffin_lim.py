"""Log-mel spectrogram to waveform without a neural network (fast Griffin-Lim).

Griffin and Lim 1984 (consistent magnitudes), Perraudin et al. 2013 (momentum). Levels are exact
to the spectrogram: at the end each frame is rescaled to the energy that its mel frame asks for.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor
from torch.nn import functional as F

from pavas_sdk.errors import InputError
from pavas_sdk.models.mel import MelConfig, MelSpectrogram

__all__ = ["GriffinLimVocoder"]

_TINY = 1e-8
_MAX_CORRECTION = 4.0


class GriffinLimVocoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Turns a log10-mel spectrogram (B, M, T) into a waveform (B, 1, T * hop).

    Deterministic: the start phase is a fixed pseudo-random sequence per frame, so that a longer
    spectrogram starts like a shorter one and batch items do not depend on each other.

    Args:
        sample_rate_hz: Samples per second.
        n_fft: Samples of a frame, and of its Hann window.
        hop_length: Samples from frame to frame.
        mel_bins: Bands M.
        min_hz: Lower edge of the lowest band.
        max_hz: Upper edge of the highest band.
        iterations: Griffin-Lim iterations.
        momentum: Of the fast variant; 0 is the plain algorithm.
        inverse_steps: Multiplicative steps that refine the non-negative mel inversion.
    """

    __module__ = "pavas_sdk.models"

    inverse: Tensor
    column_sums: Tensor

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        sample_rate_hz: int = 16000,
        n_fft: int = 1024,
        hop_length: int = 256,
        mel_bins: int = 80,
        min_hz: float = 0.0,
        max_hz: float = 8000.0,
        iterations: int = 24,
        momentum: float = 0.99,
        inverse_steps: int = 8,
    ) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            MelConfig(
                sample_rate_hz=sample_rate_hz,
                n_fft=n_fft,
                hop_length=hop_length,
                mel_bins=mel_bins,
                min_hz=min_hz,
                max_hz=max_hz,
                logarithm="log10",
            )
        )
        basis = self.mel.mel_basis
        # Everything here is derived from the numbers above. One small table is stored all the
        # same: diffusers cannot load a model whose folder holds no weights file.
        self.register_buffer("inverse", torch.linalg.pinv(basis.double()).float(), persistent=False)
        # A parameter, since offloading asks the first parameter where a network is.
        self.column_sums = torch.nn.Parameter(basis.sum(dim=1), requires_grad=False)

    @property
    def dtype(self) -> torch.dtype:
        """Always float32: phases do not survive less."""
        return torch.float32

    def magnitudes(self, mel: Tensor) -> Tensor:
        """Return non-negative spectra (B, F, T) whose mel bands are close to ``10 ** mel``."""
        basis = self.mel.mel_basis.float()
        wanted = torch.pow(10.0, mel.float())
        spectrum = (self.inverse.float() @ wanted).clamp(min=0.0)
        # Start a little above zero everywhere: multiplicative steps cannot leave zero.
        spectrum = spectrum + 1e-2 * (basis.T @ (wanted / self.column_sums[:, None])) + _TINY
        numerator = basis.T @ wanted
        for _ in range(self.config.inverse_steps):
            spectrum = spectrum * numerator / (basis.T @ (basis @ spectrum) + _TINY)
        return spectrum

    @torch.no_grad()
    def forward(self, mel: Tensor) -> Tensor:
        """Return the waveform (B, 1, T * hop) of ``mel`` (B, M, T), log10 magnitudes.

        Raises:
            InputError: Not (B, M, T) with at least four frames.
        """
        bins = self.config.mel_bins
        if mel.ndim != 3 or mel.shape[1] != bins or mel.shape[2] < 4:
            raise InputError(
                f"mel has shape {tuple(mel.shape)}, expected (batch, {bins}, 4 frames or more)"
            )
        with torch.autocast(mel.device.type, enabled=False):
            magnitude = self.magnitudes(mel)
            # one item at a time: a batch gives bit for bit what its items give alone
            waves = [self._invert(item) for item in magnitude]
            levelled = [
                self._levelled(wave, item) for wave, item in zip(waves, mel.float(), strict=True)
            ]
        return torch.stack(levelled)[:, None]

    def _invert(self, magnitude: Tensor) -> Tensor:
        """Find a waveform (T * hop,) with the given magnitudes (F, T)."""
        phase = self._start_phase(magnitude.shape[1]).to(magnitude.device)
        spectrum = torch.polar(magnitude, phase)
        previous = torch.zeros_like(spectrum)
        momentum = self.config.momentum / (1.0 + self.config.momentum)
        for _ in range(self.config.iterations):
            rebuilt = self._analyse(self._synthesise(spectrum))
            leading = rebuilt - momentum * previous
            previous = rebuilt
            spectrum = magnitude * (leading / leading.abs().clamp(min=_TINY))
        return self._synthesise(spectrum)

    def _start_phase(self, frames: int) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        bins = self.config.n_fft // 2 + 1
        return (torch.rand(frames, bins, generator=generator) * (2.0 * torch.pi)).T.contiguous()

    def _analyse(self, wave: Tensor) -> Tensor:
        n_fft, hop = self.config.n_fft, self.config.hop_length
        border = (n_fft - hop) // 2
        padded = F.pad(wave[None, None], (border, border))[0, 0]
        frames = padded.unfold(0, n_fft, hop) * self.mel.window.float()
        spectrum: Tensor = torch.fft.rfft(frames, dim=1)
        return spectrum.T

    def _synthesise(self, spectrum: Tensor) -> Tensor:
        n_fft, hop = self.config.n_fft, self.config.hop_length
        border = (n_fft - hop) // 2
        window = self.mel.window.float()
        frames = torch.fft.irfft(spectrum.T, n=n_fft, dim=1) * window
        count = frames.shape[0]
        length = (count - 1) * hop + n_fft
        wave = _overlap_add(frames, length, hop)
        weight = _overlap_add(window.square().expand(count, -1), length, hop)
        return (wave / weight.clamp(min=1e-3))[border : length - border]

    def _levelled(self, wave: Tensor, mel: Tensor) -> Tensor:
        """Scale the waveform (S,) smoothly so that frame energies match the mel (M, T)."""
        basis = self.mel.mel_basis.float()
        have = (basis @ self._analyse(wave).abs()).square().sum(dim=0)
        want = torch.pow(10.0, mel).square().sum(dim=0)
        gain = torch.sqrt((want + _TINY) / (have + _TINY))
        gain = gain.clamp(1.0 / _MAX_CORRECTION, _MAX_CORRECTION)
        curve = F.interpolate(
            gain[None, None], size=wave.shape[0], mode="linear", align_corners=False
        )[0, 0]
        return wave * curve


def _overlap_add(frames: Tensor, length: int, hop: int) -> Tensor:
    """Add frames (T, n) at multiples of ``hop`` into (length,)."""
    return F.fold(
        frames.T[None].contiguous(),
        output_size=(1, length),
        kernel_size=(1, frames.shape[1]),
        stride=(1, hop),
    )[0, 0, 0]
