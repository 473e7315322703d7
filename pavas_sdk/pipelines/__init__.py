"""PavasPipeline: video, prompt and physics in, sound out.

Names load on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pavas_sdk.pipelines.output import PavasOutput, PavasOutputs
    from pavas_sdk.pipelines.pipeline import PavasPipeline

_EXPORTS = {"PavasOutput": "output", "PavasOutputs": "output", "PavasPipeline": "pipeline"}

__all__ = ["PavasOutput", "PavasOutputs", "PavasPipeline"]


def __getattr__(name: str) -> object:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
