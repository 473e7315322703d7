"""Which tensors the kernels take."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["are_plain_float32"]


def are_plain_float32(*tensors: Tensor) -> bool:
    """Whether all are ordinary float32 tensors on the CPU, outside of autocast.

    Not so are quantised weights and other subclasses.
    """
    return not torch.is_autocast_enabled("cpu") and all(
        type(tensor) in {Tensor, nn.Parameter}
        and tensor.device.type == "cpu"
        and tensor.dtype == torch.float32
        for tensor in tensors
    )
