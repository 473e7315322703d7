"""Triangular filters on two logarithmic scales of pitch: HTK's, and Kaldi's with its own triangles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["hertz_triangles", "htk_mel", "kaldi_mel", "mel_triangles"]


def htk_mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return 2595 log10(1 + f / 700)."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0))


def kaldi_mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return 1127 ln(1 + f / 700)."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hz) / 700.0))


def mel_triangles(
    bands: int, min_hz: float, max_hz: float, bin_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return triangles whose sides are straight in mel, (bands, bins), highest value near 1."""
    mel = kaldi_mel(bin_hz)
    edges = np.linspace(float(kaldi_mel(min_hz)), float(kaldi_mel(max_hz)), bands + 2)
    return _triangles(mel, edges)


def hertz_triangles(
    bands: int, min_hz: float, max_hz: float, bin_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return triangles whose corners are equally spaced in mel and whose sides straight in Hz."""
    edges = np.linspace(float(htk_mel(min_hz)), float(htk_mel(max_hz)), bands + 2)
    return _triangles(bin_hz, 700.0 * (10.0 ** (edges / 2595.0) - 1.0))


def _triangles(at: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (at - low) / (middle - low), (high - at) / (high - middle)
    return np.asarray(np.clip(np.minimum(rising, falling), 0.0, None))
