"""The codec's convolutions on a CPU: their scales are measured once, not in every call."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from pavas_sdk.models.cpu.operands import are_plain_float32
from pavas_sdk.models.layers import linear

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pavas_sdk.models.vae import ScaledConv

__all__ = ["scaled_conv"]


def scaled_conv(
    plain: Callable[..., Tensor], conv: ScaledConv, x: Tensor, gain: Tensor | None = None
) -> Tensor:
    """Convolve (B, in, T) to (B, out, T) as ``conv`` does; a single tap is a linear map of frames."""
    if not are_plain_float32(x, conv.weight) or x.numel() == 0:
        return plain(conv, x, gain)
    scale = _scale(conv)
    if gain is not None:
        scale = scale * gain
    if conv.kernel_size[0] == 1:
        y = linear(x.transpose(1, 2), conv.weight[:, :, 0]).transpose(1, 2).contiguous()
    else:
        y = F.conv1d(x, conv.weight, padding=conv.padding[0])
    return y.mul_(scale[:, None])


@dataclass(frozen=True, slots=True)
class _Measured:
    """The scale of a weight, and what tells whether the weight is still the same.

    The version counts changes in place, but not those through ``weight.data``: ``firsts`` holds the
    first number of every output channel.
    """

    weight: weakref.ref[Tensor]
    version: int
    firsts: Tensor
    scale: Tensor

    def holds_for(self, weight: Tensor) -> bool:
        return (
            self.weight() is weight
            and self.version == weight._version
            and torch.equal(self.firsts, weight[:, 0, 0])
        )


_measured: weakref.WeakKeyDictionary[ScaledConv, _Measured] = weakref.WeakKeyDictionary()


def _scale(conv: ScaledConv) -> Tensor:
    """Return ``conv.channel_scale()``; measuring reads all weights, a tenth of a decoding's time."""
    weight = conv.weight
    if weight.is_inference():  # has no version
        return conv.channel_scale()
    known = _measured.get(conv)
    if known is None or not known.holds_for(weight):
        known = _Measured(
            weakref.ref(weight), weight._version, weight[:, 0, 0].clone(), conv.channel_scale()
        )
        _measured[conv] = known
    return known.scale
