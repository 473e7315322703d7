"""ComfyUI nodes of pavas_sdk. Nothing of ComfyUI is imported: it need not be there."""

from __future__ import annotations

from .editing import PavasEditImpact, PavasEditObject
from .estimating import PavasEstimatePhysics
from .generating import PavasGenerate
from .loading import PavasLoadPipeline
from .physics_json import PavasPhysicsFromJson, PavasPhysicsToJson
from .previewing import PavasPreviewCurves, PavasPreviewMasks

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]

NODE_CLASS_MAPPINGS = {
    node.__name__: node
    for node in (
        PavasLoadPipeline,
        PavasEstimatePhysics,
        PavasEditObject,
        PavasEditImpact,
        PavasPhysicsFromJson,
        PavasPhysicsToJson,
        PavasGenerate,
        PavasPreviewMasks,
        PavasPreviewCurves,
    )
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "PavasLoadPipeline": "Load PAVAS model",
    "PavasEstimatePhysics": "Estimate physics",
    "PavasEditObject": "Edit object: mass, speed, remove",
    "PavasEditImpact": "Edit impact: add, move, remove",
    "PavasPhysicsFromJson": "Physics from JSON",
    "PavasPhysicsToJson": "Physics to JSON",
    "PavasGenerate": "Generate sound (PAVAS)",
    "PavasPreviewMasks": "Preview masks",
    "PavasPreviewCurves": "Preview curves",
}
