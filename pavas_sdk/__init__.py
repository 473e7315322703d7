"""pavas_sdk: sound for silent video that obeys mass and speed.

Public names load on first use: importing this package imports neither torch nor numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_sdk.data import (
        Audio,
        ComponentRef,
        FrameSource,
        Impact,
        MaskTrack,
        MassEstimate,
        MovingObject,
        ObjectPhysics,
        PhysicsEstimate,
        Reconstruction,
        Trajectory,
        Video,
    )
    from pavas_sdk.errors import PavasError, PavasWarning
    from pavas_sdk.interfaces import (
        ConditioningAdapter,
        MassEstimator,
        ModulationSite,
        MovingObjectDetector,
        Reconstructor,
        Segmenter,
        VelocityEstimator,
    )
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.pipelines import PavasOutput, PavasPipeline
    from pavas_sdk.registry import ComponentSpec, Registry, default_registry, hookimpl

__version__ = "0.1.0"

_EXPORTS = {
    "Audio": "data",
    "ComponentRef": "data",
    "ComponentSpec": "registry",
    "ConditioningAdapter": "interfaces",
    "FrameSource": "data",
    "Impact": "data",
    "MaskTrack": "data",
    "MassEstimate": "data",
    "MassEstimator": "interfaces",
    "ModulationSite": "interfaces",
    "MovingObject": "data",
    "MovingObjectDetector": "interfaces",
    "ObjectPhysics": "data",
    "PavasError": "errors",
    "PavasOutput": "pipelines",
    "PavasPipeline": "pipelines",
    "PavasWarning": "errors",
    "PhysicsEstimate": "data",
    "PhysicsEstimator": "physics",
    "Reconstruction": "data",
    "Reconstructor": "interfaces",
    "Registry": "registry",
    "Segmenter": "interfaces",
    "Trajectory": "data",
    "VelocityEstimator": "interfaces",
    "Video": "data",
    "default_registry": "registry",
    "hookimpl": "registry",
}

__all__ = [
    "Audio",
    "ComponentRef",
    "ComponentSpec",
    "ConditioningAdapter",
    "FrameSource",
    "Impact",
    "MaskTrack",
    "MassEstimate",
    "MassEstimator",
    "ModulationSite",
    "MovingObject",
    "MovingObjectDetector",
    "ObjectPhysics",
    "PavasError",
    "PavasOutput",
    "PavasPipeline",
    "PavasWarning",
    "PhysicsEstimate",
    "PhysicsEstimator",
    "Reconstruction",
    "Reconstructor",
    "Registry",
    "Segmenter",
    "Trajectory",
    "VelocityEstimator",
    "Video",
    "__version__",
    "default_registry",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
