"""Linear maps by the fastest matrix product of the processor they run on."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import torch
from torch import nn

from pavas_sdk.models.cpu.operands import are_plain_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

__all__ = ["PRODUCT", "linear", "packed_weights"]

# oneDNN's product beats the one that F.linear calls by a tenth on x86; torch has no public name for it.
PRODUCT = (
    getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if torch.backends.mkldnn.is_available() and platform.machine() in {"x86_64", "AMD64"}
    else None
)
_PACK = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)

# Copies of weights in the product's own layout, by the identity of the weight.
_packed: ContextVar[dict[int, Tensor] | None] = ContextVar("packed", default=None)


def linear(
    plain: Callable[..., Tensor], x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Map (..., K) by a weight (N, K) to (..., N); differs from torch's by rounding (4e-7 relative)."""
    if PRODUCT is None or x.numel() == 0 or not are_plain_float32(x, weight):
        return plain(x, weight, bias)
    packed = _packed.get()
    if packed is not None:
        weight = packed.get(id(weight), weight)
    product: Tensor = PRODUCT(x, weight, bias, "none", [], "")
    return product


@contextmanager
def packed_weights(module: nn.Module, x: Tensor) -> Iterator[None]:
    """Lay out the weights of all linear layers in ``module`` as the processor's product wants them.

    Without it that is done in every product, a twentieth of its time. It costs a second copy, so hold
    it for one block at a time, while the block maps many inputs. Results are the same to the bit.
    Where :func:`linear` would be torch's, nothing is packed.

    Args:
        module: Its layers map only tensors like ``x`` meanwhile.
        x: An input (..., rows, in_features); the layout is chosen for its size.
    """
    rows = x.numel() // x.shape[-1] if x.numel() else 0
    weights = [layer.weight for layer in module.modules() if isinstance(layer, nn.Linear)]
    packed: dict[int, Tensor] = {}
    if PRODUCT is not None and _PACK is not None:
        packed = {
            id(weight): _PACK(weight.detach(), rows)
            for weight in weights
            if are_plain_float32(x, weight)
        }
    token = _packed.set(packed)
    try:
        yield
    finally:
        _packed.reset(token)
