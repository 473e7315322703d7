"""Linear maps that take the fastest matrix product of the processor they run on."""

from __future__ import annotations

import platform

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Linear", "linear"]

# oneDNN's product beats the one that F.linear calls by a tenth on x86; torch has no public name for it.
_PRODUCT = (
    getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if torch.backends.mkldnn.is_available() and platform.machine() in {"x86_64", "AMD64"}
    else None
)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Map (..., K) by a weight (N, K) to (..., N), as ``torch.nn.functional.linear`` does.

    Float32 inference on an x86 CPU goes through oneDNN; results then differ from torch's by
    rounding (4e-7 relative).
    """
    if _PRODUCT is None or not _applies(x, weight):
        return F.linear(x, weight, bias)
    product: Tensor = _PRODUCT(x, weight, bias, "none", [], "")
    return product


def _applies(x: Tensor, weight: Tensor) -> bool:
    """Whether plain float32 tensors on the CPU meet, outside of compilers and gradients."""
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or x.numel() == 0:
        return False
    if torch.is_autocast_enabled("cpu"):
        return False
    return all(
        type(tensor) in {Tensor, nn.Parameter}
        and tensor.device.type == "cpu"
        and tensor.dtype == torch.float32
        for tensor in (x, weight)
    )


class Linear(nn.Linear):
    """``torch.nn.Linear`` that maps with :func:`linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        return linear(input, self.weight, self.bias)
