"""Mean and spread of latents over a set, as a new backbone normalises them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.training.datasets.rows import RowBuffers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.rows import RowSource

__all__ = ["latent_statistics"]


def latent_statistics(source: RowSource) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and unbiased standard deviation of the posterior's mean, per channel, (C,) each.

    Over clips and time, as MMAudio does it on its first video set. For a backbone that is trained
    from nothing; one that is trained on keeps its own.

    Raises:
        InputError: Fewer than two latents.
    """
    layout = source.layout
    buffers = RowBuffers.of(layout, 1)
    count, mean = 0, np.zeros(layout.latent_dim)
    squares = np.zeros(layout.latent_dim)
    for row in range(len(source)):  # Chan et al. 1979: exact however many
        source.read(row, buffers, 0)
        part = buffers.features["mean"][0].astype(np.float64)
        size, centre = part.shape[0], part.mean(axis=0)
        shift = centre - mean
        total = count + size
        squares += np.square(part - centre).sum(axis=0) + np.square(shift) * count * size / total
        mean += shift * size / total
        count = total
    if count < 2:
        raise InputError(f"a spread needs at least two latents, got {count}")
    std = np.sqrt(squares / (count - 1))
    return mean.astype(np.float32), std.astype(np.float32)
