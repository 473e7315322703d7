"""ObjectPhysics: mass and speed of one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import _json
from pavas_sdk.data._validation import frozen_array, increasing_times, not_negative, positive
from pavas_sdk.data.objects import MovingObject
from pavas_sdk.data.sighting import Sighting
from pavas_sdk.errors import PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["ObjectPhysics"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectPhysics:
    """Mass and speed of one object.

    Attributes:
        object: Which object.
        mass_kg: Kilograms, or None when not estimated.
        mass_log_std: Standard deviation of ln(mass), or None.
        speed_times_s: (S,), seconds on the video's clock, increasing.
        speed_m_s: (S,), m/s, NaN where the object was not seen.
        speed_std_m_s: (S,) or None.
        velocity_m_s: (S, 3) in world axes, or None.
        sources: Which rung gave what, e.g. {"mass": "size-prior", "scale": "gravity"}.
        sightings: In a long video, what the object was found as in each window that shows it, so that
            its masks can be found again; empty where the clip was one window.
    """

    object: MovingObject
    mass_kg: float | None
    speed_times_s: NDArray[np.float64]
    speed_m_s: NDArray[np.float64]
    mass_log_std: float | None = None
    speed_std_m_s: NDArray[np.float64] | None = None
    velocity_m_s: NDArray[np.float64] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = ()

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: Mass not positive, speeds negative, infinite or of another length.
        """
        where = f"of object {self.object.object_id} ({self.object.short_label})"
        wrong = PhysicsInputError
        if self.mass_kg is not None:
            mass_kg = positive(f"mass_kg {where}", self.mass_kg, error=wrong)
            object.__setattr__(self, "mass_kg", mass_kg)
        if self.mass_log_std is not None:
            log_std = not_negative(f"mass_log_std {where}", self.mass_log_std, error=wrong)
            object.__setattr__(self, "mass_log_std", log_std)
        times = increasing_times(f"speed_times_s {where}", self.speed_times_s, error=wrong)
        object.__setattr__(self, "speed_times_s", times)
        for name, shape in (
            ("speed_m_s", (times.size,)),
            ("speed_std_m_s", (times.size,)),
            ("velocity_m_s", (times.size, 3)),
        ):
            value = getattr(self, name)
            if value is None and name != "speed_m_s":
                continue
            array = frozen_array(f"{name} {where}", value, np.float64, shape, error=wrong)
            if np.isinf(array).any():
                raise wrong(f"{name} {where} must be finite or NaN, got inf")
            if name != "velocity_m_s" and (array < 0).any():
                raise wrong(f"{name} {where} must be 0 or more, got {float(np.nanmin(array))}")
            object.__setattr__(self, name, array)

    @property
    def object_id(self) -> int:
        """Id of the object."""
        return self.object.object_id

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; NaN becomes null."""
        sightings = [one.to_json() for one in self.sightings]
        return {
            "object": self.object.to_json(),
            "mass_kg": self.mass_kg,
            "mass_log_std": self.mass_log_std,
            "speed_times_s": _json.plain_numbers(self.speed_times_s),
            "speed_m_s": _json.plain_numbers(self.speed_m_s),
            "speed_std_m_s": _json.plain_numbers(self.speed_std_m_s),
            "velocity_m_s": _json.plain_numbers(self.velocity_m_s),
            "sources": dict(self.sources),
            **({"sightings": sightings} if sightings else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ObjectPhysics:
        """Read what `to_json` wrote.

        Raises:
            FormatError: A field is missing or of the wrong type.
            PhysicsInputError: A value is impossible.
        """
        where = "an object's physics"
        data = _json.mapping(data, where)
        sources = _json.mapping(data.get("sources") or {}, "sources")
        sightings = _json.items(data.get("sightings") or [], "sightings")
        return cls(
            object=MovingObject.from_json(_json.required(data, "object", where)),
            mass_kg=_json.optional_number(_json.required(data, "mass_kg", where), "mass_kg"),
            mass_log_std=_json.optional_number(data.get("mass_log_std"), "mass_log_std"),
            speed_times_s=_json.series(
                _json.required(data, "speed_times_s", where), "speed_times_s"
            ),
            speed_m_s=_json.series(_json.required(data, "speed_m_s", where), "speed_m_s"),
            speed_std_m_s=_json.optional_series(data.get("speed_std_m_s"), "speed_std_m_s"),
            velocity_m_s=_json.optional_series(data.get("velocity_m_s"), "velocity_m_s", columns=3),
            sources={key: _json.text(value, f"sources.{key}") for key, value in sources.items()},
            sightings=tuple(Sighting.from_json(one) for one in sightings),
        )
