"""The physics of a clip: small, readable, editable JSON.

``PhysicsEstimate`` is what estimators produce, people edit, and the pipeline is conditioned on.
Format: ``pavas.physics``, version 2; NaN inside series is null in JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pavas_sdk.data import (
    _json,
    estimate_impacts,
    estimate_objects,
    estimate_plot,
    estimate_table,
    physics_document,
    physics_summary,
)
from pavas_sdk.data._validation import positive
from pavas_sdk.data.documents import parse_json, read_json
from pavas_sdk.data.files import write_text
from pavas_sdk.data.hand_edits import BY_HAND, DIGEST, content_sha256
from pavas_sdk.errors import FormatError, PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike
    from pandas import DataFrame

    from pavas_sdk.data.component_ref import ComponentRef
    from pavas_sdk.data.impact import Impact
    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["PhysicsEstimate"]

_SAMPLES, _SAMPLES_PER_S = 1000, 2000.0


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
        known_impacts: The impacts, in order of time, where they are others than those that are
            found in the speeds; else None.
        schema_version: Version of the JSON form it was read from; the newest is written.
    """

    objects: tuple[ObjectPhysics, ...]
    duration_s: float
    provenance: Mapping[str, ComponentRef] = field(default_factory=dict)
    time_scale: float = 1.0
    edits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    known_impacts: tuple[Impact, ...] | None = None
    schema_version: int = physics_document.FORMAT_VERSION
    _impacts: tuple[Impact, ...] | None = field(init=False, repr=False)

    format: ClassVar[str] = physics_document.FORMAT

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: Ids repeat, the duration is not positive, an object has more speeds
                than frames could give, or an impact lies outside the clip or is one of no object.
        """
        object.__setattr__(self, "objects", tuple(self.objects))
        for name in ("duration_s", "time_scale"):
            value = positive(name, getattr(self, name), error=PhysicsInputError)
            object.__setattr__(self, name, value)
        ids = [entry.object_id for entry in self.objects]
        if len(set(ids)) != len(ids):
            raise PhysicsInputError(f"object ids must be unique, got {ids}")
        for entry in self.objects:
            self._check_samples(entry)
        known = self.known_impacts
        if known is not None:
            known = estimate_impacts.checked(known, self.objects, self.duration_s)
            found = self._found(self.objects)
            known = None if estimate_impacts.same(known, found) else known
        object.__setattr__(self, "known_impacts", known)
        object.__setattr__(self, "_impacts", known)

    def _check_samples(self, entry: ObjectPhysics) -> None:
        """Refuse more samples than frames could give: finding impacts in them would take minutes."""
        times = entry.speed_times_s
        span_s = min(float(times[-1] - times[0]), self.duration_s) if times.size else 0.0
        most = _SAMPLES + _SAMPLES_PER_S * span_s
        if times.size > most:
            raise PhysicsInputError(
                f"object {entry.object_id} ({entry.object.short_label}) has {times.size} speeds within "
                f"{span_s:g} s of the clip; at most {_SAMPLES_PER_S:g} a second make sense: leave some out"
            )

    def __iter__(self) -> Iterator[ObjectPhysics]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self.objects)

    def __repr__(self) -> str:
        return physics_summary.short(self.objects, self.impacts(), self.duration_s)

    def __str__(self) -> str:
        return physics_summary.summary(self.objects, self.impacts())

    def __getitem__(self, object_id: int | str) -> ObjectPhysics:
        """Return the entry of an object, by its id or by a label that only it has.

        Raises:
            PhysicsInputError: No object has this id or label, or several have the label.
        """
        return estimate_objects.find(self.objects, object_id)

    def impacts(self) -> list[Impact]:
        """Return the impacts of all objects, in order of time.

        They are the abrupt changes of the objects' velocities, unless a document or an edit says
        otherwise. Their energies follow the masses.
        """
        if self._impacts is None:  # found when first asked for: it takes milliseconds per object
            object.__setattr__(self, "_impacts", self._found(self.objects))
        assert self._impacts is not None
        return list(self._impacts)

    def with_mass(self, object_id: int | str, mass_kg: float) -> PhysicsEstimate:
        """Return a copy in which the object weighs ``mass_kg``; energies of its impacts follow.

        The object is named by its id, or by a label that only it has, here and below.

        Raises:
            PhysicsInputError: Unknown id, or a mass that is not finite and positive.
        """
        entry = self[object_id]
        object_id = entry.object_id
        changed = replace(
            entry, mass_kg=mass_kg, mass_log_std=0.0, sources={**entry.sources, "mass": "user"}
        )
        impacts = self.known_impacts
        if impacts is not None and entry.mass_kg is not None:
            impacts = self._scaled(object_id, mass=mass_kg / entry.mass_kg)
        return self._with(changed, f"mass of object {object_id} set to {mass_kg:g} kg", impacts)

    def with_label(self, object_id: int | str, label: str) -> PhysicsEstimate:
        """Return a copy in which the object is called ``label``; its mass and speed stay.

        Raises:
            PhysicsInputError: Unknown id, or an empty label.
        """
        entry = self[object_id]
        if not label.strip():
            raise PhysicsInputError(f"object {entry.object_id} needs a label, got {label!r}")
        changed = replace(entry, object=replace(entry.object, label=label.strip()))
        edit = f"object {entry.object_id} called {label.strip()}"
        return self._with(changed, edit, self.known_impacts)

    def scale_speed(self, object_id: int | str, factor: float) -> PhysicsEstimate:
        """Return a copy in which the object moves ``factor`` times as fast, also at its impacts.

        Raises:
            PhysicsInputError: Unknown id, or a factor that is not finite and positive.
        """
        positive("factor", factor, error=PhysicsInputError)
        entry = self[object_id]
        object_id = entry.object_id
        std, velocity = entry.speed_std_m_s, entry.velocity_m_s
        changed = replace(
            entry,
            speed_m_s=entry.speed_m_s * factor,
            speed_std_m_s=None if std is None else std * factor,
            velocity_m_s=None if velocity is None else velocity * factor,
            sources={**entry.sources, "speed": "user"},
        )
        return self._with(
            changed,
            f"speed of object {object_id} times {factor:g}",
            self._scaled(object_id, speed=factor),
        )

    def with_speed(
        self, object_id: int | str, speed_times_s: ArrayLike, speed_m_s: ArrayLike
    ) -> PhysicsEstimate:
        """Return a copy with another speed series for the object.

        Its impacts are found anew; those that were added or moved by hand stay.

        Raises:
            PhysicsInputError: Unknown id, lengths that differ, negative or infinite speeds.
        """
        entry = self[object_id]
        object_id = entry.object_id
        changed = replace(
            entry,
            speed_times_s=np.asarray(speed_times_s, dtype=np.float64),
            speed_m_s=np.asarray(speed_m_s, dtype=np.float64),
            speed_std_m_s=None,
            velocity_m_s=None,
            sources={**entry.sources, "speed": "user"},
        )
        impacts = self.known_impacts
        if impacts is not None:
            old = (object_id, "estimated")
            kept = [hit for hit in impacts if (hit.object_id, hit.source) != old]
            impacts = (*kept, *self._found((changed,)))
        return self._with(changed, f"speed of object {object_id} replaced", impacts)

    def without(self, object_id: int | str) -> PhysicsEstimate:
        """Return a copy without the object and its impacts.

        Raises:
            PhysicsInputError: Unknown id.
        """
        gone, impacts = self[object_id], self.known_impacts
        object_id = gone.object_id
        if impacts is not None:
            impacts = tuple(hit for hit in impacts if hit.object_id != object_id)
        return replace(
            self,
            objects=tuple(entry for entry in self.objects if entry is not gone),
            known_impacts=impacts,
            edits=(*self.edits, f"object {object_id} removed"),
        )

    def with_impact(
        self,
        object_id: int | str,
        time_s: float,
        *,
        energy_change_j: float | None = None,
        speed_before_m_s: float | None = None,
        speed_after_m_s: float | None = None,
    ) -> PhysicsEstimate:
        """Return a copy with one more impact of the object.

        Args:
            object_id: Which object: its id, or a label that only it has.
            time_s: When, on the video's clock, within the clip.
            energy_change_j: How much kinetic energy it changes, in joules; or give speeds:
            speed_before_m_s: Speed just before, m/s; the object needs a mass.
            speed_after_m_s: Speed just after; 0 by default.

        Raises:
            PhysicsInputError: Unknown id, a time outside the clip, no or two ways to say the
                energy, or a value that is impossible.
        """
        added = estimate_impacts.stated(
            self[object_id],
            time_s,
            energy_change_j=energy_change_j,
            speed_before_m_s=speed_before_m_s,
            speed_after_m_s=speed_after_m_s,
        )
        edit = f"impact of object {added.object_id} at {added.time_s:g} s added"
        return self._with_impacts((*self.impacts(), added), edit)

    def move_impact(self, object_id: int | str, time_s: float, to_time_s: float) -> PhysicsEstimate:
        """Return a copy in which the object's impact at ``time_s`` happens at ``to_time_s``.

        Args:
            object_id: Which object: its id, or a label that only it has.
            time_s: Of the impact that is meant, to 50 ms; the nearest is taken.
            to_time_s: Its new time, within the clip.

        Raises:
            PhysicsInputError: Unknown id, no impact there, or a time outside the clip.
        """
        object_id = self[object_id].object_id
        old, impacts = estimate_impacts.moved(self.impacts(), object_id, time_s, to_time_s)
        edit = f"impact of object {object_id} moved from {old.time_s:g} s to {to_time_s:g} s"
        return self._with_impacts(impacts, edit)

    def without_impact(self, object_id: int | str, time_s: float) -> PhysicsEstimate:
        """Return a copy without the object's impact at ``time_s`` (to 50 ms; the nearest).

        Raises:
            PhysicsInputError: Unknown id, or no impact there.
        """
        object_id = self[object_id].object_id
        gone, impacts = estimate_impacts.removed(self.impacts(), object_id, time_s)
        edit = f"impact of object {object_id} at {gone.time_s:g} s removed"
        return self._with_impacts(impacts, edit)

    def plot(self) -> Figure:
        """Return a matplotlib figure: each object's speed over time, impacts as dashed lines.

        Raises:
            ConfigurationError: matplotlib is not installed (``pavas-sdk[plot]``).
        """
        figure, (axes,) = estimate_plot.new_figure(3.5)
        estimate_plot.plot_speeds(axes, self.objects, self.impacts(), self.duration_s)
        return figure

    def to_dataframe(self, table: estimate_table.Table = "objects") -> DataFrame:
        """Return a pandas table.

        Args:
            table: "objects" (a row per object), "speeds" (a row per object and time) or "impacts".

        Raises:
            ConfigurationError: pandas is not installed, or there is no such table.
        """
        return estimate_table.dataframe(table, self.objects, self.impacts())

    def _repr_html_(self) -> str:
        return estimate_table.table_html(self.objects, self.impacts())

    def _with(
        self, changed: ObjectPhysics, edit: str, impacts: tuple[Impact, ...] | None
    ) -> PhysicsEstimate:
        return replace(
            self,
            objects=tuple(
                changed if entry.object_id == changed.object_id else entry for entry in self.objects
            ),
            known_impacts=impacts,
            edits=(*self.edits, edit),
        )

    def _with_impacts(self, impacts: tuple[Impact, ...], edit: str) -> PhysicsEstimate:
        return replace(self, known_impacts=impacts, edits=(*self.edits, edit))

    def _scaled(
        self, object_id: int, *, mass: float = 1.0, speed: float = 1.0
    ) -> tuple[Impact, ...]:
        return tuple(
            hit.scaled(mass=mass, speed=speed) if hit.object_id == object_id else hit
            for hit in self.impacts()
        )

    def _found(self, objects: tuple[ObjectPhysics, ...]) -> tuple[Impact, ...]:
        return estimate_impacts.found(
            objects, duration_s=self.duration_s, time_scale=self.time_scale
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values (format ``pavas.physics``)."""
        return physics_document.write(
            objects=self.objects,
            impacts=self.impacts(),
            duration_s=self.duration_s,
            time_scale=self.time_scale,
            provenance=self.provenance,
            edits=self.edits,
            notes=self.notes,
        )

    def dumps(self) -> str:
        """Return JSON text: one series per line, so that a diff shows what changed.

        It ends with a digest of what it says, by which edits by hand are recognised.
        """
        content = self.to_json()
        return _json.dumps({**content, DIGEST: content_sha256(content)})

    def save(self, path: str | Path) -> None:
        """Write JSON to ``path`` (a temporary name, then renamed).

        Raises:
            OutputError: The file cannot be written.
        """
        write_text(path, self.dumps(), overwrite=True)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PhysicsEstimate:
        """Read what `to_json` or `dumps` wrote; ``edits`` says whether it was edited by hand since.

        Raises:
            FormatError: Another format, a newer version, a missing field.
            PhysicsInputError: A value is impossible.
        """
        estimate = cls(**physics_document.read(data))
        written = data.get(DIGEST)
        if written in (None, content_sha256(estimate.to_json())):
            return estimate
        return replace(estimate, edits=(*estimate.edits, BY_HAND))

    @classmethod
    def loads(cls, text: str) -> PhysicsEstimate:
        """Read JSON text.

        Raises:
            FormatError: Not JSON, or not this format.
            PhysicsInputError: A value is impossible.
        """
        return cls.from_json(parse_json(text))

    @classmethod
    def load(cls, path: str | Path) -> PhysicsEstimate:
        """Read a JSON file.

        Raises:
            FormatError: Not readable as text, not JSON, or not this format.
            PhysicsInputError: A value is impossible.
        """
        document = read_json(path)
        try:
            return cls.from_json(document)
        except (FormatError, PhysicsInputError) as err:
            raise type(err)(f"{path}: {err}") from err
