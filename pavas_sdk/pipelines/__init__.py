"""PavasPipeline: video, prompt and physics in, sound out.

Names load on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_sdk.pipelines.level import LevelGain, LevelLaw, fit_level_law
    from pavas_sdk.pipelines.output import PavasOutput, PavasOutputs
    from pavas_sdk.pipelines.pipeline import PavasPipeline

_EXPORTS = {
    "level": ["LevelGain", "LevelLaw", "fit_level_law"],
    "output": ["PavasOutput", "PavasOutputs"],
    "pipeline": ["PavasPipeline"],
}

__all__ = [
    "LevelGain",
    "LevelLaw",
    "PavasOutput",
    "PavasOutputs",
    "PavasPipeline",
    "fit_level_law",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
