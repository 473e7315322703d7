"""What a plugin of each kind is made of."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["PLUGIN_KINDS", "PluginKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginKind:
    """The parts of a plugin that depend on its kind.

    Attributes:
        module: Name of the module that holds the class, or the function.
        suffix: Ends the name of the class; empty where the module holds functions.
        summary: What the code that is written does, for listings.
        dependencies: Requirements beside pavas-sdk.
        next_step: What the author does first, for the README.
    """

    module: str
    suffix: str
    summary: str
    dependencies: tuple[str, ...] = ()
    next_step: str

    @property
    def is_function(self) -> bool:
        """Whether it is a function that is registered, not a class."""
        return not self.suffix


PLUGIN_KINDS = MappingProxyType(
    {
        "moving_object_detector": PluginKind(
            module="detector",
            suffix="Detector",
            summary="What differs from the median picture is a moving object",
            dependencies=("numpy>=2.0", "scipy>=1.13"),
            next_step="Let `detect` ask your model. An empty list is a valid answer.",
        ),
        "mass_estimator": PluginKind(
            module="mass_estimator",
            suffix="MassEstimator",
            summary="Masses from a list, by label",
            dependencies=("numpy>=2.0",),
            next_step="Let `estimate_mass` ask your model. An object that is left out has no "
            "known mass.",
        ),
        "segmenter": PluginKind(
            module="segmenter",
            suffix="Segmenter",
            summary="What differs from the median picture, each pixel to the nearest object",
            dependencies=("numpy>=2.0", "scipy>=1.13"),
            next_step="Let `segment` ask your model. All tracks share times and size; masks may be "
            "smaller than the video.",
        ),
        "reconstructor": PluginKind(
            module="reconstructor",
            suffix="Reconstructor",
            summary="A wall at a known distance before a camera with a known lens",
            dependencies=("numpy>=2.0",),
            next_step="Let `reconstruct` ask your model. `confidence` is 0 where a point is "
            "unknown.",
        ),
        "velocity_estimator": PluginKind(
            module="velocity_estimator",
            suffix="VelocityEstimator",
            summary="The median of each object's points, frame by frame",
            dependencies=("numpy>=2.0",),
            next_step="Let `estimate_velocity` follow your method. Where an object is not seen its "
            "place is NaN.",
        ),
        "conditioning_adapter": PluginKind(
            module="adapter",
            suffix="Adapter",
            summary="One linear map per site of the audio stream",
            dependencies=("torch>=2.6", "diffusers>=0.42,<0.43"),
            next_step='Change `encode` and `modulation`, then train it: see the tutorial "Publish '
            'an adapter of your own" of pavas-sdk.',
        ),
        "pipeline": PluginKind(
            module="preset",
            suffix="",
            summary="A saved pipeline as a preset",
            next_step="Replace the folder `weights` of the package by what "
            "`pipe.save_pretrained(...)` wrote.",
        ),
        "metric_extractor": PluginKind(
            module="extractor",
            suffix="Extractor",
            summary="The mean level of a sound in bands",
            dependencies=("numpy>=2.0",),
            next_step="Let `extract` ask your network. What comes out for a clip must not depend on "
            "the others in its batch.",
        ),
        "command": PluginKind(
            module="commands",
            suffix="",
            summary="A command of its own for pavas",
            dependencies=("click>=8.1",),
            next_step="Change the command; it prints data to stdout and talk to stderr.",
        ),
    }
)
"""Each kind of component that can be registered, and ``command``."""
