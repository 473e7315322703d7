"""Attention along time among a handful of frames, compiled: each problem is too small for a library."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.models.cpu.jit import jit, share_rows
from pavas_sdk.models.cpu.operands import are_plain_float32

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.models.synchformer import DividedAttention

    Array = NDArray[np.float32]

__all__ = ["divided_attention", "time_attention"]


def divided_attention(
    plain: Callable[..., Tensor],
    layer: DividedAttention,
    x: Tensor,
    frames: int,
    *,
    over_time: bool,
) -> Tensor:
    """Attend within groups of tokens (B, 1 + frames * places, D) as ``layer`` does."""
    if not over_time or not are_plain_float32(x, layer.qkv.weight):
        return plain(layer, x, frames, over_time=over_time)
    qkv = layer.project(x)
    out = torch.empty_like(x)
    out[:, :1] = layer.attend_from_class_token(qkv)
    places = (x.shape[1] - 1) // frames
    for item, result in zip(qkv.flatten(2), out, strict=True):
        share_rows(time_attention, places, item.numpy(), result.numpy(), frames, layer.num_heads)
    projected: Tensor = layer.proj(out)
    return projected


@jit(reorder=True)
def time_attention(qkv: Array, out: Array, frames: int, heads: int, start: int, stop: int) -> None:
    """Attend from every token to the class token and the tokens of its place.

    Args:
        qkv: Queries, keys and values side by side, (1 + frames * places, 3 D): the class token,
            then the tokens of each frame.
        out: Result (1 + frames * places, D); the class token's row stays as it is.
        frames: Number of frames.
        heads: Number of heads; they lie side by side in D.
        start: First place.
        stop: One behind the last place.
    """
    dim = out.shape[1]
    width = dim // heads
    places = (out.shape[0] - 1) // frames
    scale = np.float32(1.0 / math.sqrt(width))
    scores = np.empty(frames + 1, np.float32)
    zero = np.float32(0.0)
    for place in range(start, stop):
        for head in range(heads):
            first = head * width
            for query in range(frames):
                row = 1 + query * places + place
                q = qkv[row, first : first + width]
                largest = np.float32(-np.inf)
                for key in range(frames + 1):
                    at = 0 if key == 0 else 1 + (key - 1) * places + place
                    k = qkv[at, dim + first : dim + first + width]
                    score = zero
                    for d in range(width):
                        score += q[d] * k[d]
                    scores[key] = score * scale
                    largest = max(largest, scores[key])
                total = zero
                for key in range(frames + 1):
                    scores[key] = np.exp(scores[key] - largest)
                    total += scores[key]
                target = out[row, first : first + width]
                for key in range(frames + 1):
                    at = 0 if key == 0 else 1 + (key - 1) * places + place
                    share = scores[key] / total
                    v = qkv[at, 2 * dim + first : 2 * dim + first + width]
                    if key == 0:
                        for d in range(width):
                            target[d] = share * v[d]
                    else:
                        for d in range(width):
                            target[d] += share * v[d]
