"""At most so many objects: the largest are kept, the others are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pavas_sdk.data import MaskTrack, MovingObject

__all__ = ["largest_by_box", "largest_by_mask"]


def largest_by_box(
    objects: Sequence[MovingObject], limit: int
) -> tuple[tuple[MovingObject, ...], str | None]:
    """Return the objects with the largest boxes, in their order, and a note on the others.

    Objects without a box cannot be ranked yet: if any lacks one, all are kept (`largest_by_mask`
    decides later).
    """
    if len(objects) <= limit or any(entry.box is None for entry in objects):
        return tuple(objects), None

    def area(entry: MovingObject) -> float:
        x0, y0, x1, y1 = entry.box or (0.0, 0.0, 0.0, 0.0)
        return (x1 - x0) * (y1 - y0)

    return _largest(objects, {entry.object_id: area(entry) for entry in objects}, limit)


def largest_by_mask(
    objects: Sequence[MovingObject], masks: Mapping[int, MaskTrack], limit: int
) -> tuple[tuple[MovingObject, ...], str | None]:
    """Return the objects with the largest masks (median over visible frames), and a note.

    Objects without a mask come last.
    """
    if len(objects) <= limit:
        return tuple(objects), None
    areas = {}
    for entry in objects:
        track = masks.get(entry.object_id)
        seen = None if track is None else track.masks[track.visible]
        areas[entry.object_id] = (
            float(np.median(seen.mean(axis=(1, 2)))) if seen is not None and len(seen) else -1.0
        )
    return _largest(objects, areas, limit)


def _largest(
    objects: Sequence[MovingObject], areas: Mapping[int, float], limit: int
) -> tuple[tuple[MovingObject, ...], str]:
    ranked = sorted(objects, key=lambda entry: (-areas[entry.object_id], entry.object_id))
    kept = {entry.object_id for entry in ranked[:limit]}
    left_out = ", ".join(
        f"{entry.object_id} ({entry.short_label})"
        for entry in objects
        if entry.object_id not in kept
    )
    note = (
        f"{len(objects)} moving objects were found; the {limit} largest are kept (max_objects), "
        f"left out: {left_out}"
    )
    return tuple(entry for entry in objects if entry.object_id in kept), note
