"""Rows of arrays on disk, read where they stand: nothing is mapped, so memory does not grow."""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

__all__ = ["ArrayFile", "ArrayWriter", "OpenFiles"]

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER_BYTES = 128
_MAX_OPEN = 192  # files held open by one reader; a process may usually hold 1,024


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """Where the rows of one array lie.

    Attributes:
        path: The file.
        dtype: Of its numbers.
        shape: (rows, ...).
        offset: Bytes before the first row.
    """

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int = 0

    @classmethod
    def npy(cls, path: Path) -> ArrayFile:
        """Read the header of a ``.npy`` file.

        Raises:
            FormatError: Not there, no such file, or shorter than its header says.
        """
        try:
            with path.open("rb") as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0
                if version != (1, 0):
                    read = np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(stream)
                file = cls(path, dtype, shape, stream.tell())
        except (OSError, ValueError) as err:
            raise FormatError(f"cannot read {path}: {err}; run pavas prepare again") from err
        if fortran or dtype.hasobject or not shape:
            raise FormatError(f"{path} holds {dtype} {shape}, expected rows of numbers in C order")
        file.check_size()
        return file

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def check_size(self) -> None:
        """Compare the file's size with its shape.

        Raises:
            FormatError: It is shorter: half written, or cut off in a copy.
        """
        wanted = self.offset + self.shape[0] * self.row_bytes
        try:
            size = self.path.stat().st_size
        except OSError as err:
            raise FormatError(f"cannot read {self.path}: {err.strerror or err}") from err
        if size < wanted:
            raise FormatError(
                f"{self.path} has {size} bytes, expected {wanted} for {self.shape}: half written "
                "or cut off; copy it again, or run pavas prepare again"
            )


class OpenFiles:
    """Files held open for reading, the longest unused closed first. For one thread."""

    def __init__(self, limit: int = _MAX_OPEN) -> None:
        self._limit = limit
        self._open: OrderedDict[Path, int] = OrderedDict()

    def read(self, file: ArrayFile, start: int, out: NDArray[Any]) -> None:
        """Fill ``out`` (rows, ...) or (...) with the rows from ``start`` on.

        Raises:
            FormatError: The file ends before, or cannot be read.
        """
        wanted = out if out.dtype == file.dtype else np.empty(out.shape, dtype=file.dtype)
        target = memoryview(wanted.reshape(-1).view(np.uint8).data)
        place = file.offset + start * file.row_bytes
        try:
            descriptor = self._descriptor(file.path)
            while target:
                count = os.preadv(descriptor, [target], place)
                if count == 0:
                    raise FormatError(f"{file.path} ends before row {start}; make the set again")
                target, place = target[count:], place + count
        except OSError as err:
            raise FormatError(f"cannot read {file.path}: {err.strerror or err}") from err
        if wanted is not out:
            out[...] = wanted

    def close(self) -> None:
        """Close all; what is read afterwards is opened again."""
        while self._open:
            os.close(self._open.popitem()[1])

    def __del__(self) -> None:
        self.close()

    def _descriptor(self, path: Path) -> int:
        found = self._open.get(path)
        if found is None:
            while len(self._open) >= self._limit:
                os.close(self._open.popitem(last=False)[1])
            found = self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._open.move_to_end(path)
        return found


class ArrayWriter:
    """Writes a ``.npy`` file row by row, without knowing how many there will be.

    Args:
        path: The file; replaced.
        dtype: Of its numbers.
        row_shape: Shape of one row.
    """

    def __init__(self, path: Path, dtype: str, row_shape: tuple[int, ...]) -> None:
        self._path = path
        self._dtype = np.dtype(dtype)
        self._row_shape = row_shape
        self._rows = 0
        self._stream = path.open("wb")
        self._stream.write(b"\0" * _HEADER_BYTES)

    def add(self, values: NDArray[Any]) -> None:
        """Append one row.

        Raises:
            FormatError: Another shape, or numbers that the dtype cannot hold.
        """
        if values.shape != self._row_shape:
            raise FormatError(
                f"{self._path.name}: a row has shape {values.shape}, expected {self._row_shape}"
            )
        with np.errstate(over="ignore"):
            kept = np.ascontiguousarray(values, dtype=self._dtype)
        if self._dtype.kind == "f" and (np.isinf(kept) & ~np.isinf(values)).any():
            raise FormatError(
                f"{self._path.name}: numbers up to {np.abs(values).max():g} do not fit {self._dtype}"
            )
        self._stream.write(kept.tobytes())
        self._rows += 1

    def close(self) -> None:
        """Write the header and close."""
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._rows, *self._row_shape),
        }
        text = repr(header).encode("latin-1")
        room = _HEADER_BYTES - len(_MAGIC) - 2
        self._stream.seek(0)
        self._stream.write(_MAGIC + room.to_bytes(2, "little") + text.ljust(room - 1) + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def __enter__(self) -> ArrayWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._stream.close()
