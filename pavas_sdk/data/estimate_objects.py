"""Finding an object of an estimate by its id or its label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.data.short_text import short_text
from pavas_sdk.errors import PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["find"]


def find(objects: Sequence[ObjectPhysics], key: int | str) -> ObjectPhysics:
    """Return the object with an id, or the only one with a label (upper and lower case alike).

    Raises:
        PhysicsInputError: There is none, or several have the label.
    """
    have = ", ".join(f"{entry.object_id} ({entry.object.short_label})" for entry in objects)
    if isinstance(key, str):
        wanted = key.strip().lower()
        fitting = [e for e in objects if e.object.label.strip().lower() == wanted]
        if len(fitting) > 1:
            ids = ", ".join(str(entry.object_id) for entry in fitting)
            raise PhysicsInputError(
                f"{len(fitting)} objects are called {short_text(key)!r}; name one by its id: {ids}"
            )
        what = f"no object is called {short_text(key)!r}"
    else:
        fitting = [entry for entry in objects if entry.object_id == key]
        what = f"no object {key} in this estimate"
    if not fitting:
        raise PhysicsInputError(f"{what}; it has {have or 'none'}")
    return fitting[0]
