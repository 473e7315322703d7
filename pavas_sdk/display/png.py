"""A picture of 256 colours as PNG bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

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
    picture = Image.frombytes("P", (width, height), np.ascontiguousarray(index).tobytes())
    picture.putpalette(np.ascontiguousarray(colours).tobytes())
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
