"""The components of the core itself, registered through the same hook as everyone's."""

from __future__ import annotations

from pavas_sdk.registry.hookspecs import hookimpl
from pavas_sdk.registry.spec import ComponentSpec

__all__ = ["pavas_register_components"]


@hookimpl
def pavas_register_components() -> list[ComponentSpec]:
    """Register the velocity estimator that needs no model."""
    return [
        ComponentSpec(
            "velocity_estimator",
            "centroid",
            "pavas_sdk.physics:CentroidVelocityEstimator",
            summary="speed of the centroid of an object's points (Eq. 3)",
            licence="Apache-2.0",
        )
    ]
