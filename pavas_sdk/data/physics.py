"""The physics of a clip: small, readable, editable JSON.

``PhysicsEstimate`` is what estimators produce, people edit, and the pipeline is conditioned on.
Format: ``pavas.physics``, version 1; NaN inside series is null in JSON.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pavas_sdk.data._validation import frozen_array, increasing_times, positive
from pavas_sdk.data.impacts import Impact, find_impacts
from pavas_sdk.data.objects import MovingObject
from pavas_sdk.errors import FormatError, InputError, PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["ComponentRef", "MassEstimate", "ObjectPhysics", "PhysicsEstimate"]

FORMAT = "pavas.physics"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRef:
    """Which component made something: enough to find it again.

    Attributes:
        kind: Slot or kind ("mass_estimator").
        name: Registered name, or the class name of an object that was passed in.
        distribution: Distribution that registers it, or "" for an object that was passed in.
        version: Version of that distribution, or "".
        config: JSON-able settings.
        licence: SPDX expression or a short text, "" when unknown.
    """

    kind: str
    name: str
    distribution: str = ""
    version: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    @property
    def qualified_name(self) -> str:
        """``distribution/name``, or the bare name of an unregistered object."""
        return f"{self.distribution}/{self.name}" if self.distribution else self.name

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "config": dict(self.config),
            "licence": self.licence,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ComponentRef:
        """Read what `to_json` wrote.

        Raises:
            FormatError: A field is missing or of the wrong type.
        """
        try:
            return cls(
                kind=str(data["kind"]),
                name=str(data["name"]),
                distribution=str(data.get("distribution", "")),
                version=str(data.get("version", "")),
                config=dict(data.get("config", {})),
                licence=str(data.get("licence", "")),
            )
        except (KeyError, TypeError, ValueError) as err:
            raise FormatError(f"not a component reference: {err!r}") from err


@dataclass(frozen=True, slots=True, kw_only=True)
class MassEstimate:
    """The mass of one object.

    Attributes:
        object_id: Which object.
        mass_kg: Kilograms, above 0.
        log_std: Standard deviation of ln(mass), or None when not estimated.
        source: Rung or method that gave it ("label", "size-prior", "user", "vlm").
        rationale: Why, in words, or None.
    """

    object_id: int
    mass_kg: float
    log_std: float | None = None
    source: str = ""
    rationale: str | None = None

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: The mass is not finite and positive, or log_std is negative.
        """
        positive(f"mass_kg of object {self.object_id}", self.mass_kg, error=PhysicsInputError)
        if self.log_std is not None and not (math.isfinite(self.log_std) and self.log_std >= 0):
            raise PhysicsInputError(f"log_std must be finite and 0 or more, got {self.log_std}")


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
    """

    object: MovingObject
    mass_kg: float | None
    speed_times_s: NDArray[np.float64]
    speed_m_s: NDArray[np.float64]
    mass_log_std: float | None = None
    speed_std_m_s: NDArray[np.float64] | None = None
    velocity_m_s: NDArray[np.float64] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: Mass not positive, speeds negative, infinite or of another length.
        """
        where = f"of object {self.object.object_id} ({self.object.label})"
        if self.mass_kg is not None:
            positive(f"mass_kg {where}", self.mass_kg, error=PhysicsInputError)
            object.__setattr__(self, "mass_kg", float(self.mass_kg))
        try:
            times = increasing_times(f"speed_times_s {where}", self.speed_times_s)
        except InputError as err:
            raise PhysicsInputError(str(err)) from err
        object.__setattr__(self, "speed_times_s", times)
        for name, shape in (
            ("speed_m_s", (times.size,)),
            ("speed_std_m_s", (times.size,)),
            ("velocity_m_s", (times.size, 3)),
        ):
            value = getattr(self, name)
            if value is None and name != "speed_m_s":
                continue
            array = frozen_array(
                f"{name} {where}", value, np.float64, shape, error=PhysicsInputError
            )
            if np.isinf(array).any():
                raise PhysicsInputError(f"{name} {where} must be finite or NaN, got inf")
            object.__setattr__(self, name, array)
        if (self.speed_m_s < 0).any():
            raise PhysicsInputError(
                f"speed_m_s {where} must be 0 or more, got {float(np.nanmin(self.speed_m_s))}"
            )

    @property
    def object_id(self) -> int:
        """Id of the object."""
        return self.object.object_id

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; NaN becomes null."""
        return {
            "object": self.object.to_json(),
            "mass_kg": self.mass_kg,
            "mass_log_std": self.mass_log_std,
            "speed_times_s": _json_numbers(self.speed_times_s),
            "speed_m_s": _json_numbers(self.speed_m_s),
            "speed_std_m_s": _json_numbers(self.speed_std_m_s),
            "velocity_m_s": _json_numbers(self.velocity_m_s),
            "sources": dict(self.sources),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ObjectPhysics:
        """Read what `to_json` wrote.

        Raises:
            FormatError: A field is missing or of the wrong type.
            PhysicsInputError: A value is impossible.
        """
        try:
            return cls(
                object=MovingObject.from_json(data["object"]),
                mass_kg=None if data["mass_kg"] is None else float(data["mass_kg"]),
                mass_log_std=data.get("mass_log_std"),
                speed_times_s=_numbers(data["speed_times_s"]),
                speed_m_s=_numbers(data["speed_m_s"]),
                speed_std_m_s=_optional_numbers(data.get("speed_std_m_s")),
                velocity_m_s=_optional_numbers(data.get("velocity_m_s")),
                sources={str(k): str(v) for k, v in dict(data.get("sources") or {}).items()},
            )
        except (KeyError, TypeError) as err:
            raise FormatError(f"not an object's physics: {err!r}") from err


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhysicsEstimate:
    """The physics of one clip.

    Attributes:
        objects: One entry per moving object; empty is a valid answer.
        duration_s: Length of the clip in seconds.
        provenance: Which component filled which slot.
        time_scale: Slow-motion factor that the speeds account for.
        edits: What was changed by hand since, in words.
        notes: What an estimator wants to be known (a failed slot, a doubtful scale).
        schema_version: Version of the JSON form.
    """

    objects: tuple[ObjectPhysics, ...]
    duration_s: float
    provenance: Mapping[str, ComponentRef] = field(default_factory=dict)
    time_scale: float = 1.0
    edits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    schema_version: int = FORMAT_VERSION

    format: ClassVar[str] = FORMAT

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: Ids repeat, or the duration is not positive.
        """
        object.__setattr__(self, "objects", tuple(self.objects))
        positive("duration_s", self.duration_s, error=PhysicsInputError)
        positive("time_scale", self.time_scale, error=PhysicsInputError)
        ids = [entry.object_id for entry in self.objects]
        if len(set(ids)) != len(ids):
            raise PhysicsInputError(f"object ids must be unique, got {ids}")

    def __iter__(self) -> Iterator[ObjectPhysics]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self.objects)

    def __str__(self) -> str:
        if not self.objects:
            return "no moving object"
        lines = []
        for entry in self.objects:
            mass = "mass unknown" if entry.mass_kg is None else f"{entry.mass_kg:.3g} kg"
            speeds = entry.speed_m_s[np.isfinite(entry.speed_m_s)]
            speed = f"up to {speeds.max():.2f} m/s" if speeds.size else "speed unknown"
            rungs = ", ".join(f"{k}: {v}" for k, v in sorted(entry.sources.items()))
            hits = sum(1 for hit in self.impacts() if hit.object_id == entry.object_id)
            lines.append(
                f"{entry.object_id}  {entry.object.label}"
                + (f" ({entry.object.action})" if entry.object.action else "")
                + f": {mass}, {speed}, {hits} impact{'' if hits == 1 else 's'}"
                + (f"  [{rungs}]" if rungs else "")
            )
        return "\n".join(lines)

    def __getitem__(self, object_id: int) -> ObjectPhysics:
        """Return the entry of an object.

        Raises:
            PhysicsInputError: No object has this id.
        """
        for entry in self.objects:
            if entry.object_id == object_id:
                return entry
        ids = [entry.object_id for entry in self.objects]
        raise PhysicsInputError(f"no object {object_id} in this estimate; it has {ids or 'none'}")

    def impacts(self) -> list[Impact]:
        """Return the abrupt speed changes of all objects, in order of time."""
        found: list[Impact] = []
        for entry in self.objects:
            found += find_impacts(
                entry.object_id,
                entry.speed_times_s,
                entry.speed_m_s,
                velocity_m_s=entry.velocity_m_s,
                mass_kg=entry.mass_kg,
                time_scale=self.time_scale,
            )
        return sorted(found, key=lambda impact: impact.time_s)

    def with_mass(self, object_id: int, mass_kg: float) -> PhysicsEstimate:
        """Return a copy in which the object weighs ``mass_kg``.

        Raises:
            PhysicsInputError: Unknown id, or a mass that is not finite and positive.
        """
        entry = self[object_id]
        changed = replace(
            entry, mass_kg=mass_kg, mass_log_std=0.0, sources={**entry.sources, "mass": "user"}
        )
        return self._with(changed, f"mass of object {object_id} set to {mass_kg:g} kg")

    def scale_speed(self, object_id: int, factor: float) -> PhysicsEstimate:
        """Return a copy in which the object moves ``factor`` times as fast.

        Raises:
            PhysicsInputError: Unknown id, or a factor that is not finite and positive.
        """
        positive("factor", factor, error=PhysicsInputError)
        entry = self[object_id]
        std, velocity = entry.speed_std_m_s, entry.velocity_m_s
        changed = replace(
            entry,
            speed_m_s=entry.speed_m_s * factor,
            speed_std_m_s=None if std is None else std * factor,
            velocity_m_s=None if velocity is None else velocity * factor,
            sources={**entry.sources, "speed": "user"},
        )
        return self._with(changed, f"speed of object {object_id} times {factor:g}")

    def with_speed(
        self, object_id: int, speed_times_s: ArrayLike, speed_m_s: ArrayLike
    ) -> PhysicsEstimate:
        """Return a copy with another speed series for the object.

        Raises:
            PhysicsInputError: Unknown id, lengths that differ, negative or infinite speeds.
        """
        entry = self[object_id]
        changed = replace(
            entry,
            speed_times_s=np.asarray(speed_times_s, dtype=np.float64),
            speed_m_s=np.asarray(speed_m_s, dtype=np.float64),
            speed_std_m_s=None,
            velocity_m_s=None,
            sources={**entry.sources, "speed": "user"},
        )
        return self._with(changed, f"speed of object {object_id} replaced")

    def without(self, object_id: int) -> PhysicsEstimate:
        """Return a copy without the object.

        Raises:
            PhysicsInputError: Unknown id.
        """
        gone = self[object_id]
        return replace(
            self,
            objects=tuple(entry for entry in self.objects if entry is not gone),
            edits=(*self.edits, f"object {object_id} removed"),
        )

    def _with(self, changed: ObjectPhysics, edit: str) -> PhysicsEstimate:
        return replace(
            self,
            objects=tuple(
                changed if entry.object_id == changed.object_id else entry for entry in self.objects
            ),
            edits=(*self.edits, edit),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values (format ``pavas.physics``)."""
        return {
            "format": FORMAT,
            "format_version": self.schema_version,
            "duration_s": self.duration_s,
            "time_scale": self.time_scale,
            "objects": [entry.to_json() for entry in self.objects],
            "provenance": {slot: ref.to_json() for slot, ref in self.provenance.items()},
            "edits": list(self.edits),
            "notes": list(self.notes),
        }

    def dumps(self) -> str:
        """Return JSON text: one series per line, so that a diff shows what changed."""
        text = json.dumps(self.to_json(), indent=1, allow_nan=False, ensure_ascii=False)
        return _one_line_series(text) + "\n"

    def save(self, path: str | Path) -> None:
        """Write JSON to ``path`` (a temporary name, then renamed).

        Raises:
            OutputError: The file cannot be written.
        """
        from pavas_sdk.data._files import write_text

        write_text(Path(path), self.dumps())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PhysicsEstimate:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another format, a newer version, a missing field.
            PhysicsInputError: A value is impossible.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            got = data.get("format") if isinstance(data, dict) else type(data).__name__
            raise FormatError(
                f'this is not a physics document: "format" is {got!r}, expected "{FORMAT}". '
                "Make one with: pavas estimate VIDEO -o VIDEO.physics.json"
            )
        version = data.get("format_version")
        if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
            raise FormatError(
                f"physics document has format_version {version!r}; this pavas_sdk reads up to "
                f"{FORMAT_VERSION}. For a newer document: pip install -U pavas-sdk"
            )
        try:
            return cls(
                objects=tuple(ObjectPhysics.from_json(entry) for entry in data["objects"]),
                duration_s=float(data["duration_s"]),
                time_scale=float(data.get("time_scale", 1.0)),
                provenance={
                    str(slot): ComponentRef.from_json(ref)
                    for slot, ref in dict(data.get("provenance", {})).items()
                },
                edits=tuple(str(edit) for edit in data.get("edits", ())),
                notes=tuple(str(note) for note in data.get("notes", ())),
                schema_version=version,
            )
        except (KeyError, TypeError) as err:
            raise FormatError(f"malformed physics document: {err!r}") from err

    @classmethod
    def loads(cls, text: str) -> PhysicsEstimate:
        """Read JSON text.

        Raises:
            FormatError: Not JSON, or not this format.
            PhysicsInputError: A value is impossible.
        """
        try:
            data = json.loads(text, parse_constant=_refuse_constant)
        except (json.JSONDecodeError, RecursionError) as err:
            raise FormatError(f"not JSON: {err}") from err
        return cls.from_json(data)

    @classmethod
    def load(cls, path: str | Path) -> PhysicsEstimate:
        """Read a JSON file.

        Raises:
            FormatError: Not readable as text, not JSON, or not this format.
            PhysicsInputError: A value is impossible.
        """
        try:
            return cls.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as err:
            raise FormatError(f"cannot read physics from {path}: {err}") from err
        except (FormatError, PhysicsInputError) as err:
            raise type(err)(f"{path}: {err}") from err


def _refuse_constant(name: str) -> float:
    raise FormatError(f"{name} is not allowed in a physics document; missing values are null")


def _json_numbers(array: NDArray[np.float64] | None) -> Any:
    if array is None:
        return None
    if array.ndim == 1:
        return [None if math.isnan(x) else float(x) for x in array]
    return [_json_numbers(row) for row in array]


def _numbers(values: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(
            [
                [np.nan if x is None else x for x in v]
                if isinstance(v, list)
                else (np.nan if v is None else v)
                for v in values
            ],
            dtype=np.float64,
        )
    except (TypeError, ValueError) as err:
        raise FormatError(f"not a series of numbers: {err}") from err


def _optional_numbers(values: Any) -> NDArray[np.float64] | None:
    if values is None:
        return None
    array = _numbers(values)
    return array.reshape(0, 3) if array.size == 0 else array


def _one_line_series(text: str) -> str:
    """Join lines of number lists: innermost brackets that hold only numbers and nulls."""
    import re

    number_list = re.compile(r"\[\s+((?:[-+0-9.eE]+|null)(?:,\s+(?:[-+0-9.eE]+|null))*)\s+\]")
    return number_list.sub(lambda m: "[" + re.sub(r",\s+", ", ", m.group(1)) + "]", text)
