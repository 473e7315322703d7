"""The contract suite for authors of plugins, and tiny components and clips for their tests.

Example:
    >>> from pavas_sdk.testing import mass_estimator_checks, parametrize_with_checks
    >>> from my_plugin import MyMassEstimator
    >>>
    >>> @parametrize_with_checks(mass_estimator_checks(MyMassEstimator))
    ... def test_contract(check):
    ...     check()

``pavas plugins check`` asks the same checks of every registered component. torch is imported
only for the checks of conditioning adapters and presets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.testing.check import Check, CheckFailedError, CheckResult, run_checks
from pavas_sdk.testing.clips import METRES_PER_PIXEL, moving_discs
from pavas_sdk.testing.command_checks import command_checks
from pavas_sdk.testing.components import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
)
from pavas_sdk.testing.light_imports import HeavyImport, heavy_imports
from pavas_sdk.testing.mass_estimator_checks import mass_estimator_checks
from pavas_sdk.testing.metric_extractor_checks import metric_extractor_checks
from pavas_sdk.testing.moving_object_detector_checks import moving_object_detector_checks
from pavas_sdk.testing.pipeline_checks import pipeline_checks
from pavas_sdk.testing.reconstructor_checks import reconstructor_checks
from pavas_sdk.testing.segmenter_checks import segmenter_checks
from pavas_sdk.testing.suite import (
    check_component,
    checks_for,
    checks_of,
    parametrize_with_checks,
)
from pavas_sdk.testing.velocity_estimator_checks import velocity_estimator_checks

if TYPE_CHECKING:
    from pavas_sdk.testing.conditioning_adapter_checks import conditioning_adapter_checks

__all__ = [
    "METRES_PER_PIXEL",
    "BrightDetector",
    "BrightSegmenter",
    "Check",
    "CheckFailedError",
    "CheckResult",
    "DensityMassEstimator",
    "HeavyImport",
    "WallReconstructor",
    "check_component",
    "checks_for",
    "checks_of",
    "command_checks",
    "conditioning_adapter_checks",
    "heavy_imports",
    "mass_estimator_checks",
    "metric_extractor_checks",
    "moving_discs",
    "moving_object_detector_checks",
    "parametrize_with_checks",
    "pipeline_checks",
    "reconstructor_checks",
    "run_checks",
    "segmenter_checks",
    "velocity_estimator_checks",
]


def __getattr__(name: str) -> Any:
    if name != "conditioning_adapter_checks":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pavas_sdk.testing.conditioning_adapter_checks import conditioning_adapter_checks

    # the import has just bound the submodule to this name
    globals()[name] = conditioning_adapter_checks
    return conditioning_adapter_checks
