"""Statistics of masses, speeds and impacts over a set: the z-scores of an adapter (Sec. 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.training.datasets.rows import RowBuffers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.mixture import Mixture

__all__ = ["physics_statistics_of"]

_MOST_ROWS = 20_000  # a mean of so many clips is known to a hundredth of its spread
_MOVING_M_S = 0.05


def physics_statistics_of(
    clips: Mixture, *, mass_unit_kg: float = 1.0, impact_unit_j: float = 1e-3
) -> dict[str, float]:
    """Return mean and spread of log(1 + m / u), of the speeds of what moves, and of impacts.

    Args:
        clips: The sets; of very large ones an evenly spaced part is read.
        mass_unit_kg: u of the masses.
        impact_unit_j: u of the energies: log(1 + dE / u) over frames with an impact.

    Returns:
        "mass_mean", "mass_std", "speed_mean_m_s", "speed_std_m_s", and with at least two frames
        with an impact "impact_mean", "impact_std".

    Raises:
        InputError: No mass or no speed is known.
    """
    masses, speeds, energies = [], [], []
    step = max(1, len(clips) // _MOST_ROWS)
    for row in range(0, len(clips), step):
        buffers = RowBuffers.of(clips.layout, 1)
        clips.read(row, buffers, 0)
        objects = buffers.objects.get(0)
        if objects is not None:
            masses.append(objects.mass_kg)
            speeds.append(objects.speed_m_s.ravel())
            energies.append(objects.impact_energy_j.ravel())
    mass = _known(masses)
    speed = _known(speeds)
    speed = speed[speed > _MOVING_M_S]
    if not mass.size or not speed.size:
        raise InputError(
            f"of {len(clips)} clips {mass.size} masses and {speed.size} speeds of moving objects "
            "are known; an adapter needs both. Annotate with other estimators"
        )
    mass = np.log1p(mass / mass_unit_kg)
    found = {
        "mass_mean": float(mass.mean()),
        "mass_std": _spread(mass),
        "speed_mean_m_s": float(speed.mean()),
        "speed_std_m_s": _spread(speed),
    }
    energy = _known(energies)
    energy = np.log1p(energy[energy > 0] / impact_unit_j)
    if energy.size > 1:
        found |= {"impact_mean": float(energy.mean()), "impact_std": _spread(energy)}
    return {name: round(value, 4) for name, value in found.items()}


def _known(parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
    joined = np.concatenate([np.zeros(0), *parts]).astype(np.float64)
    return joined[np.isfinite(joined)]


def _spread(values: NDArray[np.float64]) -> float:
    """Standard deviation; 1 where all are equal, which leaves them at zero."""
    spread = float(values.std())
    return spread if spread > 1e-3 else 1.0
