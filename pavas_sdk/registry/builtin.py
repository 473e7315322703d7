"""The components of the core itself, registered through the same hook as everyone's."""

from __future__ import annotations

from pavas_sdk.registry.hookspecs import hookimpl
from pavas_sdk.registry.spec import ComponentSpec

__all__ = ["pavas_register_components"]

_MMAUDIO = {
    "small_16k": "157 M parameters, 16 kHz",
    "small_44k": "157 M parameters, 44.1 kHz",
    "medium_44k": "622 M parameters, 44.1 kHz",
    "large_44k": "1.03 B parameters, 44.1 kHz",
    "large_44k_v2": "1.03 B parameters, 44.1 kHz, second version",
}
# Flow network and codec; CLIP; vocoder and synchronisation encoder.
_MMAUDIO_LICENCE = "CC-BY-NC-4.0 AND LicenseRef-Apple-AMLR-research-only AND MIT"


@hookimpl
def pavas_register_components() -> list[ComponentSpec]:
    """Register the velocity estimator that needs no model, and the released MMAudio models."""
    return [
        *(
            ComponentSpec(
                "pipeline",
                f"mmaudio-{variant.replace('_', '-')}",
                f"pavas_sdk.released.presets:{variant}",
                summary=f"MMAudio, {summary}, without physics; official files are fetched once",
                licence=_MMAUDIO_LICENCE,
            )
            for variant, summary in _MMAUDIO.items()
        ),
        ComponentSpec(
            "velocity_estimator",
            "centroid",
            "pavas_sdk.physics:CentroidVelocityEstimator",
            summary="speed of the centroid of an object's points (Eq. 3)",
            licence="Apache-2.0",
        ),
    ]
