"""What a call is about, once its arguments are checked: clips, and the noise of each sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pavas_sdk.errors import InputError
from pavas_sdk.pipelines.output import PavasOutput

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pavas_sdk.data import FrameSource, PhysicsEstimate
    from pavas_sdk.pipelines.arguments import AnySound, ClipKind, MasksInput
    from pavas_sdk.pipelines.level import Level
    from pavas_sdk.pipelines.output import Provenance
    from pavas_sdk.pipelines.physics_input import PhysicsRequest

__all__ = ["CallInputs", "ClipInput", "InitialNoise", "NoPictures"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InitialNoise:
    """The noise of one sound.

    Attributes:
        index: The sound's place among those of the call.
        generator: Source of the noise, or None when ``latents`` are given.
        latents: Given noise, or None.
    """

    index: int
    generator: torch.Generator | None
    latents: Tensor | None

    @property
    def seed(self) -> int | None:
        """Seed of the generator, or None."""
        return None if self.generator is None else self.generator.initial_seed()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipInput:
    """One clip of a call.

    Attributes:
        kind: "video", "image" (a still) or "text" (no pictures at all).
        source: Its frames.
        path: Its file, or None.
        start_s: Where in the file the source begins.
        prompt: What is to be heard.
        negative_prompt: What is not.
        physics: What is wanted, checked against the video.
        masks: Given masks, or None.
        noises: One per sound.
        notes: What should be known about the video.
    """

    kind: ClipKind
    source: FrameSource
    path: str | None
    start_s: float
    prompt: str | None
    negative_prompt: str | None
    physics: PhysicsRequest
    masks: MasksInput
    noises: tuple[InitialNoise, ...]
    notes: tuple[str, ...] = ()

    def output(
        self, audio: AnySound, physics: PhysicsEstimate, provenance: Provenance
    ) -> PavasOutput[AnySound]:
        """Return a sound of this clip as the call's answer."""
        return PavasOutput(
            audio=audio,
            physics=physics,
            provenance=provenance,
            video_path=self.path,
            video_start_s=self.start_s,
            pictures=self.source if self.kind == "video" and self.path is None else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallInputs:
    """Everything that a call needs.

    Attributes:
        clips: One per video, picture or text.
        num_inference_steps: Euler steps.
        guidance_scale: The one weight of the conditions; None where there are two.
        video_guidance_scale: Weight of the pictures; None where there is one weight.
        physics_guidance_scale: Weight of physics and text; likewise.
        level: Of the sounds: "audible" or "physical".
        batch_size: Sounds that are denoised together.
        several: Whether a list was given, or several sounds per clip are wanted.
    """

    clips: tuple[ClipInput, ...]
    num_inference_steps: int
    guidance_scale: float | None
    video_guidance_scale: float | None
    physics_guidance_scale: float | None
    level: Level
    batch_size: int
    several: bool

    @property
    def total_steps(self) -> int:
        """Steps of all sounds together."""
        return self.num_inference_steps * sum(len(clip.noises) for clip in self.clips)


class NoPictures:
    """The frame source of a text: it only lasts.

    Args:
        duration_s: Seconds.
    """

    source: str | None = None
    frame_rate_hz = 0.0
    height = 0
    width = 0
    time_scale = 1.0

    def __init__(self, duration_s: float) -> None:
        self.duration_s = duration_s

    def read(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuse.

        Raises:
            InputError: Always.
        """
        raise InputError("there is no video to read: this sound is made from text alone")

    frames_at = read
