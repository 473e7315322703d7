"""What the encoders are taught, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "MIN_ENERGY_J",
    "MIN_SHARE",
    "audible_contacts",
    "band_levels",
    "class_index",
    "class_names",
    "onset_slots",
]

# Weaker contacts drown in the noise floor of the simulated clips, or beside a louder one.
MIN_ENERGY_J = 1e-5
MIN_SHARE = 1e-4


def class_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct names in order."""
    return tuple(sorted(set(names)))


def class_index(names: Sequence[str], name: str) -> int:
    """Return the place of ``name``, or -100 (ignored by cross entropy) when it is not there."""
    return names.index(name) if name in names else -100


def audible_contacts(times_s: ArrayLike, energy_change_j: ArrayLike) -> NDArray[np.float64]:
    """Return the times of contacts that can be heard, seconds."""
    times = np.asarray(times_s, dtype=np.float64)
    energy = np.asarray(energy_change_j, dtype=np.float64)
    if energy.size == 0:
        return times
    return times[energy >= max(MIN_ENERGY_J, MIN_SHARE * float(energy.max()))]


def onset_slots(
    times_s: NDArray[np.float64], features: int, rate_hz: float, slots: int
) -> NDArray[np.float32]:
    """Return 1 in the slot that holds a contact and 0.3 in its neighbours, (features, slots).

    Args:
        times_s: Contacts.
        features: Number of features; feature j spans [j, j + 1) / rate_hz.
        rate_hz: Features per second.
        slots: Equal parts of each feature.
    """
    flat = np.zeros(features * slots, dtype=np.float32)
    places = np.floor(times_s * rate_hz * slots).astype(np.int64)
    for shift, value in ((-1, 0.3), (1, 0.3), (0, 1.0)):
        moved = places + shift
        moved = moved[(moved >= 0) & (moved < flat.size)]
        flat[moved] = np.maximum(flat[moved], value)
    return flat.reshape(features, slots)


def band_levels(mel: NDArray[np.float32], features: int, bands: int) -> NDArray[np.float32]:
    """Return the mean log-mel of ``bands`` equal bands per feature, about unit size, (J, bands).

    Args:
        mel: log10-mel, (M, F), spread over the same time as the features.
        features: J.
        bands: Number of bands; M must be a multiple.
    """
    levels = mel.reshape(bands, -1, mel.shape[1]).mean(axis=1)
    place = (np.arange(features) + 0.5) / features * mel.shape[1] - 0.5
    grid = np.arange(mel.shape[1])
    rows = np.stack([np.interp(place, grid, level) for level in levels], axis=1)
    return ((rows + 3.0) / 1.0).astype(np.float32)
