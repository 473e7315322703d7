"""A node that estimates physics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .clips import CATEGORY, CLIP_INPUTS, Physics, clip_of

if TYPE_CHECKING:
    from torch import Tensor

    from pavas_sdk import PavasPipeline

__all__ = ["PavasEstimatePhysics"]


class PavasEstimatePhysics:
    """Estimates what moves in a video, how heavy it is and how fast."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("PAVAS_PHYSICS", "STRING")
    RETURN_NAMES: ClassVar = ("physics", "summary")
    FUNCTION: ClassVar = "estimate"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        return {
            "required": {
                "pipeline": ("PAVAS_PIPELINE",),
                "prompt": ("STRING", {"default": "", "multiline": True}),
            },
            "optional": CLIP_INPUTS,
        }

    def estimate(
        self,
        pipeline: PavasPipeline,
        prompt: str,
        video: Any | None = None,
        images: Tensor | None = None,
        fps: float = 25.0,
    ) -> tuple[Physics, str]:
        """Return the physics, and the same in words.

        Raises:
            InputError: Neither or both of video and images are connected.
            ComponentError: A part of the estimator failed.
        """
        clip = clip_of(video, images, fps)
        estimate, masks, _ = pipeline.physics_and_masks(clip.video, prompt=prompt, fps=clip.fps)
        return Physics(estimate=estimate, masks=masks), str(estimate)
