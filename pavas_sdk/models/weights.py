"""Loading weights tensor by tensor, so that a cast never holds a second copy of the file.

diffusers maps a safetensors file and casts from the mapping: while it loads, the file's pages count
beside the cast copy, and tensors that lie at odd addresses have to be copied once more. Here every
tensor is read into memory of its own, in the wanted dtype, through one small buffer.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from torch import Tensor

__all__ = ["StreamedWeights", "TensorFile"]

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_BUFFER_BYTES = 2**22


class TensorFile(dict[str, Any]):
    """The tensors of a safetensors file by name; each is read when it is asked for, and not kept.

    A dictionary, because that is what diffusers takes in place of a file.

    Args:
        path: The file.
        dtype: Floating tensors are cast to it as they are read; None: they stay as stored.

    Raises:
        WeightsError: The header is damaged, or holds a type that is not read here.
    """

    def __init__(self, path: Path, *, dtype: torch.dtype | None = None) -> None:
        self._path = path
        self._cast = dtype
        # One for all tensors: freed between them, it would leave holes in the heap.
        self._buffer = torch.empty(_BUFFER_BYTES, dtype=torch.uint8)
        try:
            with safe_open(path, framework="pt"):
                pass  # the library checks that header and file fit, tensor by tensor
            with path.open("rb") as file:
                size = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(size))
            header.pop("__metadata__", None)
            super().__init__(
                {
                    name: (_DTYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"][0])
                    for name, entry in header.items()
                }
            )
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as err:
            raise WeightsError(f"{path} is damaged or was cut short ({err!r})") from err
        self._start = 8 + size

    def __getitem__(self, name: str) -> Tensor:
        with self._path.open("rb", buffering=0) as file:
            return self._read(file, name)

    def items(self) -> Iterator[tuple[str, Tensor]]:  # type: ignore[override]  # one pass, no view
        """Yield (name, tensor), in the order in which they lie in the file."""
        names = sorted(self, key=lambda name: dict.__getitem__(self, name)[2])
        with self._path.open("rb", buffering=0) as file:
            for name in names:
                yield name, self._read(file, name)

    def _read(self, file: BinaryIO, name: str) -> Tensor:
        stored, shape, offset = dict.__getitem__(self, name)
        wanted = stored if self._cast is None or not stored.is_floating_point else self._cast
        out = torch.empty(math.prod(shape), dtype=wanted)
        file.seek(self._start + offset)
        if wanted == stored:
            self._fill(file, out)
        else:
            buffer = self._buffer.view(stored)
            for part in out.split(buffer.numel()):
                piece = buffer[: part.numel()]
                self._fill(file, piece)
                part.copy_(piece)
        return out.reshape(shape)

    def _fill(self, file: BinaryIO, numbers: Tensor) -> None:
        if not numbers.numel():
            return
        view = numbers.view(torch.uint8).numpy().data
        while view:
            got = file.readinto(view)  # type: ignore[attr-defined]  # raw files have it
            if not got:
                raise WeightsError(f"{self._path} is damaged or was cut short")
            view = view[got:]


class StreamedWeights:
    """A network that diffusers loads tensor by tensor; stands before ``ModelMixin`` in the bases."""

    @classmethod
    def _load_pretrained_model(
        cls,
        model: Any,
        state_dict: Any,
        resolved_model_file: list[Any],
        *args: Any,
        **options: Any,
    ) -> Any:
        """Give diffusers' own method (tested at the minor version depended on) our files."""
        streamed = (
            options.get("low_cpu_mem_usage", True)
            and options.get("hf_quantizer") is None
            and options.get("tp_shard_specs") is None
            and all(Path(path).suffix == ".safetensors" for path in resolved_model_file)
        )
        if streamed:
            dtype = None if options.get("keep_in_fp32_modules") else options.get("dtype")
            files = [TensorFile(Path(path), dtype=dtype) for path in resolved_model_file]
            state_dict, resolved_model_file = (
                (None, files) if state_dict is None else (files[0], files)
            )
        return super()._load_pretrained_model(  # type: ignore[misc]  # of ModelMixin
            model, state_dict, resolved_model_file, *args, **options
        )
