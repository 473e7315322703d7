"""Dense prediction head: tokens of four depths to a map of the picture's size."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DptHead"]


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)


class ResidualUnit(nn.Module):
    """Two convolutions behind rectifiers, beside an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return cast("Tensor", self.conv2(F.relu_(self.conv1(F.relu(x)))).add_(x))


class Fusion(nn.Module):
    """Adds the next finer level and doubles the size.

    The 1x1 convolution stands before the upsampling, where it costs a quarter: bilinear weights
    sum to one, so both orders give the same up to rounding.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Of the coarsest level this unit is in the checkpoint and never used.
        self.resConfUnit1 = ResidualUnit(channels)
        self.resConfUnit2 = ResidualUnit(channels)
        self.out_conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Map (B, C, h, w), with a skip of that shape, to (B, C, 2h, 2w)."""
        if skip is not None:
            x = x + self.resConfUnit1(skip)
        return _double(self.out_conv(self.resConfUnit2(x)))


class DptHead(nn.Module):
    """Tokens of four depths to a raw map.

    Args:
        token_dims: Widths of the four token sets.
        layer_dims: Channels of the four levels, finest first.
        feature_dim: Channels of the fusion; half of them leave the head's first convolution.
        last_dim: Channels before the last convolution.
        out_channels: Channels of the result.
    """

    def __init__(
        self,
        token_dims: Sequence[int],
        layer_dims: Sequence[int],
        feature_dim: int,
        last_dim: int,
        out_channels: int,
    ) -> None:
        super().__init__()
        entries = [nn.Conv2d(d, c, 1) for d, c in zip(token_dims, layer_dims, strict=True)]
        c0, c1, _, c3 = layer_dims
        self.act_postprocess = nn.ModuleList(
            [
                nn.Sequential(entries[0], nn.ConvTranspose2d(c0, c0, 4, stride=4)),
                nn.Sequential(entries[1], nn.ConvTranspose2d(c1, c1, 2, stride=2)),
                nn.Sequential(entries[2]),
                nn.Sequential(entries[3], nn.Conv2d(c3, c3, 3, stride=2, padding=1)),
            ]
        )
        self.scratch = nn.Module()
        for level, channels in enumerate(layer_dims, 1):
            projection = nn.Conv2d(channels, feature_dim, 3, padding=1, bias=False)
            self.scratch.add_module(f"layer{level}_rn", projection)
            self.scratch.add_module(f"refinenet{level}", Fusion(feature_dim))
        self.head = nn.Sequential(
            nn.Conv2d(feature_dim, feature_dim // 2, 3, padding=1),
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=True),
            nn.Conv2d(feature_dim // 2, last_dim, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(last_dim, out_channels, 1),
        )

    def forward(self, tokens: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
        """Map four token sets (B, h * w, D_k) on a ``grid`` (h, w) to (B, C, 16h, 16w)."""
        levels = []
        for index, level in enumerate(tokens):
            picture = level.transpose(1, 2).unflatten(2, grid)
            picture = self.act_postprocess[index](picture)
            # in this layout convolutions need no reordered copies: less memory, and faster
            picture = picture.contiguous(memory_format=torch.channels_last)
            levels.append(self.scratch.get_submodule(f"layer{index + 1}_rn")(picture))
        path: Tensor = self.scratch.get_submodule("refinenet4")(levels[3])
        # An odd grid was halved upwards.
        path = path[:, :, : grid[0], : grid[1]]
        for index in (2, 1, 0):
            path = self.scratch.get_submodule(f"refinenet{index + 1}")(path, levels[index])
        return cast("Tensor", self.head(path))
