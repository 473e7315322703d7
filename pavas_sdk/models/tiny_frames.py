"""Frames to small float pictures for the tiny encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from pavas_sdk.data import Video

__all__ = ["frames_to_pixels"]

_CHUNK = 16


def frames_to_pixels(video: Video, size: int) -> Tensor:
    """Return all frames as float32 (T, 3, size, size) in [0, 1].

    The picture is squashed to a square by area averaging, so that the cells of a feature grid and
    of `MaskTrack.grid` cover the same part of it whatever the aspect ratio. A few frames are
    converted at a time, so that a large video does not need several copies of itself.
    """
    count = video.frames.shape[0]
    out = torch.empty(count, 3, size, size)
    for start in range(0, count, _CHUNK):
        frames = torch.tensor(video.frames[start : start + _CHUNK]).permute(0, 3, 1, 2).float()
        if frames.shape[2:] != (size, size):
            frames = F.interpolate(frames, size=(size, size), mode="area")
        out[start : start + _CHUNK] = frames / 255.0
    return out
