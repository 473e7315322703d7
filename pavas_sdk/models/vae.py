"""The mel autoencoder: a mel spectrogram to two-fold downsampled latents and back.

Its convolutions preserve magnitude: every output channel's weights are scaled to a fixed norm, so
stored weights are free to have any. The scale is applied in the forward pass and the stored
weights stay as they are: saving, loading and training need no special step.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models.kernels import accelerated
from pavas_sdk.models.sequence import SequenceConfig
from pavas_sdk.models.weights import StreamedWeights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["VAE_VARIANTS", "AutoencoderMel", "build_vae"]

_EPS = 1e-4
_CLAMP = 256.0
_SILU_GAIN = 0.596  # root mean square of silu(n) for n ~ N(0, 1)
_RESIDUAL_SHARE = 0.3


def activate(x: Tensor) -> Tensor:
    """SiLU that keeps unit variance."""
    return F.silu(x) / _SILU_GAIN


def mix(a: Tensor, b: Tensor) -> Tensor:
    """Weighted sum of a residual branch ``b`` into ``a`` that keeps unit variance."""
    mixed = (1 - _RESIDUAL_SHARE) * a + _RESIDUAL_SHARE * b
    return mixed / math.hypot(1 - _RESIDUAL_SHARE, _RESIDUAL_SHARE)


def pixel_norm(x: Tensor, dim: int = 1) -> Tensor:
    """Divide by the root mean square over channels; the norm is taken in float32."""
    rms = x.float().square().mean(dim=dim, keepdim=True).sqrt()
    return x / (rms + _EPS).to(x.dtype)


class ScaledConv(nn.Conv1d):
    """Convolution without bias whose output channels have weights of root mean square 1/sqrt(fan in).

    The scale is one number per output channel, so it is applied to the output (which is small)
    and not to the weight (which is large).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False
        )

    def channel_scale(self) -> Tensor:
        """Return what each output channel is multiplied by, float32 (out,)."""
        fan_in = self.weight[0].numel()
        norm = torch.linalg.vector_norm(self.weight.flatten(1), dim=1, dtype=torch.float32)
        scale: Tensor = 1.0 / ((norm / math.sqrt(fan_in) + _EPS) * math.sqrt(fan_in))
        return scale

    @accelerated
    def forward(self, x: Tensor, gain: Tensor | None = None) -> Tensor:
        """Convolve (B, in, T) to (B, out, T), times ``gain`` if given."""
        scale = self.channel_scale()
        if gain is not None:
            scale = scale * gain
        return super().forward(x) * scale.to(x.dtype)[:, None]


class ResidualBlock(nn.Module):
    """Two convolutions beside an identity (or a 1x1 convolution where the width changes)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = ScaledConv(in_channels, out_channels, 3)
        self.conv2 = ScaledConv(out_channels, out_channels, 3)
        self.nin_shortcut = (
            ScaledConv(in_channels, out_channels, 1) if in_channels != out_channels else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in, T) to (B, out, T)."""
        x = pixel_norm(x)
        h = self.conv2(activate(self.conv1(activate(x))))
        if self.nin_shortcut is not None:
            x = self.nin_shortcut(x)
        return mix(x, h)


class AttentionBlock(nn.Module):
    """Attention over time with a single head; queries, keys and values are all normalised."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.qkv = ScaledConv(channels, 3 * channels, 1)
        self.proj_out = ScaledConv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to the same shape."""
        # q, k, v are interleaved innermost: channel c * 3 + j.
        qkv = self.qkv(x).reshape(x.shape[0], x.shape[1], 3, x.shape[2])
        q, k, v = pixel_norm(qkv).permute(2, 0, 3, 1).unsqueeze(2).contiguous()  # (B, 1, T, C)
        out = F.scaled_dot_product_attention(q, k, v).squeeze(1).transpose(1, 2)
        return mix(x, self.proj_out(out))


class Middle(nn.Module):
    """Block, attention, block at the full depth."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels)
        self.attn_1 = AttentionBlock(channels)
        self.block_2 = ResidualBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to the same shape, clamped."""
        out = cast("Tensor", self.block_2(self.attn_1(self.block_1(x))))
        return out.clamp(-_CLAMP, _CLAMP)


class Downsample(nn.Module):
    """Halve the rate; an odd last frame is lost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ScaledConv(channels, channels, 1)
        self.conv2 = ScaledConv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, T // 2)."""
        return cast("Tensor", self.conv2(F.avg_pool1d(self.conv1(x), 2)))


class Upsample(nn.Module):
    """Double the rate: repeat each frame, then convolve."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = ScaledConv(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, 2T)."""
        return cast("Tensor", self.conv(x.repeat_interleave(2, dim=-1)))


class Level(nn.Module):
    """Residual blocks of one width, and the change of rate after them, if any."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_blocks: int,
        *,
        downsample: bool = False,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        widths = [in_channels, *[out_channels] * num_blocks]
        pairs = itertools.pairwise(widths)
        self.block = nn.ModuleList([ResidualBlock(a, b) for a, b in pairs])
        self.downsample = Downsample(out_channels) if downsample else None
        self.upsample = Upsample(out_channels) if upsample else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in, T) to (B, out, T'), clamped after every block."""
        for block in self.block:
            x = block(x).clamp(-_CLAMP, _CLAMP)
        for change in (self.downsample, self.upsample):
            if change is not None:
                x = change(x)
        return x


class Encoder(nn.Module):
    """Normalised mel (B, M, T) to mean and log variance side by side, (B, 2C, T // 2)."""

    def __init__(
        self, mel_bins: int, latent_channels: int, widths: Sequence[int], num_blocks: int
    ) -> None:
        super().__init__()
        self.conv_in = ScaledConv(mel_bins, widths[0], 3)
        sources = [widths[0], *widths[:-1]]
        self.down = nn.ModuleList(
            [
                Level(a, b, num_blocks, downsample=index == 0)
                for index, (a, b) in enumerate(zip(sources, widths, strict=True))
            ]
        )
        self.mid = Middle(widths[-1])
        self.conv_out = ScaledConv(widths[-1], 2 * latent_channels, 3)
        self.learnable_gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Run all levels from the full rate down."""
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return cast("Tensor", self.conv_out(activate(self.mid(x)), 1 + self.learnable_gain))


class Decoder(nn.Module):
    """Latents (B, C, N) to a normalised mel (B, M, 2N)."""

    def __init__(
        self, mel_bins: int, latent_channels: int, widths: Sequence[int], num_blocks: int
    ) -> None:
        super().__init__()
        self.conv_in = ScaledConv(latent_channels, widths[-1], 3)
        self.mid = Middle(widths[-1])
        sources = [*widths[1:], widths[-1]]
        # Levels are counted from the full rate, as in the encoder; level 1 ends with the upsampling.
        self.up = nn.ModuleList(
            [
                Level(a, b, num_blocks, upsample=index == 1)
                for index, (a, b) in enumerate(zip(sources, widths, strict=True))
            ]
        )
        self.conv_out = ScaledConv(widths[0], mel_bins, 3)
        self.learnable_gain = nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor) -> Tensor:
        """Run all levels up to the full rate."""
        x = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            x = level(x)
        return cast("Tensor", self.conv_out(activate(x), 1 + self.learnable_gain))


class AutoencoderMel(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Variational autoencoder of log-mel spectrograms.

    Args:
        mel_bins: Bins M of the mel spectrogram.
        latent_channels: Channels C of a latent.
        base_width: Width W of the first level.
        width_multipliers: Width of each level over W, at least two levels.
        encoder_blocks: Residual blocks per encoder level.
        decoder_blocks: Residual blocks per decoder level.
        sample_rate_hz: Of the waveform behind the mel spectrogram.
        hop_length: Samples per mel frame.
        with_encoder: Whether there is an encoder, which only training needs.

    Raises:
        ConfigurationError: Fewer than two levels.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved pipelines

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        mel_bins: int = 80,
        latent_channels: int = 20,
        base_width: int = 384,
        width_multipliers: tuple[int, ...] = (1, 2, 4),
        encoder_blocks: int = 2,
        decoder_blocks: int = 3,
        sample_rate_hz: int = 16000,
        hop_length: int = 256,
        with_encoder: bool = True,
    ) -> None:
        super().__init__()
        if len(width_multipliers) < 2:
            raise ConfigurationError(
                f"width_multipliers needs at least two levels, got {tuple(width_multipliers)}"
            )
        widths = [base_width * multiplier for multiplier in width_multipliers]
        self.data_mean: Tensor
        self.data_std: Tensor
        self.register_buffer("data_mean", torch.zeros(1, mel_bins, 1))
        self.register_buffer("data_std", torch.ones(1, mel_bins, 1))
        self.encoder = (
            Encoder(mel_bins, latent_channels, widths, encoder_blocks) if with_encoder else None
        )
        self.decoder = Decoder(mel_bins, latent_channels, widths, decoder_blocks)

    @property
    def sequence(self) -> SequenceConfig:
        """The rates of this codec, for sequence lengths."""
        return SequenceConfig(
            sample_rate_hz=self.config.sample_rate_hz, hop_length=self.config.hop_length
        )

    def encode(self, mel: Tensor) -> DiagonalGaussianDistribution:
        """Return the posterior over latents (B, C, T // 2) of ``mel`` (B, M, T).

        Raises:
            InputError: Another number of bins, or fewer than two frames.
            ConfigurationError: This codec has no encoder.
        """
        if self.encoder is None:
            raise ConfigurationError(
                "this codec was saved without its encoder; take the official file v1-16.pth or "
                "v1-44.pth: pavas models download"
            )
        if mel.ndim != 3 or mel.shape[1] != self.config.mel_bins or mel.shape[2] < 2:
            raise InputError(
                f"mel has shape {tuple(mel.shape)}, expected (batch, {self.config.mel_bins}, "
                "at least 2 frames)"
            )
        return DiagonalGaussianDistribution(self.encoder((mel - self.data_mean) / self.data_std))

    def decode(self, latents: Tensor) -> Tensor:
        """Return the mel spectrogram (B, M, 2N) of ``latents`` (B, C, N).

        Raises:
            InputError: Another number of channels.
        """
        if latents.ndim != 3 or latents.shape[1] != self.config.latent_channels:
            raise InputError(
                f"latents have shape {tuple(latents.shape)}, expected (batch, "
                f"{self.config.latent_channels}, length)"
            )
        return cast("Tensor", self.decoder(latents) * self.data_std + self.data_mean)

    def forward(self, mel: Tensor) -> Tensor:
        """Reconstruct ``mel`` through the posterior's mean."""
        return self.decode(self.encode(mel).mean)


VAE_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "16k": {
        "mel_bins": 80,
        "latent_channels": 20,
        "base_width": 384,
        "sample_rate_hz": 16000,
        "hop_length": 256,
    },
    "44k": {
        "mel_bins": 128,
        "latent_channels": 40,
        "base_width": 512,
        "sample_rate_hz": 44100,
        "hop_length": 512,
    },
}
"""Constructor numbers of :class:`AutoencoderMel` for the released codecs."""


def build_vae(mode: str) -> AutoencoderMel:
    """Return a new, untrained codec of the released size ``"16k"`` or ``"44k"``.

    Raises:
        ConfigurationError: Another mode.
    """
    if mode not in VAE_VARIANTS:
        raise ConfigurationError(f"unknown codec mode {mode!r}; known: {', '.join(VAE_VARIANTS)}")
    vae: AutoencoderMel = AutoencoderMel(**VAE_VARIANTS[mode])
    return vae
