"""Settings of the reconstructor "cut3r"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig

__all__ = ["Cut3RConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut3RConfig(ComponentConfig):
    """Settings of `Cut3RReconstructor`.

    Attributes:
        weights: See `load_model`; None looks in the cache folder.
        revision: See `load_model`.
        size: Longer side in pixels of what the model sees, 512 for the released weights.
        crop_square: Crop square pictures to 4:3, as the published preparation does; the rest then has
            confidence 0.
        max_source_side: Larger frames are shrunk to this longer side while they are read.
        points_max_side: Longer side in pixels of the point maps of the result; the model's own are
            thinned to it.
        world_points: "pose" (points in the frame's camera, moved by its pose: what the published
            demo shows) or "direct" (world points as the model regresses them).
        min_confidence: Points below get confidence 0. The model's confidences lie above 1; 1.5 is
            the published viewer's limit.
        passes: How often each scene is gone through; only the last pass counts, and only the first
            changes the state. 2 lets early frames know what comes later, at twice the time.
        split_scenes: Begin a new session where the video cuts to another scene.
        rope_float16_rounding: See `Cut3R`; True is as released.
        block_dtype: Precision of the transformer blocks; heads are always float32.
    """

    weights: str | None = None
    revision: str | None = None
    size: int = 512
    crop_square: bool = True
    max_source_side: int = 1920
    points_max_side: int = 256
    world_points: Literal["pose", "direct"] = "pose"
    min_confidence: float = 1.5
    passes: int = 1
    split_scenes: bool = True
    rope_float16_rounding: bool = True
    block_dtype: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work.
        """
        if self.size < 32 or self.points_max_side < 16 or self.max_source_side < self.size:
            raise ConfigurationError(
                "size must be at least 32, points_max_side at least 16 and max_source_side at "
                f"least size; got {self.size}, {self.points_max_side}, {self.max_source_side}"
            )
        if self.world_points not in ("pose", "direct"):
            raise ConfigurationError(
                f"world_points must be 'pose' or 'direct', got {self.world_points!r}"
            )
        if self.block_dtype not in ("float32", "bfloat16"):
            raise ConfigurationError(
                f"block_dtype must be 'float32' or 'bfloat16', got {self.block_dtype!r}"
            )
        if self.passes < 1 or not self.min_confidence >= 0:
            raise ConfigurationError(
                f"passes must be at least 1 and min_confidence 0 or more, got {self.passes} and "
                f"{self.min_confidence}"
            )
