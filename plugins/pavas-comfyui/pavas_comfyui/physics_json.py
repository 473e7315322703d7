"""Nodes that read and write physics as JSON text."""

from __future__ import annotations

from typing import Any, ClassVar

from .clips import CATEGORY, Physics

__all__ = ["PavasPhysicsFromJson", "PavasPhysicsToJson"]


class PavasPhysicsFromJson:
    """Reads physics, format ``pavas.physics``; masks are found anew when a sound is made."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("PAVAS_PHYSICS",)
    RETURN_NAMES: ClassVar = ("physics",)
    FUNCTION: ClassVar = "read"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        return {"required": {"json": ("STRING", {"default": "", "multiline": True})}}

    def read(self, json: str) -> tuple[Physics]:
        """Return the physics.

        Raises:
            FormatError: Not JSON, or not this format.
            PhysicsInputError: A value is impossible.
        """
        from pavas_sdk import PhysicsEstimate

        return (Physics(estimate=PhysicsEstimate.loads(json), masks={}),)


class PavasPhysicsToJson:
    """Writes physics, to read, edit and keep."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("STRING",)
    RETURN_NAMES: ClassVar = ("json",)
    FUNCTION: ClassVar = "write"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        return {"required": {"physics": ("PAVAS_PHYSICS",)}}

    def write(self, physics: Physics) -> tuple[str]:
        """Return JSON text."""
        return (physics.estimate.dumps(),)
