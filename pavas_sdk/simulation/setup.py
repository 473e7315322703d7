"""What an action sets up: bodies with their start, and what may be struck."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pavas_sdk.simulation.bodies import log_uniform

if TYPE_CHECKING:
    import numpy as np

    from pavas_sdk.simulation.guides import Guide
    from pavas_sdk.simulation.scene import Room, SceneObject, StaticBox, Striker

__all__ = ["Setup", "draw_scale", "rolling", "with_guided", "with_wall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Bodies, and what may be struck.

    Attributes:
        objects: Bodies with their start: the striker, guided ones, free ones.
        room: Floor and walls.
        scale_m: Typical half size of an object; the whole world scales with it.
        striker: Path of body 0, or None.
        target: Block that is struck, or None.
        guides: Paths of guided bodies.
        aside: Bodies that the camera does not follow.
    """

    objects: tuple[SceneObject, ...]
    room: Room
    scale_m: float
    striker: Striker | None = None
    target: StaticBox | None = None
    guides: tuple[Guide, ...] = ()
    aside: frozenset[int] = frozenset()


def draw_scale(rng: np.random.Generator) -> float:
    """Half size of an object, metres."""
    return log_uniform(rng, 0.03, 0.15)


def with_wall(room: Room, side: float, distance: float) -> Room:
    """The room with a wall to the right (side 1) or left (-1) at this distance."""
    return replace(room, right_m=distance) if side > 0 else replace(room, left_m=-distance)


def rolling(item: SceneObject, velocity: tuple[float, float]) -> SceneObject:
    """The body sent off along the floor; balls start without slipping."""
    r = item.dims_m[0]
    spin = (-velocity[1] / r, velocity[0] / r, 0.0) if item.shape == "sphere" else (0.0, 0.0, 0.0)
    return replace(item, velocity_m_s=(velocity[0], velocity[1], 0.0), spin_rad_s=spin)


def with_guided(setup: Setup, item: SceneObject, guide: Guide, *, aside: bool = True) -> Setup:
    """The setup with one more guided body, which the camera need not follow."""
    place = (0 if setup.striker is None else 1) + len(setup.guides)
    moved = {index + (index >= place) for index in setup.aside}
    return replace(
        setup,
        objects=(*setup.objects[:place], item, *setup.objects[place:]),
        guides=(*setup.guides, guide),
        aside=frozenset(moved | ({place} if aside else set())),
    )
