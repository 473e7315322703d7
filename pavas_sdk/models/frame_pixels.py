"""Frames to the pictures that the released encoders were trained on.

Pictures are resized as 8-bit values with a bicubic, antialiased filter and rounded to 8 bits
again before they are scaled: that rounding is part of the definition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from pavas_sdk.data import Video

__all__ = ["cropped_pixels", "resize_8bit", "squashed_pixels"]

_CHUNK = 8


def resize_8bit(pictures: Tensor, height: int, width: int) -> Tensor:
    """Return 8-bit pictures (T, 3, H, W) at another size: bicubic, antialiased, rounded."""
    if pictures.shape[-2:] == (height, width):
        return pictures
    return F.interpolate(
        pictures, size=(height, width), mode="bicubic", align_corners=False, antialias=True
    )


def squashed_pixels(video: Video, size: int) -> Tensor:
    """Return frames as float32 (T, 3, size, size) in [0, 1]; the aspect ratio is not kept."""
    out = torch.empty(len(video), 3, size, size)
    for start in range(0, len(video), _CHUNK):
        pictures = resize_8bit(_pictures(video, start), size, size)
        torch.div(pictures, 255.0, out=out[start : start + _CHUNK])
    return out


def cropped_pixels(video: Video, size: int) -> Tensor:
    """Return frames as float32 (T, 3, size, size) in [0, 1]: shorter side to size, centre crop."""
    shorter = min(video.height, video.width)
    height = size if video.height == shorter else int(size * video.height / video.width)
    width = size if video.width == shorter else int(size * video.width / video.height)
    top, left = round((height - size) / 2), round((width - size) / 2)
    out = torch.empty(len(video), 3, size, size)
    for start in range(0, len(video), _CHUNK):
        pictures = resize_8bit(_pictures(video, start), height, width)
        cropped = pictures[..., top : top + size, left : left + size]
        torch.div(cropped, 255.0, out=out[start : start + _CHUNK])
    return out


def _pictures(video: Video, start: int) -> Tensor:
    frames = torch.tensor(video.frames[start : start + _CHUNK])
    return frames.permute(0, 3, 1, 2).contiguous()
