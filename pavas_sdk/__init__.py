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
        AmbiguousComponentError,
        ComponentError,
        ComponentFailedError,
        ComponentNotFoundError,
        ConfigurationError,
        ContractError,
        DamagedMediaError,
        FormatError,
        InputError,
        LicenceError,
        MediaError,
        MediaNotFoundError,
        MissingPluginError,
        MissingWeightsError,
        OutputError,
        OutputExistsError,
        PavasError,
        PavasWarning,
        PhysicsInputError,
        PluginLoadError,
        WeightsError,
    )
    from pavas_sdk.interfaces import (
        AdapterState,
        ComponentConfig,
        ConditioningAdapter,
        MassEstimator,
        ModulationSite,
        MovingObjectDetector,
        Reconstructor,
        Segmenter,
        VelocityEstimator,
        report_progress,
    )
    from pavas_sdk.media import open_video, read_video
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.pipelines import PavasOutput, PavasOutputs, PavasPipeline
    from pavas_sdk.registry import ComponentSpec, Registry, default_registry, hookimpl

    __version__: str

_EXPORTS = {
    "AdapterState": "interfaces",
    "AmbiguousComponentError": "errors",
    "Audio": "data",
    "ComponentConfig": "interfaces",
    "ComponentError": "errors",
    "ComponentFailedError": "errors",
    "ComponentNotFoundError": "errors",
    "ComponentRef": "data",
    "ComponentSpec": "registry",
    "ConditioningAdapter": "interfaces",
    "ConfigurationError": "errors",
    "ContractError": "errors",
    "DamagedMediaError": "errors",
    "FormatError": "errors",
    "FrameSource": "data",
    "Impact": "data",
    "InputError": "errors",
    "LicenceError": "errors",
    "MaskTrack": "data",
    "MassEstimate": "data",
    "MassEstimator": "interfaces",
    "MediaError": "errors",
    "MediaNotFoundError": "errors",
    "MissingPluginError": "errors",
    "MissingWeightsError": "errors",
    "ModulationSite": "interfaces",
    "MovingObject": "data",
    "MovingObjectDetector": "interfaces",
    "ObjectPhysics": "data",
    "OutputError": "errors",
    "OutputExistsError": "errors",
    "PavasError": "errors",
    "PavasOutput": "pipelines",
    "PavasOutputs": "pipelines",
    "PavasPipeline": "pipelines",
    "PavasWarning": "errors",
    "PhysicsEstimate": "data",
    "PhysicsEstimator": "physics",
    "PhysicsInputError": "errors",
    "PluginLoadError": "errors",
    "Reconstruction": "data",
    "Reconstructor": "interfaces",
    "Registry": "registry",
    "Segmenter": "interfaces",
    "Trajectory": "data",
    "VelocityEstimator": "interfaces",
    "Video": "data",
    "WeightsError": "errors",
    "default_registry": "registry",
    "hookimpl": "registry",
    "open_video": "media",
    "read_video": "media",
    "report_progress": "interfaces",
}

__all__ = [
    "AdapterState",
    "AmbiguousComponentError",
    "Audio",
    "ComponentConfig",
    "ComponentError",
    "ComponentFailedError",
    "ComponentNotFoundError",
    "ComponentRef",
    "ComponentSpec",
    "ConditioningAdapter",
    "ConfigurationError",
    "ContractError",
    "DamagedMediaError",
    "FormatError",
    "FrameSource",
    "Impact",
    "InputError",
    "LicenceError",
    "MaskTrack",
    "MassEstimate",
    "MassEstimator",
    "MediaError",
    "MediaNotFoundError",
    "MissingPluginError",
    "MissingWeightsError",
    "ModulationSite",
    "MovingObject",
    "MovingObjectDetector",
    "ObjectPhysics",
    "OutputError",
    "OutputExistsError",
    "PavasError",
    "PavasOutput",
    "PavasOutputs",
    "PavasPipeline",
    "PavasWarning",
    "PhysicsEstimate",
    "PhysicsEstimator",
    "PhysicsInputError",
    "PluginLoadError",
    "Reconstruction",
    "Reconstructor",
    "Registry",
    "Segmenter",
    "Trajectory",
    "VelocityEstimator",
    "Video",
    "WeightsError",
    "__version__",
    "default_registry",
    "hookimpl",
    "open_video",
    "read_video",
    "report_progress",
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
