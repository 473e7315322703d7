"""What this distribution registers. Free of torch."""

from __future__ import annotations

from pavas_sdk import ComponentSpec, hookimpl

__all__ = ["pavas_register_components"]

# The code is Apache-2.0; the weights of each size have a licence of their own.
_SIZES = (
    ("qwen-vl", "7B", "", "Apache-2.0"),
    ("qwen-vl-3b", "3B", "3B", "Apache-2.0 AND LicenseRef-Qwen-Research-Non-Commercial"),
    ("qwen-vl-72b", "72B", "72B", "Apache-2.0 AND LicenseRef-Qwen"),
)


@hookimpl
def pavas_register_components() -> list[ComponentSpec]:
    """Register the detector and the mass estimator, each once per size of the model."""
    specs = []
    for name, size, infix, licence in _SIZES:
        specs += [
            ComponentSpec(
                "moving_object_detector",
                name,
                f"pavas_qwen_vl:QwenVL{infix}Detector",
                summary=f"what moves, in words, by Qwen2.5-VL {size}",
                licence=licence,
            ),
            ComponentSpec(
                "mass_estimator",
                name,
                f"pavas_qwen_vl:QwenVL{infix}MassEstimator",
                summary=f"mass from the look of things, by Qwen2.5-VL {size}",
                licence=licence,
            ),
        ]
    return specs
