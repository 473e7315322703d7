"""Labels, masses and speeds given by hand, from a file or a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.documents import read_json
from pavas_sdk.data.everyday_things import find_everyday_thing
from pavas_sdk.errors import FormatError, PhysicsInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import PhysicsEstimate

__all__ = ["MOST_MASS_KG", "Overrides", "SpeedOverride", "load_overrides", "resolve_object"]

MOST_MASS_KG = 1e12
"""A mountain. What is said to be heavier is a slip, and its energies leave the range of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeedOverride:
    """A speed given by hand: a factor on the estimate, or a series in its place.

    Attributes:
        factor: Multiplies the estimated speed.
        times_s: (S,), increasing seconds, or None.
        speed_m_s: (S,), m/s, NaN where missing, or None.
    """

    factor: float = 1.0
    times_s: NDArray[np.float64] | None = None
    speed_m_s: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overrides:
    """Labels, masses and speeds by object id or label.

    Attributes:
        labels: What an object is called, by object id or by the label that it has. A thing whose
            mass everybody knows (`pavas_sdk.data.everyday_things`) gets that mass.
        masses_kg: Kilograms by object id or label.
        speeds: Speeds by object id or label.
    """

    labels: Mapping[int | str, str] = field(default_factory=dict)
    masses_kg: Mapping[int | str, float] = field(default_factory=dict)
    speeds: Mapping[int | str, SpeedOverride] = field(default_factory=dict)

    def apply(self, physics: PhysicsEstimate) -> PhysicsEstimate:
        """Return the estimate with these values in place; labels first, so that masses find them.

        Raises:
            PhysicsInputError: An id or label that no object has, or an impossible value.
        """
        named = [(resolve_object(physics, key), label) for key, label in self.labels.items()]
        for object_ids, label in named:
            for object_id in object_ids:
                physics = _with_label(physics, object_id, label)
        for key, mass_kg in self.masses_kg.items():
            for object_id in resolve_object(physics, key):
                physics = physics.with_mass(object_id, mass_kg)
        for key, speed in self.speeds.items():
            for object_id in resolve_object(physics, key):
                physics = _with_speed(physics, object_id, speed)
        return physics


def load_overrides(source: str | Path | Mapping[str, Any]) -> Overrides:
    """Read labels, masses and speeds from a JSON file or a dictionary.

    ``{"labels": {"0": "hammer"}, "masses_kg": {"0": 5.0, "hammer": 0.6}, "speeds": {"0": {"times_s": [...], "speed_m_s":
    [...]}, "ball": {"factor": 2.0}}}``: keys are object ids or labels, all parts are optional.

    Raises:
        FormatError: Not readable, not JSON, or an unknown field.
        PhysicsInputError: A mass or factor that is not finite and positive.
    """
    where = "overrides"
    data: Any = source
    if isinstance(source, (str, Path)):
        where = str(source)
        data = read_json(source)
    if not isinstance(data, Mapping):
        raise FormatError(f"{where}: expected an object, got {type(data).__name__}")
    unknown = sorted(set(data) - {"labels", "masses_kg", "speeds"})
    if unknown:
        raise FormatError(
            f'{where}: unknown field {", ".join(map(str, unknown))}; expected "labels", '
            '"masses_kg" and "speeds" (a whole physics document is given with physics=, not as overrides)'
        )
    return Overrides(
        labels={
            _key(key): _label(f"{where}: label of {key}", value)
            for key, value in _items(where, data, "labels")
        },
        masses_kg={
            _key(key): _positive(f"{where}: mass of {key}", value)
            for key, value in _items(where, data, "masses_kg")
        },
        speeds={
            _key(key): _speed(f"{where}: speed of {key}", value)
            for key, value in _items(where, data, "speeds")
        },
    )


def resolve_object(physics: PhysicsEstimate, key: int | str) -> list[int]:
    """Return the ids that a key names: the id itself, or every object with that label.

    Raises:
        PhysicsInputError: No object fits.
    """
    key = _key(key)
    if isinstance(key, int):
        return [physics[key].object_id]
    wanted = key.strip().lower()
    ids = [o.object_id for o in physics.objects if o.object.label.strip().lower() == wanted]
    if not ids:
        have = ", ".join(f"{o.object_id} ({o.object.short_label})" for o in physics.objects)
        raise PhysicsInputError(
            f"no object is called {key!r}; this clip has {have or 'no moving object'}"
        )
    return ids


def _with_label(physics: PhysicsEstimate, object_id: int, label: str) -> PhysicsEstimate:
    physics = physics.with_label(object_id, label)
    thing = find_everyday_thing(label)
    return physics if thing is None else physics.with_mass(object_id, thing.mass_kg)


def _label(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise FormatError(f"{what} must be a word or more, got {value!r:.80}")
    return value.strip()


def _with_speed(physics: PhysicsEstimate, object_id: int, speed: SpeedOverride) -> PhysicsEstimate:
    if speed.times_s is not None and speed.speed_m_s is not None:
        first_s, last_s = float(speed.times_s[0]), float(speed.times_s[-1])
        if last_s < 0.0 or first_s > physics.duration_s:
            raise PhysicsInputError(
                f"overrides: the speeds of {object_id} run from {first_s:g} to {last_s:g} s; the clip "
                f"lasts {physics.duration_s:g} s: give times_s on its clock"
            )
        physics = physics.with_speed(object_id, speed.times_s, speed.speed_m_s)
    if speed.factor != 1.0:
        physics = physics.scale_speed(object_id, speed.factor)
    return physics


def _key(key: int | str) -> int | str:
    if isinstance(key, int):
        return key
    digits = key.strip()
    # isdecimal: a superscript is a digit, but no number; of ids nobody writes more than these
    return int(digits) if digits.isdecimal() and len(digits) < 10 else key


def _items(where: str, data: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    part = data.get(name, {})
    if not isinstance(part, Mapping):
        raise FormatError(f'{where}: "{name}" must be an object, got {type(part).__name__}')
    return list(part.items())


def _positive(what: str, value: Any) -> float:
    try:
        number = float(value)
    except OverflowError as err:
        raise PhysicsInputError(f"{what} is too large") from err
    except (TypeError, ValueError) as err:
        raise PhysicsInputError(f"{what} must be a number, got {value!r:.80}") from err
    if not (np.isfinite(number) and number > 0):
        raise PhysicsInputError(f"{what} must be finite and above 0, got {value!r:.80}")
    if number > MOST_MASS_KG:
        raise PhysicsInputError(f"{what} is {number:g}; expected at most {MOST_MASS_KG:g}")
    return number


def _speed(what: str, value: Any) -> SpeedOverride:
    if not isinstance(value, Mapping):
        raise FormatError(
            f'{what} must be {{"factor": 2.0}} or {{"times_s": [...], "speed_m_s": [...]}}, '
            f"got {value!r:.80}"
        )
    unknown = sorted(set(value) - {"factor", "times_s", "speed_m_s"})
    if unknown or (("times_s" in value) != ("speed_m_s" in value)):
        raise FormatError(
            f"{what}: expected factor, or times_s together with speed_m_s, "
            f"got {', '.join(sorted(map(str, value)))}"
        )
    factor = _positive(f"{what}: factor", value.get("factor", 1.0))
    if "times_s" not in value:
        return SpeedOverride(factor=factor)
    try:
        times = np.asarray(value["times_s"], dtype=np.float64)
        speeds = np.asarray(
            [np.nan if x is None else x for x in value["speed_m_s"]], dtype=np.float64
        )
    except (TypeError, ValueError, OverflowError) as err:
        raise FormatError(f"{what}: not a series of numbers: {err}") from err
    if times.ndim != 1 or times.shape != speeds.shape:
        raise PhysicsInputError(
            f"{what}: times_s has shape {times.shape}, speed_m_s {speeds.shape}; expected the same"
        )
    return SpeedOverride(factor=factor, times_s=times, speed_m_s=speeds)
