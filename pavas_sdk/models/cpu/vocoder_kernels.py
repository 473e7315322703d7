"""Compiled inner loops of the vocoder on a CPU, float32: activations and convolution tiles.

Rows are channels; every function treats its rows on their own, so that several threads may share
the work (the interpreter lock is released).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.models.cpu.jit import jit
from pavas_sdk.models.cpu.tiling import TILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

__all__ = ["activate", "activate_to_tiles", "tiles_to_rows", "weights_to_points"]

_BLOCK = 1024
_ONE = np.float32(1.0)

# sin(pi z) = z (S0 + S1 z^2 + ...) for |z| <= 1/2; largest error 3e-9 before rounding.
_S0, _S1, _S2, _S3, _S4, _S5 = (
    np.float32(c)
    for c in (
        3.14159265358979,
        -5.16771278004997,
        2.55016403987734,
        -0.599264528932149,
        0.0821458866111282,
        -0.00737043094571435,
    )
)


@jit(inline=True)
def _snake(x: float, alpha: float, weight: float) -> float:
    """Return ``x + weight sin^2(pi alpha x)``."""
    turns = x * alpha
    z = turns - np.rint(turns)
    w = z * z
    s = z * (_S0 + w * (_S1 + w * (_S2 + w * (_S3 + w * (_S4 + w * _S5)))))
    snaked: float = x + weight * (s * s)
    return snaked


@jit(inline=True)
def _six(x: Array, at: int, a: float, b: float, c: float, d: float, e: float, f: float) -> float:
    """Return the sum of six samples from ``at`` on, times ``a`` to ``f``."""
    total: float = (
        a * x[at] + b * x[at + 1] + c * x[at + 2] + d * x[at + 3] + e * x[at + 4] + f * x[at + 5]
    )
    return total


@jit()
def _activate_row(
    x: Array, alpha: float, weight: float, up: Array, down: Array, out: Array, work: Array
) -> None:
    """Write the oversampled snake of a row ``x`` (T,) to ``out`` (T,).

    ``alpha`` is the frequency over pi, ``weight`` the factor of sin^2; ``up`` and ``down`` hold
    the taps (12,); ``work`` is scratch of 3 rows of at least ``_BLOCK`` + 16.
    """
    total = x.shape[0]
    u0, u1, u2, u3, u4, u5 = up[0], up[2], up[4], up[6], up[8], up[10]
    v0, v1, v2, v3, v4, v5 = up[1], up[3], up[5], up[7], up[9], up[11]
    d0, d1, d2, d3, d4, d5 = down[0], down[2], down[4], down[6], down[8], down[10]
    e0, e1, e2, e3, e4, e5 = down[1], down[3], down[5], down[7], down[9], down[11]
    wide, even, odd = work[0], work[1], work[2]
    for start in range(0, total, _BLOCK):
        size = min(_BLOCK, total - start)
        # twice the rate is needed for 3 samples on either side, for which 3 more are read
        first, count = start - 3, size + 6
        for i in range(count + 6):
            at = first - 3 + i
            wide[i] = x[min(max(at, 0), total - 1)]
        for i in range(count):
            even[i] = _snake(_six(wide, i, v5, v4, v3, v2, v1, v0), alpha, weight)
            odd[i] = _snake(_six(wide, i + 1, u5, u4, u3, u2, u1, u0), alpha, weight)
        # beyond either end of the row the value at the end stays
        for i in range(-first):
            even[i] = even[-first]
            odd[i] = even[-first]
        for i in range(total - first, count):
            even[i] = odd[total - first - 1]
            odd[i] = odd[total - first - 1]
        for i in range(size):
            lower = _six(even, i + 1, e0, e1, e2, e3, e4, e5)
            out[start + i] = lower + _six(odd, i, d0, d1, d2, d3, d4, d5)


@jit()
def activate(
    x: Array, alpha: Array, weight: Array, up: Array, down: Array, out: Array, start: int, stop: int
) -> None:
    """Write the oversampled snake of rows ``start:stop`` of ``x`` (C, T) to ``out`` (C, T).

    Args:
        x: Input.
        alpha: Frequency over pi, (C,).
        weight: Factor of sin^2, (C,).
        up: Taps of the doubling, (12,).
        down: Taps of the halving, (12,).
        out: Result.
        start: First row.
        stop: One behind the last row.
    """
    work = np.empty((3, _BLOCK + 16), np.float32)
    for c in range(start, stop):
        _activate_row(x[c], alpha[c], weight[c], up, down, out[c], work)


@jit()
def _write_points(phases: Array, tiles: Array, c: int, here: slice) -> None:
    """Write the seven sums of every tile and the one behind it to the columns ``here`` of row ``c``.

    ``phases`` (4, columns + 1) holds samples 0 to 3 of each tile; see `activate_to_tiles`.
    """
    x0, x1, x2, x3 = phases[0], phases[1], phases[2], phases[3]
    # one by one: only so they are known to lie without gaps
    t0, t1, t2, t3 = tiles[0, c, here], tiles[1, c, here], tiles[2, c, here], tiles[3, c, here]
    t4, t5, t6 = tiles[4, c, here], tiles[5, c, here], tiles[6, c, here]
    two, three, four = np.float32(2.0), np.float32(3.0), np.float32(4.0)
    five, seven = np.float32(5.0), np.float32(7.0)
    eight, nine, ten, twelve = np.float32(8.0), np.float32(9.0), np.float32(10.0), np.float32(12.0)
    for i in range(t0.shape[0]):
        a, b, e, f = x0[i], x1[i], x2[i], x3[i]
        g, h, k = x0[i + 1], x1[i + 1], x2[i + 1]
        t0[i] = four * a - eight * b - five * e + ten * f + g - two * h
        t1[i] = four * (e - b) + nine * f - g - two * h
        t2[i] = twelve * e - four * b - seven * f - three * g + two * h
        t3[i] = two * (b + h) - three * (e - g) - four * f
        t4[i] = two * (b - h) - five * (e - g)
        t5[i] = four * b - five * f + h
        t6[i] = eight * e - four * b + five * f - ten * g - h + two * k


@jit()
def activate_to_tiles(
    x: Array,
    alpha: Array,
    weight: Array,
    up: Array,
    down: Array,
    tiles: Array,
    kernel_size: int,
    dilation: int,
    start: int,
    stop: int,
) -> None:
    """Write the oversampled snake of rows ``start:stop`` as tiles of a convolution's input.

    Args:
        x: Input (C, T).
        alpha: See `activate`.
        weight: See `activate`.
        up: See `activate`.
        down: See `activate`.
        tiles: Result (7, C, columns); see `tile_counts`.
        kernel_size: Of the convolution.
        dilation: Of the convolution.
        start: First row.
        stop: One behind the last row.
    """
    length = x.shape[1]
    per_row = tiles.shape[2] // dilation
    border = (kernel_size - 1) // 2 * dilation
    padded = np.zeros(max(TILE * (per_row + 1) * dilation, border + length), np.float32)
    phases = np.empty((TILE, per_row + 1), np.float32)
    x0, x1, x2, x3 = phases[0], phases[1], phases[2], phases[3]
    work = np.empty((3, _BLOCK + 16), np.float32)
    for c in range(start, stop):
        _activate_row(x[c], alpha[c], weight[c], up, down, padded[border : border + length], work)
        for row in range(dilation):
            for i in range(per_row + 1):
                at = TILE * i * dilation + row
                x0[i] = padded[at]
                x1[i] = padded[at + dilation]
                x2[i] = padded[at + 2 * dilation]
                x3[i] = padded[at + 3 * dilation]
            _write_points(phases, tiles, c, slice(row * per_row, (row + 1) * per_row))


@jit()
def tiles_to_rows(
    products: Array,
    bias: Array,
    residual: Array,
    add: bool,
    out: Array,
    per_row: int,
    tiles: int,
    dilation: int,
    start: int,
    stop: int,
) -> None:
    """Write rows ``start:stop`` of a convolution's output from its products.

    Args:
        products: (7, C, columns).
        bias: (C,).
        residual: (C, T), added where ``add`` is set; else any array of that type.
        add: Whether to add ``residual``.
        out: Result (C, T).
        per_row: Columns of an interleaved row.
        tiles: Tiles of an interleaved row.
        dilation: Of the convolution.
        start: First row.
        stop: One behind the last row.
    """
    length = out.shape[1]
    phases = np.empty((TILE, tiles), np.float32)
    wide = np.empty(TILE * tiles * dilation, np.float32)
    y0, y1, y2, y3 = phases[0], phases[1], phases[2], phases[3]
    two, four, eight = np.float32(2.0), np.float32(4.0), np.float32(8.0)
    half, quarter, eighth = np.float32(0.5), np.float32(0.25), np.float32(0.125)
    for c in range(start, stop):
        for row in range(dilation):
            here = slice(row * per_row, row * per_row + tiles)
            m0, m1, m2 = products[0, c, here], products[1, c, here], products[2, c, here]
            m3, m4, m5 = products[3, c, here], products[4, c, here], products[5, c, here]
            m6 = products[6, c, here]
            for i in range(tiles):
                plus, minus = m1[i] + m2[i], m1[i] - m2[i]
                sum2, difference2 = m3[i] + m4[i], m3[i] - m4[i]
                y0[i] = m0[i] + plus + sum2 + m5[i]
                y1[i] = minus + two * difference2 + half * m5[i]
                y2[i] = plus + four * sum2 + quarter * m5[i]
                y3[i] = minus + eight * difference2 + eighth * m5[i] + m6[i]
            for i in range(tiles):
                at = TILE * i * dilation + row
                wide[at] = y0[i]
                wide[at + dilation] = y1[i]
                wide[at + 2 * dilation] = y2[i]
                wide[at + 3 * dilation] = y3[i]
        offset = bias[c]
        target = out[c]
        if add:
            before = residual[c]
            for i in range(length):
                target[i] = wide[i] + offset + before[i]
        else:
            for i in range(length):
                target[i] = wide[i] + offset


@jit()
def weights_to_points(weight: Array, out: Array, start: int, stop: int) -> None:
    """Write output channels ``start:stop`` of a kernel as factors of the tile products.

    Args:
        weight: (O, C, K).
        out: Result (7, O, C, pieces).
        start: First output channel.
        stop: One behind the last.
    """
    inputs, taps = weight.shape[1], weight.shape[2]
    pieces = out.shape[3]
    two, four, eight = np.float32(2.0), np.float32(4.0), np.float32(8.0)
    by1, by2, by3, by4 = (
        np.float32(1.0 / 6.0),
        np.float32(1.0 / 18.0),
        np.float32(1.0 / 72.0),
        np.float32(1.0 / 120.0),
    )
    by0, by5, by6 = np.float32(0.25), np.float32(4.0 / 45.0), np.float32(0.5)
    zero = np.float32(0.0)
    for o in range(start, stop):
        for c in range(inputs):
            for s in range(pieces):
                at = TILE * s
                a = weight[o, c, at]
                b = weight[o, c, at + 1] if at + 1 < taps else zero
                e = weight[o, c, at + 2] if at + 2 < taps else zero
                f = weight[o, c, at + 3] if at + 3 < taps else zero
                out[0, o, c, s] = a * by0
                out[1, o, c, s] = (a + b + e + f) * by1
                out[2, o, c, s] = (a - b + e - f) * by2
                out[3, o, c, s] = (a + two * b + four * e + eight * f) * by3
                out[4, o, c, s] = (a - two * b + four * e - eight * f) * by4
                out[5, o, c, s] = (eight * a + four * b + two * e + f) * by5
                out[6, o, c, s] = f * by6
