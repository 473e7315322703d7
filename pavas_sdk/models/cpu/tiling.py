"""How a convolution is cut into tiles.

A wide convolution costs most of a vocoder's time. It is computed by tiles (Toom-Cook, "Winograd"):
four outputs of four taps from seven products instead of sixteen, at the points 0, 1, -1, 2, -2, 1/2
and infinity. Longer kernels are sums of four-tap pieces, whose inputs are the same tiles, shifted
by whole tiles. A dilated convolution is an ordinary one on every d-th sample.
"""

from __future__ import annotations

__all__ = ["POINTS", "TILE", "tile_counts"]

TILE = 4
"""Outputs of a tile, and taps of a piece of a kernel."""

POINTS = 7
"""Products of a tile."""


def tile_counts(length: int, kernel_size: int, dilation: int) -> tuple[int, int, int]:
    """Return (pieces, tiles, columns) of a convolution that keeps ``length`` samples.

    ``pieces`` four-tap pieces make up the kernel; each of the ``dilation`` interleaved rows has
    ``tiles`` tiles of outputs and ``pieces - 1`` more of inputs; ``columns`` are all of them.
    """
    pieces = (kernel_size + TILE - 1) // TILE
    row_length = (length + dilation - 1) // dilation
    tiles = (row_length + TILE - 1) // TILE
    return pieces, tiles, dilation * (tiles + pieces - 1)
