"""A small convolutional encoder of single frames, with a bag-of-words text side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.data.timing import grid_times
from pavas_sdk.errors import InputError
from pavas_sdk.models.tiny_frames import frames_to_pixels
from pavas_sdk.models.tiny_text import TINY_VOCABULARY, WordEmbedding
from pavas_sdk.models.visual_features import VisualFeatures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import Video

__all__ = ["TinyVisualEncoder"]

_CHUNK = 128


def _layer(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
        nn.GroupNorm(8, outputs),
        nn.SiLU(),
    )


class TinyVisualEncoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Encodes frames into a grid of patch features and one pooled vector (role ``clip``).

    Args:
        image_size: Side of the square input in pixels, a multiple of 8; the grid has
            ``image_size / 8`` cells a side.
        widths: Channels after each of the three halvings of resolution.
        patch_dim: Width of a patch feature.
        pooled_dim: Width of the pooled vector.
        frame_rate_hz: Frames per second that are encoded.
        text_dim: Width of a text token.
        text_length: Tokens of a text.
        vocabulary: Known words.

    Raises:
        InputError: ``image_size`` is not a multiple of 8.
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
        widths: tuple[int, int, int] = (16, 32, 64),
        patch_dim: int = 64,
        pooled_dim: int = 64,
        frame_rate_hz: float = 25.0,
        text_dim: int = 64,
        text_length: int = 12,
        vocabulary: tuple[str, ...] = TINY_VOCABULARY,
    ) -> None:
        super().__init__()
        if image_size % 8 != 0 or image_size < 8:
            raise InputError(f"image_size must be a positive multiple of 8, got {image_size}")
        a, b, c = widths
        self.trunk = nn.Sequential(
            nn.Conv2d(3, a, 5, stride=2, padding=2),
            nn.GroupNorm(8, a),
            nn.SiLU(),
            _layer(a, b, 2),
            _layer(b, c, 2),
            _layer(c, c, 1),
        )
        self.patch_head = nn.Conv2d(c, patch_dim, 1)
        self.pooled_head = nn.Linear(2 * c, pooled_dim)
        self.words = WordEmbedding(vocabulary, text_dim, text_length)

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """When frames are wanted: k / frame_rate_hz within the duration, (T,), at least one."""
        return grid_times(duration_s, self.config.frame_rate_hz)

    def preprocess(self, video: Video) -> Tensor:
        """Return the frames as (T, 3, S, S) in [0, 1], squashed to a square."""
        return frames_to_pixels(video, self.config.image_size)

    def encode_image(self, pixels: Tensor) -> VisualFeatures:
        """Encode frames (T, 3, S, S); each frame on its own.

        Raises:
            InputError: Another shape.
        """
        size = self.config.image_size
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != (3, size, size):
            raise InputError(
                f"pixels have shape {tuple(pixels.shape)}, expected (frames, 3, {size}, {size})"
            )
        parts = [self._encode(chunk) for chunk in pixels.split(_CHUNK)]
        return VisualFeatures(
            pooled=torch.cat([part[0] for part in parts]),
            patches=torch.cat([part[1] for part in parts]),
        )

    def _encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        x = (pixels.to(self.dtype) - 0.5) * 4.0
        grid = self.trunk(x.contiguous(memory_format=torch.channels_last))
        patches = self.patch_head(grid).permute(0, 2, 3, 1)
        both = torch.cat([grid.mean(dim=(2, 3)), grid.amax(dim=(2, 3))], dim=1)
        pooled = F.layer_norm(self.pooled_head(both), (self.config.pooled_dim,))
        return pooled, F.layer_norm(patches, (self.config.patch_dim,))

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Return tokens (B, text_length, text_dim); unknown words are ignored, "" gives zeros."""
        tokens: Tensor = self.words(texts)
        return tokens

    def text_note(self, text: str) -> str | None:
        """Return what should be known about a text: that no word of it is known, or None."""
        return self.words.note(text)
