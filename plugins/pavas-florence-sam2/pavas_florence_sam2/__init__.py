"""Masks of described objects through time by Florence-2 and SAM-2 (PAVAS, Sec. 3.3, step 3).

The classes load on first use, so that listing plugins never imports torch. They must stay
importable from here: saved pipelines and registered targets name this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_florence_sam2.config import FlorenceSam2Config
    from pavas_florence_sam2.segmenter import FlorenceSam2Segmenter

__all__ = ["FlorenceSam2Config", "FlorenceSam2Segmenter"]

_MODULES = {"FlorenceSam2Config": "config", "FlorenceSam2Segmenter": "segmenter"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"pavas_florence_sam2.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
