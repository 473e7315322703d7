"""Physics made from what is known about a recorded clip: abrupt at its impacts, smooth elsewhere.

Its impacts are those of the truth, at their times; their energies follow from the mass and from the
speeds just before and after, known or assumed.

Truth files rarely hold speeds. What is known is used as it is: known speeds, straight lines between
them; the last one shortly before an impact is the speed with which the object hits, the first one
shortly after it the speed with which it parts. Where no speed is known before an impact, the object
comes from rest within `APPROACH_S` and hits with `ASSUMED_M_S`; where none is known after it, it
stays at rest. A clip without impacts and without known speeds moves steadily at `ASSUMED_M_S`. What
was assumed stands in the notes of the estimate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Impact, MovingObject, ObjectPhysics, PhysicsEstimate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["APPROACH_S", "ASSUMED_M_S", "true_physics"]

ASSUMED_M_S = 2.0
APPROACH_S = 0.3
RATE_HZ = 100.0
EDGE_S = 1e-4


def true_physics(
    *,
    label: str,
    duration_s: float,
    impacts_s: Sequence[float],
    speeds: Sequence[tuple[float, float]] = (),
    unknown_s: Sequence[tuple[float, float]] = (),
    mass_range_kg: tuple[float, float] | None = None,
    time_scale: float = 1.0,
    assumed_m_s: float = ASSUMED_M_S,
) -> PhysicsEstimate:
    """Return the physics of one object, id 0, whose impacts are known.

    Args:
        label: What it is.
        duration_s: Length of the clip.
        impacts_s: Its impacts, in order.
        speeds: Known (seconds, m/s), in order.
        unknown_s: Stretches (start, end) in which its speed is missing.
        mass_range_kg: (least, most); the mass is their geometric mean. None: unknown.
        time_scale: Slow-motion factor of the clip.
        assumed_m_s: Speed where none is known.

    Raises:
        PhysicsInputError: An impossible value.
    """
    times = np.arange(0.5 / RATE_HZ, duration_s, 1.0 / RATE_HZ)
    at_s, values, assumed = _curve(impacts_s, speeds, APPROACH_S * time_scale, assumed_m_s)
    speed = np.interp(times, at_s, values)
    for start_s, end_s in unknown_s:
        speed[(times >= start_s) & (times < end_s)] = np.nan
    mass_kg = log_std = None
    if mass_range_kg is not None:
        least, most = mass_range_kg
        mass_kg, log_std = float(np.sqrt(least * most)), float(np.log(most / least) / 2)
    entry = ObjectPhysics(
        object=MovingObject(object_id=0, label=label),
        mass_kg=mass_kg,
        mass_log_std=log_std,
        speed_times_s=times,
        speed_m_s=speed,
        sources={"mass": "truth", "speed": "truth"},
    )
    note = f"speed of {assumed} assumed: {assumed_m_s:g} m/s"
    return PhysicsEstimate(
        objects=(entry,),
        duration_s=duration_s,
        time_scale=time_scale,
        notes=(note,) if assumed else (),
        known_impacts=_impacts(impacts_s, at_s, values, duration_s),
    )


def _impacts(
    impacts_s: Sequence[float],
    at_s: Sequence[float],
    values_m_s: Sequence[float],
    duration_s: float,
) -> tuple[Impact, ...]:
    """The impacts within the clip, with the speeds of the curve on both sides of each."""
    impacts = []
    for impact_s in impacts_s:
        if impact_s > duration_s:
            continue
        before, after = np.interp([impact_s - EDGE_S, impact_s + EDGE_S], at_s, values_m_s)
        impacts.append(
            Impact(
                object_id=0,
                time_s=impact_s,
                speed_before_m_s=float(before),
                speed_after_m_s=float(after),
                velocity_change_m_s=abs(float(after - before)),
                energy_before_j=float("nan"),
                energy_after_j=float("nan"),
            )
        )
    return tuple(impacts)


def _curve(
    impacts_s: Sequence[float],
    speeds: Sequence[tuple[float, float]],
    approach_s: float,
    assumed_m_s: float,
) -> tuple[list[float], list[float], str]:
    """Knots of the speed, seconds and m/s, and what had to be assumed."""
    if not impacts_s and not speeds:
        return [0.0], [assumed_m_s], "steady motion"
    knots = list(speeds)
    assumed = 0
    earlier_s = -np.inf
    for index, impact_s in enumerate(impacts_s):
        later_s = impacts_s[index + 1] if index + 1 < len(impacts_s) else np.inf
        first_s = max(impact_s - approach_s, earlier_s)
        last_s = min(impact_s + approach_s, later_s)
        before = [value for time_s, value in speeds if first_s < time_s <= impact_s]
        after = [value for time_s, value in speeds if impact_s < time_s <= last_s]
        if not before:
            assumed += 1
            knots.append((max(first_s, 0.5 * (impact_s + earlier_s)), 0.0))
        knots.append((impact_s - EDGE_S, before[-1] if before else assumed_m_s))
        knots.append((impact_s + EDGE_S, after[0] if after else 0.0))
        earlier_s = impact_s
    knots.sort()
    times, values = zip(*knots, strict=True)
    return list(times), list(values), f"{assumed} impacts" if assumed else ""
