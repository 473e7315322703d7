"""Nodes that change physics: an object's mass and speed, and single impacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pavas_sdk import PhysicsInputError

from .clips import CATEGORY, Physics

if TYPE_CHECKING:
    from pavas_sdk import PhysicsEstimate

__all__ = ["PavasEditImpact", "PavasEditObject"]

_OBJECT = (
    "STRING",
    {"default": "", "tooltip": "Label or id; may stay empty where there is one object."},
)


class PavasEditObject:
    """Changes an object's mass and speed, or leaves it out."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("PAVAS_PHYSICS",)
    RETURN_NAMES: ClassVar = ("physics",)
    FUNCTION: ClassVar = "edit"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        return {
            "required": {
                "physics": ("PAVAS_PHYSICS",),
                "object": _OBJECT,
                "mass_kg": (
                    "FLOAT",
                    {
                        "default": 0.0,
                        "min": 0.0,
                        "max": 1e6,
                        "step": 0.001,
                        "tooltip": "0: as it is.",
                    },
                ),
                "speed_factor": (
                    "FLOAT",
                    {"default": 1.0, "min": 0.01, "max": 100.0, "step": 0.01},
                ),
                "remove": ("BOOLEAN", {"default": False}),
            }
        }

    def edit(
        self,
        physics: Physics,
        object: str,
        mass_kg: float,
        speed_factor: float,
        remove: bool,
    ) -> tuple[Physics]:
        """Return the physics with the changes.

        Raises:
            PhysicsInputError: There is no such object, or not only one.
        """
        estimate = physics.estimate
        object_id = object_of(estimate, object)
        if remove:
            estimate = estimate.without(object_id)
            masks = {key: track for key, track in physics.masks.items() if key != object_id}
            return (Physics(estimate=estimate, masks=masks),)
        if mass_kg > 0:
            estimate = estimate.with_mass(object_id, mass_kg)
        if speed_factor != 1.0:
            estimate = estimate.scale_speed(object_id, speed_factor)
        return (Physics(estimate=estimate, masks=physics.masks),)


class PavasEditImpact:
    """Adds, moves or removes one impact of an object."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("PAVAS_PHYSICS",)
    RETURN_NAMES: ClassVar = ("physics",)
    FUNCTION: ClassVar = "edit"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        seconds = {"default": 0.0, "min": 0.0, "max": 1e5, "step": 0.001}
        return {
            "required": {
                "physics": ("PAVAS_PHYSICS",),
                "action": (["add", "move", "remove"],),
                "object": _OBJECT,
                "time_s": ("FLOAT", {**seconds, "tooltip": "When; to 50 ms for move and remove."}),
                "to_time_s": ("FLOAT", {**seconds, "tooltip": "move: the new time."}),
                "energy_j": (
                    "FLOAT",
                    {
                        "default": 0.1,
                        "min": 0.0,
                        "max": 1e6,
                        "step": 0.001,
                        "tooltip": "add: how much kinetic energy it changes, joules.",
                    },
                ),
            }
        }

    def edit(
        self,
        physics: Physics,
        action: str,
        object: str,
        time_s: float,
        to_time_s: float,
        energy_j: float,
    ) -> tuple[Physics]:
        """Return the physics with the change.

        Raises:
            PhysicsInputError: No such object, no impact there, or a time outside the clip.
        """
        estimate = physics.estimate
        object_id = object_of(estimate, object)
        if action == "add":
            estimate = estimate.with_impact(object_id, time_s, energy_change_j=energy_j)
        elif action == "move":
            estimate = estimate.move_impact(object_id, time_s, to_time_s)
        else:
            estimate = estimate.without_impact(object_id, time_s)
        return (Physics(estimate=estimate, masks=physics.masks),)


def object_of(estimate: PhysicsEstimate, name: str) -> int:
    """Return the id of the object that is meant.

    Raises:
        PhysicsInputError: There is no such object, or several.
    """
    name = name.strip()
    if name:
        return estimate[int(name) if name.isdigit() else name].object_id
    if len(estimate) != 1:
        known = ", ".join(f"{entry.object_id} ({entry.object.short_label})" for entry in estimate)
        raise PhysicsInputError(
            f"there are {len(estimate)} objects; say which by its id or label: {known or 'none'}"
        )
    return estimate.objects[0].object_id
