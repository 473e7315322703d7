"""Masks of described objects through time by Florence-2 and SAM-2 (PAVAS, Sec. 3.3, step 3).

The classes load on first use, so that listing plugins never imports torch. They must stay
importable from here: saved pipelines and registered targets name this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_florence_sam2.config import FlorenceSam2Config
    from pavas_florence_sam2.segmenter import FlorenceSam2Segmenter

__all__ = ["FlorenceSam2Config", "FlorenceSam2Segmenter"]

_EXPORTS = {
    "config": ["FlorenceSam2Config"],
    "segmenter": ["FlorenceSam2Segmenter"],
}

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
