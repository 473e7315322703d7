"""Both models, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_florence_sam2.weights import model_files

if TYPE_CHECKING:
    from pavas_florence_sam2.config import FlorenceSam2Config
    from pavas_florence_sam2.grounding import Florence
    from pavas_florence_sam2.tracker import Tracker

__all__ = ["Models", "load_models"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Models:
    """Florence-2, and SAM-2 by one of its engines."""

    florence: Florence
    tracker: Tracker


def load_models(config: FlorenceSam2Config, device: Any = None, dtype: Any = None) -> Models:
    """Load both models.

    Args:
        config: Settings.
        device: Where to put them, or None for the CPU.
        dtype: Their number format, or None for that of the config.

    Raises:
        PavasError: Packages or weights are missing, or they do not fit.
    """
    files = model_files(config)  # before the imports, which take seconds
    import torch

    from pavas_florence_sam2.grounding import Florence

    where = torch.device("cpu" if device is None else device)
    name = config.dtype
    if name == "auto":
        name = "float32" if where.type == "cpu" else "bfloat16"
    numbers = dtype or getattr(torch, name)
    florence = Florence(files.florence, where, numbers)
    tracker: Tracker
    if config.engine == "sam2":
        from pavas_florence_sam2.sam2_package import PackageTracker

        tracker = PackageTracker(files.sam2, config, where, numbers)
    else:
        from pavas_florence_sam2.sam2_transformers import TransformersTracker

        tracker = TransformersTracker(files.sam2, where, numbers)
    return Models(florence=florence, tracker=tracker)
