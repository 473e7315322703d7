"""Impact: one abrupt change of an object's velocity, found in its speeds or stated by a person."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pavas_sdk.data import _json
from pavas_sdk.data._validation import finite, not_negative, number
from pavas_sdk.errors import FormatError, PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Impact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """One abrupt change of an object's velocity.

    Attributes:
        object_id: Which object.
        time_s: When, on the video's clock.
        speed_before_m_s: Mean speed over the window before; NaN where unknown.
        speed_after_m_s: Mean speed over the window after; NaN where unknown.
        velocity_change_m_s: Size of the jump of the velocity vector (of the speed, when no
            vectors are known); NaN where unknown.
        energy_before_j: 1/2 m v^2 before; NaN without a mass.
        energy_after_j: 1/2 m v^2 after; NaN without a mass.
        stated_energy_j: Kinetic-energy change that a person stated, in joules: it takes the place
            of what the speeds give. None: nothing was stated.
        source: "estimated", or "edited" where a person added or moved it.
    """

    object_id: int
    time_s: float
    speed_before_m_s: float
    speed_after_m_s: float
    velocity_change_m_s: float
    energy_before_j: float
    energy_after_j: float
    stated_energy_j: float | None = None
    source: Literal["estimated", "edited"] = "estimated"

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: A time that is not finite, speeds or an energy that are negative or
                infinite, an unknown source.
        """
        time_s = finite(
            f"time_s of an impact of object {self.object_id}", self.time_s, error=PhysicsInputError
        )
        where = f"of the impact of object {self.object_id} at {time_s:g} s"
        object.__setattr__(self, "time_s", time_s)
        for name in ("speed_before_m_s", "speed_after_m_s", "velocity_change_m_s"):
            value = number(f"{name} {where}", getattr(self, name), PhysicsInputError)
            if value < 0 or math.isinf(value):
                raise PhysicsInputError(
                    f"{name} {where} must be 0 or more m/s, or NaN (null) where it is unknown, "
                    f"got {value}"
                )
            object.__setattr__(self, name, value)
        if self.stated_energy_j is not None:
            stated = not_negative(
                f"energy_change_j {where} in joules", self.stated_energy_j, error=PhysicsInputError
            )
            object.__setattr__(self, "stated_energy_j", stated)
        if self.source not in ("estimated", "edited"):
            raise PhysicsInputError(
                f'source {where} must be "estimated" or "edited", got {self.source!r}'
            )

    @property
    def energy_change_j(self) -> float:
        """The stated energy, else |energy_after_j - energy_before_j|; NaN where unknown."""
        if self.stated_energy_j is not None:
            return self.stated_energy_j
        return abs(self.energy_after_j - self.energy_before_j)

    def of_mass(self, mass_kg: float | None) -> Impact:
        """Return the impact with the kinetic energies of a body of this mass (None: unknown)."""
        before, after = (
            kinetic_energy_j(mass_kg, speed)
            for speed in (self.speed_before_m_s, self.speed_after_m_s)
        )
        return replace(self, energy_before_j=before, energy_after_j=after)

    def scaled(self, *, mass: float = 1.0, speed: float = 1.0) -> Impact:
        """Return the impact of a body that is ``mass`` times as heavy, ``speed`` times as fast."""
        stated = self.stated_energy_j
        return replace(
            self,
            speed_before_m_s=self.speed_before_m_s * speed,
            speed_after_m_s=self.speed_after_m_s * speed,
            velocity_change_m_s=self.velocity_change_m_s * speed,
            energy_before_j=self.energy_before_j * mass * speed * speed,
            energy_after_j=self.energy_after_j * mass * speed * speed,
            stated_energy_j=None if stated is None else stated * mass * speed * speed,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, without what follows from speeds and mass; NaN becomes null."""
        return {
            "object_id": self.object_id,
            "time_s": self.time_s,
            "speed_before_m_s": _plain(self.speed_before_m_s),
            "speed_after_m_s": _plain(self.speed_after_m_s),
            "velocity_change_m_s": _plain(self.velocity_change_m_s),
            "energy_change_j": self.stated_energy_j,
            "source": self.source,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Impact:
        """Read what `to_json` wrote, or what a person typed; energies are those of no mass.

        An entry needs ``object_id``, ``time_s``, and either ``energy_change_j`` or both speeds.

        Raises:
            FormatError: A field is missing or of the wrong type.
            PhysicsInputError: A value is impossible.
        """
        where = "an impact"
        data = _json.mapping(data, where)
        object_id = _json.integer(_json.required(data, "object_id", where), "object_id")
        time_s = _json.number(_json.required(data, "time_s", where), "time_s of an impact")
        stated = _json.optional_number(data.get("energy_change_j"), "energy_change_j")
        if stated is None and not {"speed_before_m_s", "speed_after_m_s"} <= set(data):
            raise FormatError(
                f"the impact of object {object_id} at {time_s:g} s says nothing of its energy; "
                'add "energy_change_j" in joules, or "speed_before_m_s" and "speed_after_m_s"'
            )
        before, after = (
            _number_or_nan(data, name) for name in ("speed_before_m_s", "speed_after_m_s")
        )
        source = _json.text(data.get("source", "edited"), "source of an impact")
        return cls(
            object_id=object_id,
            time_s=time_s,
            speed_before_m_s=before,
            speed_after_m_s=after,
            velocity_change_m_s=(
                _number_or_nan(data, "velocity_change_m_s")
                if "velocity_change_m_s" in data
                else abs(after - before)
            ),
            energy_before_j=math.nan,
            energy_after_j=math.nan,
            stated_energy_j=stated,
            source=source,  # type: ignore[arg-type]  # __post_init__ refuses any other text
        )


def kinetic_energy_j(mass_kg: float | None, speed_m_s: float) -> float:
    """Return 1/2 m v^2 in joules; NaN without a mass or a speed."""
    return math.nan if mass_kg is None else 0.5 * mass_kg * (speed_m_s * speed_m_s)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number_or_nan(data: Mapping[str, Any], name: str) -> float:
    value = _json.optional_number(data.get(name), f"{name} of an impact")
    return math.nan if value is None else value
