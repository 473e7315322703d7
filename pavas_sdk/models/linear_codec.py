"""A linear codec: neighbouring log-mel frames to principal components, for small models."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Literal

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from pavas_sdk.errors import InputError
from pavas_sdk.models.mel import MelConfig

__all__ = ["LinearMelCodec"]


class LinearMelCodec(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Projects ``frames_per_latent`` mel frames onto orthonormal directions, and back.

    It has the place of a variational autoencoder in a pipeline (role ``vae``). A new codec keeps
    the first ``latent_channels`` values; :meth:`fit` finds the directions of largest variance.

    Args:
        mel_bins: Bands M of a mel frame.
        latent_channels: Channels C of a latent, at most ``mel_bins * frames_per_latent``.
        frames_per_latent: Mel frames that one latent spans.
        sample_rate_hz: Of the sound that its mel frames describe; with the next five numbers the
            `MelConfig` that it was fitted to, by default that of `MEL_16K`.
        n_fft: Samples of a frame.
        hop_length: Samples from frame to frame.
        min_hz: Lower edge of the lowest band.
        max_hz: Upper edge of the highest band.
        logarithm: "log10" or "ln".

    Raises:
        InputError: More channels than there are values to describe.
    """

    __module__ = "pavas_sdk.models"

    mean: Tensor
    components: Tensor

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        mel_bins: int = 80,
        latent_channels: int = 40,
        frames_per_latent: int = 2,
        sample_rate_hz: int = 16000,
        n_fft: int = 1024,
        hop_length: int = 256,
        min_hz: float = 0.0,
        max_hz: float = 8000.0,
        logarithm: Literal["log10", "ln"] = "log10",
    ) -> None:
        super().__init__()
        values = mel_bins * frames_per_latent
        if not 1 <= latent_channels <= values:
            raise InputError(
                f"latent_channels must lie between 1 and {values} "
                f"({mel_bins} bands x {frames_per_latent} frames), got {latent_channels}"
            )
        self.mean = nn.Parameter(torch.zeros(values), requires_grad=False)
        self.components = nn.Parameter(torch.eye(latent_channels, values), requires_grad=False)

    @classmethod
    def for_mel(
        cls, mel: MelConfig, *, latent_channels: int, frames_per_latent: int = 2
    ) -> LinearMelCodec:
        """Return a new codec for spectrograms of ``mel``.

        Raises:
            InputError: More channels than there are values to describe.
        """
        codec: LinearMelCodec = cls(
            latent_channels=latent_channels, frames_per_latent=frames_per_latent, **asdict(mel)
        )
        return codec

    @property
    def mel_config(self) -> MelConfig:
        """Of the spectrograms that it takes and gives."""
        return MelConfig(**{one.name: self.config[one.name] for one in fields(MelConfig)})

    def fit(self, mel: Tensor) -> Tensor:
        """Set mean and directions from example spectrograms (B, M, T).

        Returns:
            Standard deviation of each channel, largest first, (C,).

        Raises:
            InputError: Not (B, M, T), or fewer examples than channels.
        """
        rows = self._rows(mel).flatten(0, 1).double()
        if rows.shape[0] <= self.config.latent_channels:
            raise InputError(
                f"{rows.shape[0]} latents cannot fix {self.config.latent_channels} directions; "
                "give more or longer spectrograms"
            )
        mean = rows.mean(dim=0)
        centred = rows - mean
        values, vectors = torch.linalg.eigh(centred.T @ centred / rows.shape[0])
        keep = torch.arange(values.numel() - 1, -1, -1)[: self.config.latent_channels]
        directions = vectors[:, keep].T
        # The sign of an eigenvector is arbitrary; the largest entry is made positive.
        largest = directions.abs().argmax(dim=1, keepdim=True)
        directions = directions * directions.gather(1, largest).sign()
        self.mean.copy_(mean.to(self.mean.dtype))
        self.components.copy_(directions.to(self.components.dtype))
        spread: Tensor = values[keep].clamp(min=0).sqrt().to(self.mean.dtype)
        return spread

    def encode(self, mel: Tensor) -> DiagonalGaussianDistribution:
        """Encode log-mel frames (B, M, T) to latents (B, C, T // frames_per_latent).

        Left-over frames at the end are ignored. The posterior has no spread.

        Raises:
            InputError: Not (B, M, T).
        """
        latents = (self._rows(mel) - self.mean) @ self.components.T
        latents = latents.transpose(1, 2)
        moments = torch.cat([latents, torch.zeros_like(latents)], dim=1)
        return DiagonalGaussianDistribution(moments, deterministic=True)

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (B, C, N) to log-mel frames (B, M, N * frames_per_latent).

        Raises:
            InputError: Not (B, C, N).
        """
        channels = self.config.latent_channels
        if latents.ndim != 3 or latents.shape[1] != channels:
            raise InputError(
                f"latents have shape {tuple(latents.shape)}, expected (batch, {channels}, length)"
            )
        rows = latents.transpose(1, 2) @ self.components + self.mean
        frames: Tensor = rows.unflatten(-1, (self.config.frames_per_latent, self.config.mel_bins))
        return frames.flatten(1, 2).transpose(1, 2)

    def _rows(self, mel: Tensor) -> Tensor:
        """Lay the frames of each latent side by side, (B, N, frames * M)."""
        bins, frames = self.config.mel_bins, self.config.frames_per_latent
        if mel.ndim != 3 or mel.shape[1] != bins:
            raise InputError(f"mel has shape {tuple(mel.shape)}, expected (batch, {bins}, frames)")
        whole = mel.shape[2] // frames * frames
        rows: Tensor = mel[:, :, :whole].transpose(1, 2).unflatten(1, (-1, frames))
        return rows.flatten(2)
