"""The segments of a video through Synchformer's blocks, so that each block prepares its weights once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pavas_sdk.models.cpu.linear import packed_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pavas_sdk.models.synchformer import Synchformer

__all__ = ["encode_segments"]

# Segments taken through one block before the next; their tokens take 5 MB each.
_GROUP = 24


def encode_segments(plain: Callable[..., Tensor], encoder: Synchformer, pixels: Tensor) -> Tensor:
    """Encode segments (S, frames, 3, H, W) to features (S, features, D), each on its own.

    Larger batches than one segment are slower on a CPU: their memory is new each time.
    """
    if pixels.device.type != "cpu":
        return plain(encoder, pixels)
    return torch.cat([_encode(encoder, group.split(1)) for group in pixels.split(_GROUP)])


def _encode(encoder: Synchformer, segments: tuple[Tensor, ...]) -> Tensor:
    tokens = [encoder.embed(pixels) for pixels in segments]
    for block in encoder.blocks:
        with packed_weights(block, tokens[0]):
            tokens = [block(x, encoder.features_per_segment) for x in tokens]
    return torch.cat([encoder.pool(x) for x in tokens])
