"""Log-mel spectrograms, the input of the codecs and vocoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "MEL_16K",
    "MEL_44K",
    "MEL_48K",
    "MelConfig",
    "MelSpectrogram",
    "mel_band_edges",
    "mel_config_of_rate",
]

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

MEL_48K = MelConfig(
    sample_rate_hz=48000,
    n_fft=2048,
    hop_length=768,
    mel_bins=80,
    min_hz=0.0,
    max_hz=20000.0,
    logarithm="log10",
)
"""Of the 48 kHz codec and vocoder; as many frames per second as `MEL_16K`."""


def mel_config_of_rate(sample_rate_hz: int) -> MelConfig:
    """Return the mel spectrogram that codecs of a sample rate hear.

    Raises:
        ConfigurationError: No codec here works at this rate.
    """
    known = {config.sample_rate_hz: config for config in (MEL_16K, MEL_44K, MEL_48K)}
    if sample_rate_hz not in known:
        raise ConfigurationError(
            f"no mel spectrogram for sound at {sample_rate_hz} Hz; choose a model of "
            f"{', '.join(map(str, known))} Hz"
        )
    return known[sample_rate_hz]


def mel_filters(config: MelConfig) -> NDArray[np.float32]:
    """Return the triangular filters of Slaney's mel scale, each of unit area, (M, n_fft / 2 + 1).

    Equal to ``librosa.filters.mel`` to the bit (tested); importing librosa takes seconds, and
    every vocoder is made with these filters.
    """
    bins = np.linspace(0.0, config.sample_rate_hz / 2.0, config.n_fft // 2 + 1)
    edges = mel_band_edges(config)
    width = np.diff(edges)[:, None]
    rising = (bins - edges[:-2, None]) / width[:-1]
    falling = (edges[2:, None] - bins) / width[1:]
    triangles = np.clip(np.minimum(rising, falling), 0.0, None).astype(np.float32)
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(triangles * area[:, None], dtype=np.float32)


def mel_band_edges(config: MelConfig) -> NDArray[np.float64]:
    """Return the corners of the bands in Hz, (M + 2,).

    Band b rises from corner b to its middle, corner b + 1, and falls to corner b + 2.
    """
    return _mel_to_hz(
        np.linspace(_hz_to_mel(config.min_hz), _hz_to_mel(config.max_hz), config.mel_bins + 2)
    )


# Slaney's scale: linear below 1 kHz (15 mel), then 27 mel per factor of 6.4.
_HZ_PER_MEL, _KNEE_HZ, _KNEE_MEL, _LOG_STEP = 200.0 / 3.0, 1000.0, 15.0, np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz / _HZ_PER_MEL
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    curved = _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, _HZ_PER_MEL * mel, curved)


class MelSpectrogram(nn.Module):
    """Waveform (B, S) to log-mel spectrogram (B, M, S // hop), always computed in float32.

    Slaney's mel scale and area normalisation; magnitudes, not powers.
    """

    mel_basis: Tensor
    window: Tensor

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.config = config
        basis = mel_filters(config)
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
