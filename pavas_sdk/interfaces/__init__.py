"""What a plugin implements: one abstract class per file, all of one shape. Free of torch."""

from __future__ import annotations

from pavas_sdk.interfaces.cache_folder import cache_folder
from pavas_sdk.interfaces.component import Component, ComponentConfig
from pavas_sdk.interfaces.conditioning_adapter import (
    AdapterState,
    ConditioningAdapter,
    ModulationSite,
)
from pavas_sdk.interfaces.hub import hub_folder
from pavas_sdk.interfaces.mass_estimator import MassEstimator
from pavas_sdk.interfaces.moving_object_detector import MovingObjectDetector
from pavas_sdk.interfaces.progress import Progress, progress_to, report_progress
from pavas_sdk.interfaces.published_adapter import PublishedAdapter
from pavas_sdk.interfaces.reconstructor import Reconstructor
from pavas_sdk.interfaces.segmenter import Segmenter
from pavas_sdk.interfaces.velocity_estimator import VelocityEstimator

__all__ = [
    "AdapterState",
    "Component",
    "ComponentConfig",
    "ConditioningAdapter",
    "MassEstimator",
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
