"""Log-mel spectrograms, the input of the codecs and vocoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import librosa
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError

__all__ = ["MEL_16K", "MEL_44K", "MelConfig", "MelSpectrogram", "mel_for_mode"]

_MAGNITUDE_EPS = 1e-9
_FLOOR = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class MelConfig:
    """Numbers of a mel spectrogram.

    Attributes:
        sample_rate_hz: Of the waveform.
        n_fft: Samples of a transform, and of its Hann window.
        hop_length: Samples from frame to frame.
        mel_bins: Number of bands M.
        min_hz: Lower edge of the lowest band.
        max_hz: Upper edge of the highest band.
        logarithm: ``"log10"`` or ``"ln"``; a vocoder expects the one it was trained with.
    """

    sample_rate_hz: int
    n_fft: int
    hop_length: int
    mel_bins: int
    min_hz: float
    max_hz: float
    logarithm: Literal["log10", "ln"]


MEL_16K = MelConfig(
    sample_rate_hz=16000,
    n_fft=1024,
    hop_length=256,
    mel_bins=80,
    min_hz=0.0,
    max_hz=8000.0,
    logarithm="log10",
)
"""Of the 16 kHz codec and vocoder."""

MEL_44K = MelConfig(
    sample_rate_hz=44100,
    n_fft=2048,
    hop_length=512,
    mel_bins=128,
    min_hz=0.0,
    max_hz=22050.0,
    logarithm="ln",
)
"""Of the 44.1 kHz codec and vocoder."""


def mel_for_mode(mode: str) -> MelConfig:
    """Return the numbers that belong to the codec ``"16k"`` or ``"44k"``.

    Raises:
        ConfigurationError: Another mode.
    """
    modes = {"16k": MEL_16K, "44k": MEL_44K}
    if mode not in modes:
        raise ConfigurationError(f"unknown codec mode {mode!r}; known: {', '.join(modes)}")
    return modes[mode]


class MelSpectrogram(nn.Module):
    """Waveform (B, S) to log-mel spectrogram (B, M, S // hop), always computed in float32.

    Slaney's mel scale and area normalisation; magnitudes, not powers.
    """

    mel_basis: Tensor
    window: Tensor

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.config = config
        basis = librosa.filters.mel(
            sr=config.sample_rate_hz,
            n_fft=config.n_fft,
            n_mels=config.mel_bins,
            fmin=config.min_hz,
            fmax=config.max_hz,
        )
        # Derived from the numbers above, so not part of any checkpoint.
        self.register_buffer("mel_basis", torch.from_numpy(basis).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return the log-mel spectrogram of ``waveform``; samples are clamped to [-1, 1].

        Raises:
            InputError: Not (B, S), or too short for the reflected borders.
        """
        config = self.config
        border = (config.n_fft - config.hop_length) // 2
        if waveform.ndim != 2 or waveform.shape[1] <= max(border, config.hop_length - 1):
            raise InputError(
                f"waveform has shape {tuple(waveform.shape)}, expected (batch, samples) with more "
                f"than {border} samples ({border / config.sample_rate_hz:.3f} s)"
            )
        with torch.autocast(waveform.device.type, enabled=False):
            samples = waveform.float().clamp(-1.0, 1.0)
            padded = F.pad(samples.unsqueeze(1), (border, border), mode="reflect").squeeze(1)
            spectrum = torch.stft(
                padded,
                config.n_fft,
                hop_length=config.hop_length,
                window=self.window.float(),
                center=False,
                return_complex=True,
            )
            power = spectrum.real.square() + spectrum.imag.square()
            mel = self.mel_basis.float() @ torch.sqrt(power + _MAGNITUDE_EPS)
            mel = mel.clamp(min=_FLOOR)
            return mel.log10() if config.logarithm == "log10" else mel.log()
