"""What a plugin implements: one abstract class per file, all of one shape. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

# at once: a submodule of the same name would stand in the way of a lazy one
from pavas_sdk.interfaces.cache_folder import cache_folder

if TYPE_CHECKING:
    from pavas_sdk.interfaces.component import Component, ComponentConfig
    from pavas_sdk.interfaces.conditioning_adapter import (
        AdapterState,
        ConditioningAdapter,
        ModulationSite,
    )
    from pavas_sdk.interfaces.hub import hub_folder
    from pavas_sdk.interfaces.mass_estimator import MassEstimator
    from pavas_sdk.interfaces.metric_extractor import MetricExtractor
    from pavas_sdk.interfaces.moving_object_detector import MovingObjectDetector
    from pavas_sdk.interfaces.progress import Progress, progress_to, report_progress
    from pavas_sdk.interfaces.published_adapter import PublishedAdapter
    from pavas_sdk.interfaces.reconstructor import Reconstructor
    from pavas_sdk.interfaces.segmenter import Segmenter
    from pavas_sdk.interfaces.velocity_estimator import VelocityEstimator

_EXPORTS = {
    "component": ["Component", "ComponentConfig"],
    "conditioning_adapter": ["AdapterState", "ConditioningAdapter", "ModulationSite"],
    "hub": ["hub_folder"],
    "mass_estimator": ["MassEstimator"],
    "metric_extractor": ["MetricExtractor"],
    "moving_object_detector": ["MovingObjectDetector"],
    "progress": ["Progress", "progress_to", "report_progress"],
    "published_adapter": ["PublishedAdapter"],
    "reconstructor": ["Reconstructor"],
    "segmenter": ["Segmenter"],
    "velocity_estimator": ["VelocityEstimator"],
}

__all__ = [
    "AdapterState",
    "Component",
    "ComponentConfig",
    "ConditioningAdapter",
    "MassEstimator",
    "MetricExtractor",
    "ModulationSite",
    "MovingObjectDetector",
    "Progress",
    "PublishedAdapter",
    "Reconstructor",
    "Segmenter",
    "VelocityEstimator",
    "cache_folder",
    "hub_folder",
    "progress_to",
    "report_progress",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
