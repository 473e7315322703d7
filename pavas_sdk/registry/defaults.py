"""What fills each slot when nothing is said: qualified names, so that installing never changes it."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["DEFAULTS"]

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
