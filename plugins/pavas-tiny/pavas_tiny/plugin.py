"""What pavas-tiny registers. Imports nothing heavy."""

from __future__ import annotations

from pavas_sdk import ComponentSpec, hookimpl

__all__ = ["pavas_register_components"]


@hookimpl
def pavas_register_components() -> list[ComponentSpec]:
    """Register the light estimators and the embedded pipeline."""
    return [
        ComponentSpec(
            "moving_object_detector",
            "motion",
            "pavas_tiny.motion:MotionDetector",
            summary="what moves against the background, by motion segmentation and tracking",
        ),
        ComponentSpec(
            "segmenter",
            "motion",
            "pavas_tiny.motion:MotionSegmenter",
            summary="masks of what moves, from the same analysis",
        ),
        ComponentSpec(
            "reconstructor",
            "planar",
            "pavas_tiny.planar:PlanarReconstructor",
            summary="one plane facing the camera; scale by gravity, named sizes or a prior",
        ),
        ComponentSpec(
            "mass_estimator",
            "size-prior",
            "pavas_tiny.mass:SizePriorMassEstimator",
            summary="mass as stated, by name, or by size and usual density",
        ),
        ComponentSpec(
            "pipeline",
            "pavas-tiny",
            "pavas_tiny.preset:folder",
            summary="embedded default, trained on simulated impacts only",
        ),
    ]
