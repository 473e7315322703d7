"""An estimate in words: what was seen, a line per object."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pavas_sdk.data.impact import Impact
    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["short", "summary"]

_MOST_LINES = 8
_LONGEST_LINE = 120


def summary(objects: Sequence[ObjectPhysics], impacts: Iterable[Impact]) -> str:
    """Return a line per object: its mass, speed, impacts, and where they are from."""
    if not objects:
        return "no moving object"
    lines = []
    hits_of = Counter(hit.object_id for hit in impacts)
    for entry in objects:
        mass = "mass unknown" if entry.mass_kg is None else f"{entry.mass_kg:.3g} kg"
        speeds = entry.speed_m_s[np.isfinite(entry.speed_m_s)]
        speed = f"up to {speeds.max():.2f} m/s" if speeds.size else "speed unknown"
        rungs = ", ".join(f"{k}: {v}" for k, v in sorted(entry.sources.items()))
        hits = hits_of[entry.object_id]
        lines.append(
            f"{entry.object_id}  {entry.object.short_label}"
            + (f" ({entry.object.action})" if entry.object.action else "")
            + f": {mass}, {speed}, {hits} impact{'' if hits == 1 else 's'}"
            + (f"  [{rungs}]" if rungs else "")
        )
    return "\n".join(lines)


def short(objects: Sequence[ObjectPhysics], impacts: Sequence[Impact], duration_s: float) -> str:
    """Return the same in a few lines that stay short, whatever the labels: for ``repr``."""
    counts = f"{_counted(len(objects), 'object')}, {_counted(len(impacts), 'impact')}"
    lines = [f"PhysicsEstimate({counts}, {duration_s:.2f} s)"]
    shown = summary(objects[:_MOST_LINES], impacts).splitlines() if objects else []
    lines += [
        f"  {line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + '…'}" for line in shown
    ]
    if len(objects) > _MOST_LINES:
        lines.append(f"  and {len(objects) - _MOST_LINES} more")
    return "\n".join(lines)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
