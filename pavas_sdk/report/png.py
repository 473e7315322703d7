"""A picture of 256 colours as PNG bytes; enough for a spectrogram, with nothing to install."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["palette", "png_bytes"]


def palette(stops: list[str]) -> NDArray[np.uint8]:
    """Return 256 colours, (256, 3), that run evenly through ``"#rrggbb"`` stops."""
    colours = np.array([[int(s[i : i + 2], 16) for i in (1, 3, 5)] for s in stops], dtype=float)
    places = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(places, np.arange(len(stops)), colours[:, k]) for k in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def png_bytes(index: NDArray[np.uint8], colours: NDArray[np.uint8]) -> bytes:
    """Return the PNG of an indexed picture.

    Args:
        index: (H, W), the colour of each pixel, top row first.
        colours: (256, 3).
    """
    height, width = index.shape
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # a filter byte before each row
    rows[:, 1:] = index
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", header),
            (b"PLTE", np.ascontiguousarray(colours).tobytes()),
            (b"IDAT", zlib.compress(rows.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
