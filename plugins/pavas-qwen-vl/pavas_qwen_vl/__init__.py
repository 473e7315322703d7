"""Moving objects and their masses by Qwen2.5-VL (PAVAS, Sec. 3.3, steps 1 and 2).

The classes load on first use, so that listing plugins never imports torch. They must stay
importable from here: saved pipelines and registered targets name this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_qwen_vl.config import DetectorConfig, MassConfig, QwenVLConfig
    from pavas_qwen_vl.detector import QwenVL3BDetector, QwenVL72BDetector, QwenVLDetector
    from pavas_qwen_vl.errors import AnswerError, ServerError
    from pavas_qwen_vl.mass_estimator import (
        QwenVL3BMassEstimator,
        QwenVL72BMassEstimator,
        QwenVLMassEstimator,
    )

__all__ = [
    "AnswerError",
    "DetectorConfig",
    "MassConfig",
    "QwenVL3BDetector",
    "QwenVL3BMassEstimator",
    "QwenVL72BDetector",
    "QwenVL72BMassEstimator",
    "QwenVLConfig",
    "QwenVLDetector",
    "QwenVLMassEstimator",
    "ServerError",
]

_MODULES = {
    "AnswerError": "errors",
    "DetectorConfig": "config",
    "MassConfig": "config",
    "QwenVL3BDetector": "detector",
    "QwenVL3BMassEstimator": "mass_estimator",
    "QwenVL72BDetector": "detector",
    "QwenVL72BMassEstimator": "mass_estimator",
    "QwenVLConfig": "config",
    "QwenVLDetector": "detector",
    "QwenVLMassEstimator": "mass_estimator",
    "ServerError": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"pavas_qwen_vl.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
