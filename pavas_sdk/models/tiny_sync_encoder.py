"""A small video encoder for synchronisation: what moves, stops and starts, and when."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.data.timing import grid_times
from pavas_sdk.errors import InputError
from pavas_sdk.models.tiny_frames import frames_to_pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import Video

__all__ = ["TinySyncEncoder"]

_SEGMENT = 8
_GREY = (0.299, 0.587, 0.114)


class _TemporalBlock(nn.Module):
    """A residual pair of convolutions along time, (B, D, T) -> (B, D, T)."""

    def __init__(self, dim: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, dim)
        self.first = nn.Conv1d(dim, dim, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv1d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.second(F.silu(self.first(F.silu(self.norm(x)))))
        return x + hidden


class TinySyncEncoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Encodes a clip into a row of features that spread evenly over its duration.

    Frames come at ``frame_rate_hz``; each yields ``features_per_frame`` features, and the row is
    stretched linearly to the next multiple of 8, so that feature j of M describes the moment
    (j + 0.5) / M of the clip. Whole segments need no stretching: at 25 frames per second and two
    features per frame every multiple of 0.16 s.

    Args:
        image_size: Side of the square input in pixels, a multiple of 8 * stem_stride.
        stem_stride: Reduction of the first layer, whose kernel is wide enough to see every pixel
            twice; the three layers after it halve the resolution once each.
        widths: Channels after each of the four reductions of resolution.
        hidden_dim: Width of the temporal part.
        dilations: Of the temporal blocks.
        feature_dim: Width of a feature.
        features_per_frame: Features that each frame yields.
        frame_rate_hz: Frames per second that are encoded.

    Raises:
        InputError: ``image_size`` is not a multiple of 8 * stem_stride.
    """

    __module__ = "pavas_sdk.models"

    # Larger pictures hold nothing that the encoder sees. The size is that of the light
    # estimators, so that a clip is decoded once for all of them.
    max_frame_side = 160

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        image_size: int = 64,
        stem_stride: int = 2,
        widths: tuple[int, int, int, int] = (16, 32, 48, 64),
        hidden_dim: int = 128,
        dilations: tuple[int, ...] = (1, 2, 4, 1),
        feature_dim: int = 64,
        features_per_frame: int = 2,
        frame_rate_hz: float = 25.0,
    ) -> None:
        super().__init__()
        reduction = 8 * stem_stride
        if image_size % reduction != 0 or image_size < reduction:
            raise InputError(
                f"image_size must be a positive multiple of {reduction}, got {image_size}"
            )
        layers: list[nn.Module] = []
        inputs = 3
        for index, width in enumerate(widths):
            stride = stem_stride if index == 0 else 2
            kernel = 2 * stride + 1 if index == 0 else 3
            layers += [
                nn.Conv2d(inputs, width, kernel, stride=stride, padding=kernel // 2),
                nn.GroupNorm(8, width),
                nn.SiLU(),
            ]
            inputs = width
        self.trunk = nn.Sequential(*layers)
        cells = (image_size // reduction) ** 2
        self.flatten_head = nn.Linear(inputs * cells, hidden_dim)
        self.temporal = nn.ModuleList([_TemporalBlock(hidden_dim, step) for step in dilations])
        self.norm = nn.GroupNorm(1, hidden_dim)
        self.feature_head = nn.Conv1d(hidden_dim, feature_dim * features_per_frame, 1)

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """When frames are wanted: k / frame_rate_hz within the duration, (T,), at least one."""
        return grid_times(duration_s, self.config.frame_rate_hz)

    def feature_count(self, frames: int) -> int:
        """Return the number of features M of ``frames`` frames, a multiple of 8."""
        segments: int = math.ceil(frames * self.config.features_per_frame / _SEGMENT)
        return _SEGMENT * segments

    def preprocess(self, video: Video) -> Tensor:
        """Return the frames as (T, 3, S, S) in [0, 1], squashed to a square."""
        return frames_to_pixels(video, self.config.image_size)

    def encode(self, pixels: Tensor) -> Tensor:
        """Encode the frames of one clip, (T, 3, S, S), to features (M, feature_dim), M % 8 == 0.

        Raises:
            InputError: Another shape, or no frame.
        """
        size = self.config.image_size
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != (3, size, size) or not len(pixels):
            raise InputError(
                f"pixels have shape {tuple(pixels.shape)}, expected (frames, 3, {size}, {size}) "
                "with at least one frame"
            )
        return self.encode_grey(self.grey(pixels))

    def encode_grey(self, grey: Tensor) -> Tensor:
        """Encode the brightness of one clip's frames, (T, S, S) in [0, 1], like `encode`."""
        features = self.encode_frames(self.changes(grey)[None])[0]
        wanted = self.feature_count(grey.shape[0])
        if features.shape[0] == wanted:
            return features
        return F.interpolate(features.T[None], size=wanted, mode="linear", align_corners=False)[
            0
        ].T.contiguous()

    @staticmethod
    def grey(pixels: Tensor) -> Tensor:
        """Return the brightness of frames (T, 3, S, S), (T, S, S)."""
        weights = torch.tensor(_GREY, dtype=pixels.dtype, device=pixels.device)
        return torch.einsum("tchw,c->thw", pixels, weights)

    @staticmethod
    def changes(grey: Tensor) -> Tensor:
        """Return brightness, change since the frame before and to the frame after, (T, 3, S, S)."""
        before = torch.cat([grey[:1], grey[:-1]])
        after = torch.cat([grey[1:], grey[-1:]])
        return torch.stack([grey - 0.5, 3.0 * (grey - before), 3.0 * (after - grey)], dim=1) * 3.0

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Encode `changes` of clips, (B, T, 3, S, S), to (B, T * features_per_frame, D)."""
        batch, count = frames.shape[:2]
        flat = frames.flatten(0, 1).to(self.dtype)
        grids = [
            self.trunk(part.contiguous(memory_format=torch.channels_last))
            for part in flat.split(256)
        ]
        hidden = self.flatten_head(torch.cat(grids).flatten(1))
        x = hidden.unflatten(0, (batch, count)).transpose(1, 2)
        for block in self.temporal:
            x = block(x)
        rows = self.feature_head(F.silu(self.norm(x))).transpose(1, 2)
        rows = rows.unflatten(2, (self.config.features_per_frame, -1)).flatten(1, 2)
        return F.layer_norm(rows, (self.config.feature_dim,))
