"""pavas_sdk: sound for silent video that obeys mass and speed.

Public names load on first use: importing this package imports neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

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
    "data": [
        "Audio",
        "ComponentRef",
        "FrameSource",
        "Impact",
        "MaskTrack",
        "MassEstimate",
        "MovingObject",
        "ObjectPhysics",
        "PhysicsEstimate",
        "Reconstruction",
        "Trajectory",
        "Video",
    ],
    "errors": [
        "AmbiguousComponentError",
        "ComponentError",
        "ComponentFailedError",
        "ComponentNotFoundError",
        "ConfigurationError",
        "ContractError",
        "DamagedMediaError",
        "FormatError",
        "InputError",
        "LicenceError",
        "MediaError",
        "MediaNotFoundError",
        "MissingPluginError",
        "MissingWeightsError",
        "OutputError",
        "OutputExistsError",
        "PavasError",
        "PavasWarning",
        "PhysicsInputError",
        "PluginLoadError",
        "WeightsError",
    ],
    "interfaces": [
        "AdapterState",
        "ComponentConfig",
        "ConditioningAdapter",
        "MassEstimator",
        "ModulationSite",
        "MovingObjectDetector",
        "Reconstructor",
        "Segmenter",
        "VelocityEstimator",
        "report_progress",
    ],
    "media": ["open_video", "read_video"],
    "physics": ["PhysicsEstimator"],
    "pipelines": ["PavasOutput", "PavasOutputs", "PavasPipeline"],
    "registry": ["ComponentSpec", "Registry", "default_registry", "hookimpl"],
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


_attribute, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return globals().setdefault("__version__", version("pavas-sdk"))
    value: object = _attribute(name)
    return value
