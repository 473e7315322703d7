"""Settings of the segmenter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig

__all__ = ["FlorenceSam2Config"]

_CHOICES = {
    "engine": ("transformers", "sam2"),
    "dtype": ("auto", "float32", "bfloat16", "float16"),
    "task": ("<OPEN_VOCABULARY_DETECTION>", "<CAPTION_TO_PHRASE_GROUNDING>"),
}
_LEAST = {
    "grounding_frames": 1,
    "num_beams": 1,
    "max_new_tokens": 1,
    "max_objects": 1,
    "window_frames": 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlorenceSam2Config(ComponentConfig):
    """Settings of `FlorenceSam2Segmenter`.

    Attributes:
        florence: "base" or "large" (Florence-2 in the format of transformers), a Hub id, or a folder.
        florence_revision: Git revision on the Hub, or None for the newest.
        sam2: "tiny", "small", "base-plus" or "large" (SAM 2.1), a Hub id, or a folder. With engine
            "sam2": a size, and then ``sam2_weights`` says where its weights are.
        sam2_revision: Git revision on the Hub, or None for the newest.
        sam2_weights: Engine "sam2" only: safetensors file with the official names, made from the
            official checkpoint by ``python -m pavas_florence_sam2.conversion``.
        sam2_overrides: Engine "sam2" only: changes of its model config ("model.image_size=512").
        download: Whether weights that are not on this machine may be fetched on first use.
        engine: "transformers", or "sam2" where that package is installed.
        dtype: "auto" is bfloat16 on a GPU and float32 on the CPU.
        task: How Florence-2 is asked.
        grounding_frames: On so many frames, evenly spread, an object is looked for until it is found.
        num_beams: Beams of Florence-2.
        max_new_tokens: Length of an answer of Florence-2, at most.
        min_box_fraction: Boxes with a smaller share of the picture are dropped.
        max_box_fraction: Boxes with a larger share are taken only when there is no other.
        max_rate_hz: Masks per second, at most.
        window_frames: Frames that SAM-2 holds at a time; longer clips go on from window to window.
        mask_max_side: Longer side of the masks in pixels.
        max_objects: Follow so many objects, those with the largest boxes; the others are named in a
            warning.
        jump_distance: A mask that is this many times its own size away from the one before has
            jumped: its score is cut.
    """

    florence: str = "large"
    florence_revision: str | None = None
    sam2: str = "large"
    sam2_revision: str | None = None
    sam2_weights: str = ""
    sam2_overrides: tuple[str, ...] = ()
    download: bool = False
    engine: Literal["transformers", "sam2"] = "transformers"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    task: str = "<OPEN_VOCABULARY_DETECTION>"
    grounding_frames: int = 5
    num_beams: int = 3
    max_new_tokens: int = 256
    min_box_fraction: float = 1e-4
    max_box_fraction: float = 0.95
    max_rate_hz: float = 30.0
    window_frames: int = 64
    mask_max_side: int = 256
    max_objects: int = 16
    jump_distance: float = 3.0

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work, with what it must be.
        """
        # a list when it comes from JSON
        object.__setattr__(self, "sam2_overrides", tuple(self.sam2_overrides))
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigurationError(
                    f"{name} must be one of {', '.join(map(repr, choices))}, got "
                    f"{getattr(self, name)!r}"
                )
        for name, least in (_LEAST | {"mask_max_side": 8}).items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigurationError(
                    f"{name} must be a whole number of {least} or more, got {value!r}"
                )
        for name in ("max_rate_hz", "jump_distance"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigurationError(f"{name} must be above 0, got {getattr(self, name)!r}")
        if not 0 <= self.min_box_fraction < self.max_box_fraction <= 1:
            raise ConfigurationError(
                "boxes must satisfy 0 <= min_box_fraction < max_box_fraction <= 1, got "
                f"{self.min_box_fraction!r} and {self.max_box_fraction!r}"
            )
