"""Writing a safetensors file tensor by tensor, so that only one of them is in memory.

The library's own writer wants all tensors at once. The format is a length, a JSON header and the
numbers, laid end to end.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from typing import TYPE_CHECKING

import torch

from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from pavas_sdk.released.tensor_names import LazyTensor

__all__ = ["stored_bytes", "write_tensors"]

_NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
# Matrix kernels like aligned rows; a memory-mapped file whose tensors begin at multiples of this
# needs no copy after loading.
_ALIGNMENT = 64
_CHUNK = 2**24  # elements that are checked and written at once


def stored_bytes(tensors: Mapping[str, LazyTensor], dtype: torch.dtype) -> int:
    """Return the size of the tensors of a file in bytes."""
    return sum(math.prod(tensor.shape) for tensor in tensors.values()) * dtype.itemsize


def write_tensors(path: Path, tensors: Mapping[str, LazyTensor], *, dtype: torch.dtype) -> str:
    """Write all tensors as ``dtype`` and return the file's SHA-256.

    Args:
        path: A file that does not exist.
        tensors: Tensors by name; each is read when its turn comes, and let go.
        dtype: float32, bfloat16 or float16.

    Raises:
        WeightsError: Tensors hold NaN or infinite numbers: all are named.
        OSError: The file cannot be written.
    """
    sizes = {name: math.prod(tensor.shape) * dtype.itemsize for name, tensor in tensors.items()}
    # Sizes that keep the next tensor aligned come first; the format allows no gaps.
    order = sorted(tensors, key=lambda name: sizes[name] % _ALIGNMENT != 0)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in order:
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, offset + sizes[name]],
        }
        offset += sizes[name]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % _ALIGNMENT)
    digest = hashlib.sha256()
    bad: list[str] = []
    with path.open("xb") as file:
        for piece in (len(text).to_bytes(8, "little"), text):
            file.write(piece)
            digest.update(piece)
        for name in order:
            finite = True
            for chunk in tensors[name].read().detach().reshape(-1).split(_CHUNK):
                numbers = chunk.to(dtype).contiguous()
                finite = finite and bool(torch.isfinite(numbers).all())
                raw = _bytes(numbers)
                file.write(raw)
                digest.update(raw)
            if not finite:
                bad.append(name)
        file.flush()
        os.fsync(file.fileno())
    if bad:
        raise WeightsError(
            f"{len(bad)} tensors hold NaN or infinite numbers: {', '.join(bad[:10])}"
            f"{' ...' if len(bad) > 10 else ''}"
        )
    return digest.hexdigest()


def _bytes(numbers: Tensor) -> memoryview:
    return numbers.view(torch.uint8).numpy().data
