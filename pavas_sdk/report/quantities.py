"""Numbers as people read them: 58 g, 1.2 kg, 2.31 m/s, 15 mJ, 1:05.3."""

from __future__ import annotations

import math

__all__ = ["energy", "energy_unit", "mass", "seconds", "significant", "speed"]

_ENERGIES = (("kJ", 1e3), ("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6))


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many digits, without an exponent: 0.0577, 2.31, 1250."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "–"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{round(value, places):.{max(0, min(places, 9))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def mass(mass_kg: float) -> str:
    """Return a mass in milligrams, grams, kilograms or tonnes."""
    for unit, size in (("t", 1e3), ("kg", 1.0), ("g", 1e-3)):
        if mass_kg >= size:
            return f"{significant(mass_kg / size)} {unit}"
    return f"{significant(mass_kg * 1e6, 2)} mg"


def speed(speed_m_s: float) -> str:
    """Return a speed in m/s."""
    return f"{significant(speed_m_s)} m/s"


def energy_unit(largest_j: float) -> tuple[str, float]:
    """Return the unit, and its size in joules, in which the largest of a series reads well."""
    return next((unit for unit in _ENERGIES if largest_j >= unit[1]), _ENERGIES[-1])


def energy(energy_j: float) -> str:
    """Return an energy in the unit that suits it."""
    if not math.isfinite(energy_j):
        return "–"
    if energy_j < _ENERGIES[-1][1]:
        return "< 1 µJ" if energy_j > 0 else "0 J"
    unit, size = energy_unit(energy_j)
    return f"{significant(energy_j / size)} {unit}"


def seconds(time_s: float) -> str:
    """Return a time: 0.84 s, 12.50 s, 1:05.3."""
    if time_s < 60:
        return f"{time_s:.2f} s"
    return f"{int(time_s // 60)}:{time_s % 60:04.1f}"
