"""A node that makes the sound."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from .clips import CATEGORY, CLIP_INPUTS, Physics, clip_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pavas_sdk import PavasPipeline

__all__ = ["PavasGenerate"]


class PavasGenerate:
    """Makes the sound of a video; estimates its physics where none is connected."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("AUDIO", "PAVAS_PHYSICS", "STRING")
    RETURN_NAMES: ClassVar = ("audio", "physics", "provenance")
    FUNCTION: ClassVar = "generate"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        text = {"default": "", "multiline": True}
        return {
            "required": {
                "pipeline": ("PAVAS_PIPELINE",),
                "prompt": ("STRING", text),
                "negative_prompt": ("STRING", text),
                "seed": (
                    "INT",
                    {"default": 0, "min": 0, "max": 2**63 - 1, "control_after_generate": True},
                ),
                "steps": (
                    "INT",
                    {"default": 0, "min": 0, "max": 1000, "tooltip": "0: the model's own number."},
                ),
                "guidance": (
                    "FLOAT",
                    {
                        "default": 0.0,
                        "min": 0.0,
                        "max": 50.0,
                        "step": 0.1,
                        "tooltip": "0: the model's own weight.",
                    },
                ),
            },
            "optional": {**CLIP_INPUTS, "physics": ("PAVAS_PHYSICS",)},
        }

    def generate(
        self,
        pipeline: PavasPipeline,
        prompt: str,
        negative_prompt: str,
        seed: int,
        steps: int,
        guidance: float,
        video: Any | None = None,
        images: Tensor | None = None,
        fps: float = 25.0,
        physics: Physics | None = None,
    ) -> tuple[dict[str, Any], Physics, str]:
        """Return the sound at its true level, the physics it was made of, and how (JSON).

        Raises:
            InputError: Neither or both of video and images are connected, or impossible settings.
            PhysicsInputError: The physics is of another clip.
        """
        import torch

        clip = clip_of(video, images, fps)
        given: Any = None if physics is None else physics.estimate
        masks = dict(physics.masks) if physics is not None else {}
        options: dict[str, Any] = {"guidance_scale": guidance} if guidance > 0 else {}
        out = pipeline(
            clip.video,
            fps=clip.fps,
            prompt=prompt,
            negative_prompt=negative_prompt,
            physics="none" if given is not None and not given.objects else given,
            masks=masks or None,
            seed=seed,
            num_inference_steps=steps or None,
            callback_on_step_end=_told_to_comfyui(),
            **options,
        )
        waveform = torch.from_numpy(out.audio.samples.copy())[None]
        sound = {"waveform": waveform, "sample_rate": out.audio.sample_rate_hz}
        made_of = Physics(estimate=out.physics, masks=masks)
        return sound, made_of, json.dumps(out.provenance, indent=1)


def _told_to_comfyui() -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
    """A step's end: ComfyUI's bar moves, and its button stops the work. Without ComfyUI: nothing."""
    tools = sys.modules.get("comfy.utils")
    manager = sys.modules.get("comfy.model_management")
    bar: Any = None

    def told(pipe: PavasPipeline, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        nonlocal bar
        del time, tensors
        if manager is not None:
            manager.throw_exception_if_processing_interrupted()
        if tools is not None:
            bar = bar or tools.ProgressBar(pipe.num_timesteps)
            bar.update_absolute(step + 1)
        return {}

    return told
