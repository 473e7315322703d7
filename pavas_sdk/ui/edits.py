"""What the editor's page tells, applied to an estimate, with undo."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import _json
from pavas_sdk.errors import InputError, PhysicsInputError
from pavas_sdk.report.overlay import names_of
from pavas_sdk.report.quantities import mass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pavas_sdk.data import PhysicsEstimate

__all__ = ["EditedPhysics", "added_impact"]

_MOST_UNDONE = 200
_BEFORE_S = 0.15  # an impact that is added is as strong as the motion just before it


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedPhysics:
    """An estimate as it was seen, as it is now, and how it came there.

    Attributes:
        seen: Before any edit.
        now: After all edits.
        speed_factors: How many times as fast as seen, by object id; 1 where absent.
        before: The states to go back to, oldest first.
    """

    seen: PhysicsEstimate
    now: PhysicsEstimate
    speed_factors: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    before: tuple[EditedPhysics, ...] = ()

    @classmethod
    def of(cls, seen: PhysicsEstimate) -> EditedPhysics:
        """Return an estimate without edits."""
        return cls(seen=seen, now=seen)

    @property
    def label(self) -> str:
        """What differs from what was seen: "ball 5 kg, 1 impact changed"; "as seen" for nothing."""
        names, now = names_of(self.seen), {entry.object_id: entry for entry in self.now}
        parts = []
        for old in self.seen:
            name, entry = names[old.object_id], now.get(old.object_id)
            if entry is None:
                parts.append(f"without {name}")
                continue
            if entry.mass_kg is not None and entry.mass_kg != old.mass_kg:
                parts.append(f"{name} {mass(entry.mass_kg)}")
            factor = self.speed_factors.get(old.object_id, 1.0)
            if factor != 1.0:
                parts.append(f"{name} ×{factor:.3g}")
        before, after = (
            {(hit.object_id, hit.time_s) for hit in physics.impacts() if hit.object_id in now}
            for physics in (self.seen, self.now)
        )
        changed = max(len(before - after), len(after - before))
        if changed:
            parts.append(f"{changed} impact{'' if changed == 1 else 's'} changed")
        return ", ".join(parts) or "as seen"

    def edited(self, edit: Mapping[str, Any]) -> EditedPhysics:
        """Return the state after an edit.

        Args:
            edit: ``kind`` and its values: "mass" (``object_id``, ``mass_kg``), "speed" (``object_id``,
                ``factor``: times as fast as seen), "remove_object" (``object_id``), "add_impact"
                (``object_id``, ``time_s``), "move_impact" (``object_id``, ``time_s``,
                ``to_time_s``), "remove_impact" (``object_id``, ``time_s``), "undo", "reset".

        Raises:
            InputError: No such kind, or a value is missing or of the wrong type.
            PhysicsInputError: Unknown object or impact, or a value that is impossible.
        """
        kind = edit.get("kind")
        if kind == "undo":
            if not self.before:
                return self
            return replace(self.before[-1], before=self.before[:-1])
        if kind == "reset":
            fresh = EditedPhysics.of(self.seen)
            return self if self.now is self.seen else self._after(fresh)
        change = _KINDS.get(str(kind))
        if change is None:
            known = ", ".join([*_KINDS, "undo", "reset"])
            raise InputError(f"there is no edit {kind!r}; expected one of {known}")
        return self._after(change(self, edit))

    def taken(self, other: EditedPhysics) -> EditedPhysics:
        """Return the state of another moment, from which undo leads back to this one."""
        return self._after(other)

    def _after(self, new: EditedPhysics) -> EditedPhysics:
        old = replace(self, before=())
        if new is self:
            return self
        return replace(new, before=(*self.before, old)[-_MOST_UNDONE:])

    def _mass(self, edit: Mapping[str, Any]) -> EditedPhysics:
        mass_kg = _number(edit, "mass_kg")
        return replace(self, now=self.now.with_mass(_object(edit), mass_kg))

    def _speed(self, edit: Mapping[str, Any]) -> EditedPhysics:
        object_id, wanted = _object(edit), _number(edit, "factor")
        factor = wanted / self.speed_factors.get(object_id, 1.0)
        if factor == 1.0:
            return self
        return replace(
            self,
            now=self.now.scale_speed(object_id, factor),
            speed_factors=MappingProxyType({**self.speed_factors, object_id: wanted}),
        )

    def _remove_object(self, edit: Mapping[str, Any]) -> EditedPhysics:
        return replace(self, now=self.now.without(_object(edit)))

    def _add_impact(self, edit: Mapping[str, Any]) -> EditedPhysics:
        return replace(self, now=added_impact(self.now, _object(edit), _number(edit, "time_s")))

    def _move_impact(self, edit: Mapping[str, Any]) -> EditedPhysics:
        moved = self.now.move_impact(
            _object(edit), _number(edit, "time_s"), _number(edit, "to_time_s")
        )
        return replace(self, now=moved)

    def _remove_impact(self, edit: Mapping[str, Any]) -> EditedPhysics:
        return replace(self, now=self.now.without_impact(_object(edit), _number(edit, "time_s")))


_KINDS: Mapping[str, Callable[[EditedPhysics, Mapping[str, Any]], EditedPhysics]] = (
    MappingProxyType(
        {
            "mass": EditedPhysics._mass,
            "speed": EditedPhysics._speed,
            "remove_object": EditedPhysics._remove_object,
            "add_impact": EditedPhysics._add_impact,
            "move_impact": EditedPhysics._move_impact,
            "remove_impact": EditedPhysics._remove_impact,
        }
    )
)


def added_impact(physics: PhysicsEstimate, object_id: int, time_s: float) -> PhysicsEstimate:
    """Return the estimate with an impact of which a person said only when.

    It stops the object: its energy is that of the fastest speed within 150 ms before. Where that
    is unknown or zero, it is as strong as the object's strongest impact.

    Raises:
        PhysicsInputError: Unknown object, a time outside the clip, or an object of which neither
            motion nor impacts are known.
    """
    entry = physics[object_id]
    near = (entry.speed_times_s <= time_s) & (entry.speed_times_s >= time_s - _BEFORE_S)
    speeds = entry.speed_m_s[near]
    speeds = speeds[np.isfinite(speeds)]
    if entry.mass_kg is not None and speeds.size and speeds.max() > 0:
        return physics.with_impact(object_id, time_s, speed_before_m_s=float(speeds.max()))
    known = [hit.energy_change_j for hit in physics.impacts() if hit.object_id == object_id]
    strongest = max((energy for energy in known if math.isfinite(energy)), default=0.0)
    if strongest <= 0:
        raise PhysicsInputError(
            f"how strong is an impact of {entry.object.label} at {time_s:.2f} s? It does not move "
            "there and has no other impact; give it a mass, or add the impact where it moves"
        )
    return physics.with_impact(object_id, time_s, energy_change_j=strongest)


def _object(edit: Mapping[str, Any]) -> int:
    return _json.integer(_json.required(edit, "object_id", "an edit"), "object_id")


def _number(edit: Mapping[str, Any], name: str) -> float:
    return _json.number(_json.required(edit, name, "an edit"), name)
