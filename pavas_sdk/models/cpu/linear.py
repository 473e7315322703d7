"""Linear maps that take the fastest matrix product of the processor they run on."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Linear", "linear", "packed_weights"]

# oneDNN's product beats the one that F.linear calls by a tenth on x86; torch has no public name for it.
_PRODUCT = (
    getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if torch.backends.mkldnn.is_available() and platform.machine() in {"x86_64", "AMD64"}
    else None
)
_PACK = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)


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

    _packed: Tensor | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        if self._packed is None or _PRODUCT is None:
            return linear(input, self.weight, self.bias)
        product: Tensor = _PRODUCT(input, self._packed, self.bias, "none", [], "")
        return product


@contextmanager
def packed_weights(module: nn.Module, x: Tensor) -> Iterator[None]:
    """Lay out the weights of all :class:`Linear` in ``module`` as the processor's product wants them.

    Without it that is done in every product, a twentieth of its time. It costs a second copy, so hold
    it for one block at a time, while the block maps many inputs. Results are the same to the bit.
    Where :func:`linear` would be torch's, nothing is packed.

    Args:
        module: Its layers map only tensors like ``x`` meanwhile.
        x: An input (..., rows, in_features); the layout is chosen for its size.
    """
    rows = x.numel() // x.shape[-1] if x.numel() else 0
    layers = [
        layer
        for layer in module.modules()
        if isinstance(layer, Linear) and None not in (_PRODUCT, _PACK) and _applies(x, layer.weight)
    ]
    try:
        for layer in layers:
            layer._packed = _PACK(layer.weight.detach(), rows)  # type: ignore[misc]
        yield
    finally:
        for layer in layers:
            layer._packed = None
