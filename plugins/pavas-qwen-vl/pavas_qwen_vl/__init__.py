"""Moving objects and their masses by Qwen2.5-VL (PAVAS, Sec. 3.3, steps 1 and 2).

The classes load on first use, so that listing plugins never imports torch. They must stay
importable from here: saved pipelines and registered targets name this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

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

_EXPORTS = {
    "config": ["DetectorConfig", "MassConfig", "QwenVLConfig"],
    "detector": ["QwenVL3BDetector", "QwenVL72BDetector", "QwenVLDetector"],
    "errors": ["AnswerError", "ServerError"],
    "mass_estimator": ["QwenVL3BMassEstimator", "QwenVL72BMassEstimator", "QwenVLMassEstimator"],
}

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
