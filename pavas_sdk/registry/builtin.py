"""The components of the core itself, registered through the same hook as everyone's."""

from __future__ import annotations

from pavas_sdk.registry.hookspecs import hookimpl
from pavas_sdk.registry.released_models import MMAUDIO_LICENCE, MMAUDIO_MODELS
from pavas_sdk.registry.spec import ComponentSpec

__all__ = ["pavas_register_components"]


@hookimpl
def pavas_register_components() -> list[ComponentSpec]:
    """Register the velocity estimator that needs no model, and the released MMAudio models."""
    return [
        *(
            ComponentSpec(
                "pipeline",
                model.preset,
                f"pavas_sdk.released.mmaudio:{variant}",
                summary=f"{model.summary}, without physics; official files are fetched once",
                licence=MMAUDIO_LICENCE,
            )
            for variant, model in MMAUDIO_MODELS.items()
        ),
        ComponentSpec(
            "velocity_estimator",
            "centroid",
            "pavas_sdk.physics:CentroidVelocityEstimator",
            summary="speed of the centroid of an object's points (Eq. 3)",
            licence="Apache-2.0",
        ),
    ]
