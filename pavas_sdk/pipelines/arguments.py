"""The types of what a call of the pipeline takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from pavas_sdk.media import VideoInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

    from pavas_sdk.data import Audio, MaskTrack, PhysicsEstimate
    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines.level import Level

__all__ = [
    "AnySound",
    "CallArguments",
    "CallOptions",
    "ClipKind",
    "ImageInput",
    "MasksInput",
    "OptionsOfOne",
    "PhysicsInput",
    "StepCallback",
    "VideoInput",
]

ImageInput: TypeAlias = "str | Path | Image.Image | NDArray[np.uint8]"
"""A path, a PIL image, or uint8 RGB (H, W, 3)."""

PhysicsInput: TypeAlias = "PhysicsEstimate | str | Path | Mapping[str, object] | None"
"""What ``physics=`` takes, for one video."""

MasksInput: TypeAlias = "Mapping[int, MaskTrack] | None"
"""Masks by object id, for one video."""

StepCallback: TypeAlias = (
    "Callable[[Any, int, Tensor, dict[str, Tensor]], Mapping[str, Tensor] | None]"
)
AnySound: TypeAlias = "Audio | Tensor | NDArray[np.float32]"
"""What a call returns as sound, by its ``output_type``."""

ClipKind: TypeAlias = Literal["video", "image", "text"]
"""What a sound is made for."""


class CallOptions(TypedDict, total=False):
    """What a call takes beside the video, whatever it returns; see `PavasPipeline.__call__`."""

    image: ImageInput | Sequence[ImageInput] | None
    prompt: str | Sequence[str | None] | None
    negative_prompt: str | Sequence[str | None] | None
    physics: PhysicsInput | Sequence[PhysicsInput]
    masks: MasksInput | Sequence[MasksInput]
    cache: CacheInput
    duration_s: float | None
    fps: float | Sequence[float | None] | None
    num_inference_steps: int | None
    guidance_scale: float | None
    video_guidance_scale: float | None
    physics_guidance_scale: float | None
    level: Level | None
    batch_size: int
    generator: torch.Generator | Sequence[torch.Generator] | None
    seed: int | Sequence[int] | None
    latents: Tensor | Sequence[Tensor] | None
    frame_sampling: str
    callback_on_step_end: StepCallback | None
    callback_on_step_end_tensor_inputs: Sequence[str]


class OptionsOfOne(TypedDict, total=False):
    """The same for a single clip."""

    image: ImageInput | None
    prompt: str | None
    negative_prompt: str | None
    physics: PhysicsInput
    masks: MasksInput
    cache: CacheInput
    duration_s: float | None
    fps: float | None
    num_inference_steps: int | None
    guidance_scale: float | None
    video_guidance_scale: float | None
    physics_guidance_scale: float | None
    level: Level | None
    generator: torch.Generator | None
    seed: int | None
    latents: Tensor | None
    frame_sampling: str
    callback_on_step_end: StepCallback | None
    callback_on_step_end_tensor_inputs: Sequence[str]


class CallArguments(CallOptions, total=False):
    """Everything that a call takes beside the video."""

    num_waveforms_per_video: int
    output_type: str
    return_dict: bool
