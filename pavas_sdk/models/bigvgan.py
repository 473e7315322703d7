"""BigVGAN: a log-mel spectrogram to a waveform, with oversampled periodic activations.

Lee et al., BigVGAN: A Universal Neural Vocoder with Large-Scale Training (ICLR 2023).
State-dict names are those of the released generators with weight norm folded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models.kernels import accelerated
from pavas_sdk.models.weights import StreamedWeights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BIGVGAN_VARIANTS", "BigVGAN", "build_bigvgan", "oversampling_filter"]

_TAPS = 12
_CUTOFF = 0.25
_HALF_WIDTH = 0.3
_BETA_EPS = 1e-9


def oversampling_filter() -> Tensor:
    """Return the 12 taps of the half-band low pass: a windowed sinc of unit sum, float32."""
    attenuation = 2.285 * (_TAPS // 2 - 1) * math.pi * 4 * _HALF_WIDTH + 7.95
    window = np.kaiser(_TAPS, 0.1102 * (attenuation - 8.7))
    time = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = 2 * _CUTOFF * window * np.sinc(2 * _CUTOFF * time)
    return torch.from_numpy((taps / taps.sum()).astype(np.float32))


class SnakeBeta(nn.Module):
    """``x + sin^2(x e^alpha) / e^beta`` per channel; alpha and beta are stored as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def weight(self) -> Tensor:
        """Return the factor of sin^2, (C,)."""
        return 1.0 / (self.beta.exp() + _BETA_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to the same shape."""
        wave = torch.sin(x * self.alpha.exp()[:, None])
        return torch.addcmul(x, wave.square(), self.weight()[:, None])


class OversampledActivation(nn.Module):
    """Snake at twice the rate, so that its harmonics do not fold back: up, snake, down."""

    taps: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = SnakeBeta(channels)
        self.register_buffer("taps", oversampling_filter(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to the same shape; the borders repeat the edge values."""
        taps = self.taps.to(x.dtype).expand(x.shape[1], 1, _TAPS)
        up = F.conv_transpose1d(
            F.pad(x, (5, 5), mode="replicate"), 2.0 * taps, stride=2, groups=x.shape[1]
        )
        snaked = self.act(up[..., 15:-15])
        padded = F.pad(snaked, (5, 6), mode="replicate")
        return F.conv1d(padded, taps, stride=2, groups=x.shape[1])


class PeriodicBlock(nn.Module):
    """Three residual rounds of activation, dilated convolution, activation, convolution."""

    def __init__(self, channels: int, kernel_size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(
                channels, channels, kernel_size, dilation=d, padding=(kernel_size - 1) * d // 2
            )
            for d in dilations
        )
        self.convs2 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel_size, padding=(kernel_size - 1) // 2)
            for _ in dilations
        )
        self.activations = nn.ModuleList(
            OversampledActivation(channels) for _ in range(2 * len(dilations))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to the same shape."""
        first, second = self.activations[::2], self.activations[1::2]
        for conv1, conv2, act1, act2 in zip(self.convs1, self.convs2, first, second, strict=True):
            x = x + conv2(act2(conv1(act1(x))))
        return x


class BigVGAN(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Vocoder: log-mel frames (B, M, T) to a waveform (B, 1, T * hop).

    Args:
        mel_bins: Bands M.
        initial_channels: Width before the first stage; halved by each stage.
        upsample_rates: Factor of each stage; their product is the hop length.
        upsample_kernel_sizes: Kernel of each transposed convolution.
        block_kernel_sizes: Kernels of the parallel blocks of a stage.
        block_dilations: Of the rounds of a block.
        final_activation: ``"tanh"`` or ``"clamp"`` to [-1, 1].
        final_bias: Whether the last convolution has a bias.
        sample_rate_hz: Of the waveform.

    Raises:
        ConfigurationError: Numbers that do not fit together.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved pipelines

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        mel_bins: int = 80,
        initial_channels: int = 1536,
        upsample_rates: tuple[int, ...] = (4, 4, 2, 2, 2, 2),
        upsample_kernel_sizes: tuple[int, ...] = (8, 8, 4, 4, 4, 4),
        block_kernel_sizes: tuple[int, ...] = (3, 7, 11),
        block_dilations: tuple[int, ...] = (1, 3, 5),
        final_activation: Literal["tanh", "clamp"] = "tanh",
        final_bias: bool = True,
        sample_rate_hz: int = 16000,
    ) -> None:
        super().__init__()
        _check(initial_channels, upsample_rates, upsample_kernel_sizes, block_kernel_sizes)
        if final_activation not in ("tanh", "clamp"):
            raise ConfigurationError(
                f"final_activation must be 'tanh' or 'clamp', got {final_activation!r}"
            )
        self.conv_pre = nn.Conv1d(mel_bins, initial_channels, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        channels = initial_channels
        for rate, kernel in zip(upsample_rates, upsample_kernel_sizes, strict=True):
            up = nn.ConvTranspose1d(
                channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2
            )
            self.ups.append(nn.ModuleList([up]))
            channels //= 2
            for size in block_kernel_sizes:
                self.resblocks.append(PeriodicBlock(channels, size, block_dilations))
        self.activation_post = OversampledActivation(channels)
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=final_bias)

    @property
    def hop_length(self) -> int:
        """Samples per mel frame."""
        return math.prod(self.config.upsample_rates)

    def forward(self, mel: Tensor) -> Tensor:
        """Return the waveform (B, 1, T * hop) in [-1, 1] of ``mel`` (B, M, T).

        Raises:
            InputError: Another number of bands, or no frame.
        """
        if mel.ndim != 3 or mel.shape[1] != self.config.mel_bins or mel.shape[2] < 1:
            raise InputError(
                f"mel has shape {tuple(mel.shape)}, expected (batch, {self.config.mel_bins}, frames)"
            )
        return self._squash(self.generate(mel))

    @accelerated
    def generate(self, mel: Tensor) -> Tensor:
        """Return the waveform (B, 1, T * hop) before it is limited to [-1, 1]."""
        x = self.conv_pre(mel)
        per_stage = len(self.config.block_kernel_sizes)
        for stage, up in enumerate(self.ups):
            x = cast("nn.ModuleList", up)[0](x)
            blocks = self.resblocks[stage * per_stage : (stage + 1) * per_stage]
            total = blocks[0](x)
            for block in blocks[1:]:
                total = total + block(x)
            x = total / per_stage
        return cast("Tensor", self.conv_post(self.activation_post(x)))

    def _squash(self, wave: Tensor) -> Tensor:
        return wave.tanh() if self.config.final_activation == "tanh" else wave.clamp(-1.0, 1.0)


def _check(
    channels: int, rates: Sequence[int], kernels: Sequence[int], blocks: Sequence[int]
) -> None:
    problems = []
    if len(rates) != len(kernels):
        problems.append(f"{len(rates)} upsample_rates but {len(kernels)} upsample_kernel_sizes")
    elif any(k < r or (k - r) % 2 for r, k in zip(rates, kernels, strict=True)):
        problems.append(
            f"each kernel must be its rate plus an even number, got {kernels} for {rates}"
        )
    if channels % 2 ** len(rates):
        problems.append(f"initial_channels {channels} cannot be halved {len(rates)} times")
    if not blocks or any(size % 2 == 0 for size in blocks):
        problems.append(f"block_kernel_sizes must be odd numbers, got {blocks}")
    if problems:
        raise ConfigurationError("; ".join(problems))


BIGVGAN_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "16k": {
        "mel_bins": 80,
        "upsample_rates": (4, 4, 2, 2, 2, 2),
        "upsample_kernel_sizes": (8, 8, 4, 4, 4, 4),
        "final_activation": "tanh",
        "final_bias": True,
        "sample_rate_hz": 16000,
    },
    "44k": {
        "mel_bins": 128,
        "upsample_rates": (8, 4, 2, 2, 2, 2),
        "upsample_kernel_sizes": (16, 8, 4, 4, 4, 4),
        "final_activation": "clamp",
        "final_bias": False,
        "sample_rate_hz": 44100,
    },
}
"""Constructor numbers of :class:`BigVGAN` for the released vocoders (44k is BigVGAN v2)."""


def build_bigvgan(mode: str) -> BigVGAN:
    """Return a new, untrained vocoder of the released size ``"16k"`` or ``"44k"``.

    Raises:
        ConfigurationError: Another mode.
    """
    if mode not in BIGVGAN_VARIANTS:
        raise ConfigurationError(
            f"unknown vocoder mode {mode!r}; known: {', '.join(BIGVGAN_VARIANTS)}"
        )
    vocoder: BigVGAN = BigVGAN(**BIGVGAN_VARIANTS[mode])
    return vocoder
