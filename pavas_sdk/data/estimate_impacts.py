"""The impacts of an estimate: found in the speeds of its objects, then a list that people edit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data._validation import finite, not_negative
from pavas_sdk.data.impact import Impact
from pavas_sdk.data.impacts import find_impacts
from pavas_sdk.errors import PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["checked", "found", "joined", "moved", "removed", "same", "stated"]

# A person reads a moment off a list or a picture: what is nearer than this is what was meant.
_MEANT_S = 0.05


def found(
    objects: Iterable[ObjectPhysics], *, duration_s: float, time_scale: float
) -> tuple[Impact, ...]:
    """Return the abrupt changes of velocity of objects within a clip, in order of time.

    Args:
        objects: With speeds.
        duration_s: Length of the clip.
        time_scale: Its slow-motion factor.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # absurd speeds are allowed
        impacts = [
            impact
            for entry in objects
            for impact in find_impacts(
                entry.object_id,
                entry.speed_times_s,
                entry.speed_m_s,
                velocity_m_s=entry.velocity_m_s,
                mass_kg=entry.mass_kg,
                time_scale=time_scale,
            )
        ]
    within = [impact for impact in impacts if 0.0 <= impact.time_s <= duration_s]
    return tuple(sorted(within, key=lambda impact: impact.time_s))


def joined(
    objects: Iterable[ObjectPhysics],
    seen: Mapping[int, tuple[Impact, ...]],
    *,
    duration_s: float,
    time_scale: float,
) -> tuple[Impact, ...]:
    """Return the impacts that an estimator saw, and those in the speeds of the other objects.

    Args:
        objects: All of a clip.
        seen: Impacts by object id.
        duration_s: Length of the clip.
        time_scale: Its slow-motion factor.
    """
    others = [entry for entry in objects if entry.object_id not in seen]
    in_speeds = found(others, duration_s=duration_s, time_scale=time_scale)
    return (*(hit for impacts in seen.values() for hit in impacts), *in_speeds)


def same(first: Iterable[Impact], second: Iterable[Impact]) -> bool:
    """Return whether two lists of impacts say the same, to the bit; NaN equals NaN."""
    return [impact.to_json() for impact in first] == [impact.to_json() for impact in second]


def checked(
    impacts: Iterable[Impact], objects: Sequence[ObjectPhysics], duration_s: float
) -> tuple[Impact, ...]:
    """Return impacts in order of time, their energies those of the objects' masses.

    Raises:
        PhysicsInputError: An object that is not there, or a time outside the clip.
    """
    entries = {entry.object_id: entry for entry in objects}
    kept = []
    for impact in impacts:
        if impact.object_id not in entries:
            raise PhysicsInputError(
                f"an impact at {impact.time_s:g} s is one of object {impact.object_id}, which "
                f"this estimate does not have; it has {list(entries) or 'none'}: leave the impact "
                "out, or correct its object_id"
            )
        if not 0.0 <= impact.time_s <= duration_s:
            raise PhysicsInputError(
                f"an impact of object {impact.object_id} at {impact.time_s:g} s lies outside the "
                f"clip; give a time_s from 0 to {duration_s:g}"
            )
        kept.append(impact.of_mass(entries[impact.object_id].mass_kg))
    return tuple(sorted(kept, key=lambda impact: impact.time_s))


def stated(
    entry: ObjectPhysics,
    time_s: float,
    *,
    energy_change_j: float | None,
    speed_before_m_s: float | None,
    speed_after_m_s: float | None,
) -> Impact:
    """Return an impact that a person states, by its energy or by the speeds around it.

    Raises:
        PhysicsInputError: Neither or both are given, speeds of an object without a mass, or an
            impossible value.
    """
    wrong, where = PhysicsInputError, f"of the impact of object {entry.object_id}"
    time_s = finite(f"time_s {where}", time_s, error=wrong)
    before = after = float("nan")
    if (energy_change_j is None) == (speed_before_m_s is None):
        raise wrong(
            f"how strong is the impact of object {entry.object_id} at {time_s:g} s? Give either "
            "energy_change_j=JOULES, or speed_before_m_s=M_S (and speed_after_m_s=M_S)"
        )
    if speed_before_m_s is not None:
        if entry.mass_kg is None:
            raise wrong(
                f"object {entry.object_id} ({entry.object.short_label}) has no mass, so speeds give no "
                f"energy; give energy_change_j=JOULES, or first .with_mass({entry.object_id}, KG)"
            )
        before = not_negative(f"speed_before_m_s {where}", speed_before_m_s, error=wrong)
        after = not_negative(f"speed_after_m_s {where}", speed_after_m_s or 0.0, error=wrong)
    elif speed_after_m_s is not None:
        raise wrong(f"speed_after_m_s {where} needs speed_before_m_s, not energy_change_j")
    return Impact(
        object_id=entry.object_id,
        time_s=time_s,
        speed_before_m_s=before,
        speed_after_m_s=after,
        velocity_change_m_s=abs(after - before),
        energy_before_j=float("nan"),
        energy_after_j=float("nan"),
        stated_energy_j=energy_change_j,
        source="edited",
    )


def moved(
    impacts: Sequence[Impact], object_id: int, time_s: float, to_time_s: float
) -> tuple[Impact, tuple[Impact, ...]]:
    """Return the impact that was meant, and the impacts with it at ``to_time_s``.

    Raises:
        PhysicsInputError: The object has no impact there, or times that are not finite.
    """
    to_time_s = finite(
        f"to_time_s of an impact of object {object_id}", to_time_s, error=PhysicsInputError
    )
    meant, others = removed(impacts, object_id, time_s)
    return meant, (*others, replace(meant, time_s=to_time_s, source="edited"))


def removed(
    impacts: Sequence[Impact], object_id: int, time_s: float
) -> tuple[Impact, tuple[Impact, ...]]:
    """Return the impact of an object nearest to ``time_s``, and the others.

    Raises:
        PhysicsInputError: The object has none within 50 ms, or a time that is not finite.
    """
    time_s = finite(f"time_s of an impact of object {object_id}", time_s, error=PhysicsInputError)
    own = [impact for impact in impacts if impact.object_id == object_id]
    meant = min(own, key=lambda impact: abs(impact.time_s - time_s), default=None)
    if meant is None or abs(meant.time_s - time_s) > _MEANT_S:
        have = ", ".join(f"{impact.time_s:.3f}" for impact in own)
        raise PhysicsInputError(
            f"object {object_id} has no impact at {time_s:g} s; "
            + (f"give one of these times in seconds: {have}" if have else "it has none at all")
        )
    return meant, tuple(impact for impact in impacts if impact is not meant)
