"""What fills each slot when nothing is said: qualified names, so that installing never changes it."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["DEFAULTS", "ESTIMATORS", "SLOTS"]

DEFAULTS = MappingProxyType(
    {
        "moving_object_detector": "pavas-tiny/motion",
        "mass_estimator": "pavas-tiny/size-prior",
        "segmenter": "pavas-tiny/motion",
        "reconstructor": "pavas-tiny/planar",
        "velocity_estimator": "pavas-sdk/centroid",
        "conditioning_adapter": "pavas-phy-adapter/phy-adapter",
        "pipeline": "pavas-tiny/pavas-tiny",
    }
)
"""Qualified name of the default component of each kind."""

SLOTS = (
    "moving_object_detector",
    "segmenter",
    "reconstructor",
    "velocity_estimator",
    "mass_estimator",
)
"""Slots of the physics estimator, in the order in which they run."""

ESTIMATORS = MappingProxyType(
    {
        "tiny": MappingProxyType({slot: DEFAULTS[slot] for slot in SLOTS}),
        "paper": MappingProxyType(
            {
                "moving_object_detector": "pavas-qwen-vl/qwen-vl",
                "segmenter": "pavas-florence-sam2/florence-sam2",
                "reconstructor": "pavas-cut3r/cut3r",
                "velocity_estimator": "pavas-sdk/centroid",
                "mass_estimator": "pavas-qwen-vl/qwen-vl",
            }
        ),
    }
)
"""Physics estimators by name: which component fills each slot."""
