"""What this distribution registers. Free of torch."""

from __future__ import annotations

from pavas_sdk import ComponentSpec, hookimpl

__all__ = ["pavas_register_components"]


@hookimpl
def pavas_register_components() -> list[ComponentSpec]:
    """Register the segmenter under the name ``florence-sam2``."""
    return [
        ComponentSpec(
            "segmenter",
            "florence-sam2",
            "pavas_florence_sam2:FlorenceSam2Segmenter",
            summary="masks of described objects: boxes by Florence-2, through time by SAM-2",
            # code and SAM-2 weights; Florence-2 weights
            licence="Apache-2.0 AND MIT",
        )
    ]
