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
    from pavas_sdk.errors import (
        ComponentError,
        FormatError,
        InputError,
        MediaError,
        MissingPluginError,
        OutputExistsError,
        PavasError,
        PavasWarning,
        PhysicsInputError,
    )
    from pavas_sdk.interfaces import (
        ConditioningAdapter,
        MassEstimator,
        ModulationSite,
        MovingObjectDetector,
        Reconstructor,
        Segmenter,
        VelocityEstimator,
    )
    from pavas_sdk.media import open_video, read_video
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.pipelines import PavasOutput, PavasOutputs, PavasPipeline
    from pavas_sdk.registry import ComponentSpec, Registry, default_registry, hookimpl

    __version__: str

_EXPORTS = {
    "Audio": "data",
    "ComponentError": "errors",
    "ComponentRef": "data",
    "ComponentSpec": "registry",
    "ConditioningAdapter": "interfaces",
    "FormatError": "errors",
    "FrameSource": "data",
    "Impact": "data",
    "InputError": "errors",
    "MaskTrack": "data",
    "MassEstimate": "data",
    "MassEstimator": "interfaces",
    "MediaError": "errors",
    "MissingPluginError": "errors",
    "ModulationSite": "interfaces",
    "MovingObject": "data",
    "MovingObjectDetector": "interfaces",
    "ObjectPhysics": "data",
    "OutputExistsError": "errors",
    "PavasError": "errors",
    "PavasOutput": "pipelines",
    "PavasOutputs": "pipelines",
    "PavasPipeline": "pipelines",
    "PavasWarning": "errors",
    "PhysicsEstimate": "data",
    "PhysicsEstimator": "physics",
    "PhysicsInputError": "errors",
    "Reconstruction": "data",
    "Reconstructor": "interfaces",
    "Registry": "registry",
    "Segmenter": "interfaces",
    "Trajectory": "data",
    "VelocityEstimator": "interfaces",
    "Video": "data",
    "default_registry": "registry",
    "hookimpl": "registry",
    "open_video": "media",
    "read_video": "media",
}

__all__ = [
    "Audio",
    "ComponentError",
    "ComponentRef",
    "ComponentSpec",
    "ConditioningAdapter",
    "FormatError",
    "FrameSource",
    "Impact",
    "InputError",
    "MaskTrack",
    "MassEstimate",
    "MassEstimator",
    "MediaError",
    "MissingPluginError",
    "ModulationSite",
    "MovingObject",
    "MovingObjectDetector",
    "ObjectPhysics",
    "OutputExistsError",
    "PavasError",
    "PavasOutput",
    "PavasOutputs",
    "PavasPipeline",
    "PavasWarning",
    "PhysicsEstimate",
    "PhysicsEstimator",
    "PhysicsInputError",
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
    "open_video",
    "read_video",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return globals().setdefault("__version__", version("pavas-sdk"))
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
