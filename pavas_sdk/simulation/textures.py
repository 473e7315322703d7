"""Tileable grey textures with mean 1: planks, speckle, brushed metal, woven carpet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SIDE", "moved_texture", "texture"]

SIDE = 128


def _noise(rng: np.random.Generator, across: float, along: float) -> NDArray[np.float64]:
    """Smooth periodic noise, unit deviation, with correlation lengths in pixels."""
    fy = np.fft.fftfreq(SIDE)[:, None]
    fx = np.fft.rfftfreq(SIDE)[None, :]
    spectrum = np.exp(-2 * np.pi**2 * ((fx * along) ** 2 + (fy * across) ** 2) / 4)
    white = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    field = np.fft.irfft2(white * spectrum, s=(SIDE, SIDE))
    return np.asarray(field / max(float(field.std()), 1e-12))


def texture(name: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """Makes a tile.

    Args:
        name: "planks", "speckle", "brushed" or "weave".
        rng: Random numbers.

    Returns:
        float32 (SIDE, SIDE), positive, mean 1.

    Raises:
        InputError: Unknown name.
    """
    strength = float(rng.uniform(0.5, 1.3))
    if name == "planks":
        boards = int(rng.choice([4, 8]))
        row = (np.arange(SIDE) * boards) // SIDE
        shade = rng.normal(0, 0.13, boards)[row][:, None]
        gap = ((np.arange(SIDE) * boards) % SIDE < boards).astype(np.float64)[:, None]
        field = shade + 0.12 * _noise(rng, 1.2, 14.0) - 0.35 * gap + np.zeros((SIDE, SIDE))
    elif name == "speckle":
        field = 0.1 * _noise(rng, 12.0, 12.0) + 0.07 * _noise(rng, 1.5, 1.5)
        if rng.random() < 0.35:
            tiles = int(rng.choice([2, 4]))
            line = (np.arange(SIDE) * tiles) % SIDE < 1.5 * tiles
            field = field - 0.3 * (line[:, None] | line[None, :])
    elif name == "brushed":
        field = 0.09 * _noise(rng, 0.8, 30.0) + 0.06 * _noise(rng, 16.0, 16.0)
    elif name == "weave":
        wave = np.sin(2 * np.pi * np.arange(SIDE) * 16 / SIDE)
        field = 0.1 * wave[:, None] * wave[None, :] + 0.14 * _noise(rng, 1.3, 1.3)
        field = field + 0.12 * _noise(rng, 10.0, 10.0)
    else:
        raise InputError(f"unknown texture {name!r}; known are planks, speckle, brushed, weave")
    tile = np.exp(strength * field)
    return np.asarray(tile / tile.mean(), dtype=np.float32)


def moved_texture(
    tile: NDArray[np.float32],
    drift: NDArray[np.float64],
    wave: float,
    times_s: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return a tile that drifts sideways, or through which waves run, at some moments.

    Args:
        tile: (N, N).
        drift: (T,) how far it has drifted, in tiles.
        wave: Depth of the waves, in tiles.
        times_s: (T,), seconds.

    Returns:
        float32 (T, N, N).
    """
    side = tile.shape[0]
    rows = np.arange(side) / side
    waves = np.sin(2 * np.pi * (2 * rows[None] + 0.4 * times_s[:, None]))
    waves = waves + 0.6 * np.sin(2 * np.pi * (rows[None] - 0.7 * times_s[:, None]) + 1.0)
    shift = (drift[:, None] + wave * waves) * side
    whole = np.floor(shift).astype(np.int64)
    share = (shift - whole).astype(np.float32)[..., None]
    column = np.arange(side)[None, None] + whole[..., None]
    row = np.arange(side)[None, :, None]
    low, high = tile[row, column % side], tile[row, (column + 1) % side]
    return np.asarray(low + (high - low) * share, dtype=np.float32)
