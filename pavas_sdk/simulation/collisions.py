"""Collisions: the moments at which bodies touch, and what they do to each other.

To everybody else they are `pavas_sdk.data.Contact`: when, which object, how much energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.scene import Room, SceneObject

__all__ = [
    "AUDIBLE_J",
    "FLOOR",
    "SURFACE_NAMES",
    "TARGET",
    "Collision",
    "energy_change",
    "merge_touches",
]

AUDIBLE_J = 1e-5
"""A contact of less energy makes no sound (it would lie below -70 dBFS)."""

FLOOR, TARGET = -1, -5
SURFACE_NAMES = {-1: "floor", -2: "back wall", -3: "left wall", -4: "right wall", -5: "target"}
_MERGE_S = 0.012  # touches of one pair within this time are one contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """One contact between a body and a surface or another body.

    Attributes:
        time_s: When.
        body: Index of the body in `Scene.objects`.
        other: Index of the other body, or a negative key of `SURFACE_NAMES`.
        surface: Key of `SURFACES`/`MATERIALS` of what was hit, "" for another body.
        impulse_n_s: Normal impulse.
        normal_speed_before_m_s: Approach speed at the point of contact.
        normal_speed_after_m_s: Parting speed at the point of contact.
        speed_before_m_s: Speed of the body's centre of mass just before.
        speed_after_m_s: And just after.
        energy_change_j: |1/2 m (after^2 - before^2)| of the body whose energy changed most; what
            APCC calls dE_k and what the loudness follows.
        other_energy_change_j: The same of the other body, 0 for a surface.
        point_m: Where.
    """

    time_s: float
    body: int
    other: int
    surface: str
    impulse_n_s: float
    normal_speed_before_m_s: float
    normal_speed_after_m_s: float
    speed_before_m_s: float
    speed_after_m_s: float
    energy_change_j: float
    other_energy_change_j: float
    point_m: tuple[float, float, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "point_m": list(self.point_m)
        }


def merge_touches(
    raw: NDArray[Any], objects: tuple[SceneObject, ...], room: Room, shift: int
) -> list[Collision]:
    """Joins touches of one pair that follow within a few milliseconds.

    Args:
        raw: (k, 13) the log of `World`.
        objects: Bodies that were stepped.
        room: Names the surfaces.
        shift: Index in the scene of the first of them.
    """
    groups: dict[tuple[int, int], list[list[NDArray[Any]]]] = {}
    for row in raw:
        runs = groups.setdefault((int(row[1]), int(row[2])), [])
        if runs and row[0] - runs[-1][-1][0] <= _MERGE_S:
            runs[-1].append(row)
        else:
            runs.append([row])
    collisions = []
    for (a, b), runs in groups.items():
        for run in runs:
            first, last = run[0], run[-1]
            strongest = max(run, key=lambda r: r[3])
            energy = energy_change(objects[a].mass_kg, first[6], last[7])
            other_energy = energy_change(objects[b].mass_kg, first[8], last[9]) if b >= 0 else 0.0
            body, other, before, after = a, b, first[6], last[7]
            if other_energy > energy:
                body, other, before, after = b, a, first[8], last[9]
                energy, other_energy = other_energy, energy
            surface = "" if b >= 0 else (room.floor if b == FLOOR else room.wall)
            collisions.append(
                Collision(
                    time_s=float(first[0]),
                    body=body + shift,
                    other=other + shift if other >= 0 else other,
                    surface=surface,
                    impulse_n_s=float(sum(r[3] for r in run)),
                    normal_speed_before_m_s=float(strongest[4]),
                    normal_speed_after_m_s=float(strongest[5]),
                    speed_before_m_s=float(before),
                    speed_after_m_s=float(after),
                    energy_change_j=energy,
                    other_energy_change_j=other_energy,
                    point_m=(float(strongest[10]), float(strongest[11]), float(strongest[12])),
                )
            )
    return collisions


def energy_change(mass_kg: float, before: float, after: float) -> float:
    """|1/2 m (after^2 - before^2)| in joules, from speeds in m/s."""
    return float(abs(0.5 * mass_kg * (after**2 - before**2)))
