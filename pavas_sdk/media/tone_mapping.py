"""High dynamic range (PQ, HLG) to the pictures that every estimator and encoder expects.

Transfer functions: ITU-R BT.2100. Reference white: 203 nits (ITU-R BT.2408). What is brighter is
rolled off; colours of BT.2020 are brought to those of BT.709 (ITU-R BT.2087).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from av.video.reformatter import ColorTrc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HDR_TRANSFERS", "tone_mapped"]

HDR_TRANSFERS = {int(ColorTrc.SMPTE2084): "PQ", int(ColorTrc.ARIB_STD_B67): "HLG"}
"""Names of the transfer functions of high dynamic range, by FFmpeg's number."""

_WHITE_NITS, _PEAK_NITS = 203.0, 1000.0
_KNEE = 0.8
_TO_BT709 = np.array(
    [
        [1.6605, -0.5876, -0.0728],
        [-0.1246, 1.1329, -0.0083],
        [-0.0182, -0.1006, 1.1187],
    ],
    dtype=np.float32,
)


def tone_mapped(pixels: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Return sRGB pixels (H, W, 3) uint8 of R'G'B' ones in 16 bits.

    Args:
        pixels: Code values over the full range, (H, W, 3).
        transfer: A key of `HDR_TRANSFERS`.
    """
    light = _light(transfer)[pixels] @ _TO_BT709.T
    light = np.clip(light, 0.0, None)
    bright = light > _KNEE
    rest = 1.0 - _KNEE
    light = np.where(bright, _KNEE + rest * (1.0 - np.exp(-(light - _KNEE) / rest)), light)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(np.clip(coded, 0.0, 1.0) * 255.0), dtype=np.uint8)


@cache
def _light(transfer: int) -> NDArray[np.float32]:
    """Light in units of the reference white by code value, (65536,)."""
    code = np.linspace(0.0, 1.0, 65536)
    if HDR_TRANSFERS[transfer] == "PQ":
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        root = code ** (1 / m2)
        nits = 10_000.0 * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1 / m1)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(code <= 0.5, code**2 / 3.0, (np.exp((code - c) / a) + b) / 12.0)
        nits = _PEAK_NITS * scene**1.2  # the system's gamma, of each channel for itself
    return np.asarray(nits / _WHITE_NITS, dtype=np.float32)
