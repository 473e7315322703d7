"""The arguments of a call: checked together, then one entry per video and per sound."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from pavas_sdk.data.frames import (
    FRAME_SAMPLING,
    ReferenceClockSource,
    Window,
    WindowSource,
    facts_of,
)
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.media import open_picture
from pavas_sdk.pipelines.no_video import NoVideo
from pavas_sdk.pipelines.physics_input import PhysicsRequest, check_fits, read_physics

if TYPE_CHECKING:
    from pavas_sdk.data import FrameSource, MaskTrack

__all__ = ["CallArguments", "Draw", "Item", "gather"]

Kind = Literal["video", "image", "text"]

OUTPUT_TYPES = ("audio", "pt", "mel", "latent")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draw:
    """The noise of one sound.

    Attributes:
        generator: Source of the noise, or None when ``latents`` are given.
        latents: Given noise, or None.
        seed: Seed of the generator, or None.
    """

    generator: torch.Generator | None
    latents: torch.Tensor | None
    seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """One video of a call.

    Attributes:
        kind: "video", "image" (a still) or "text" (no pictures at all).
        source: Its frames.
        path: Its file, or None.
        start_s: Where in the file the source begins.
        prompt: What is to be heard.
        negative_prompt: What is not.
        physics: What is wanted.
        masks: Given masks, or None.
        draws: One per sound.
        notes: What should be known about the video.
    """

    kind: Kind
    source: FrameSource
    path: str | None
    start_s: float
    prompt: str | None
    negative_prompt: str | None
    physics: PhysicsRequest
    masks: Mapping[int, MaskTrack] | None
    draws: tuple[Draw, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallArguments:
    """Everything that a call needs.

    Attributes:
        items: One per video.
        num_inference_steps: Euler steps.
        guidance_scale: Weight of the conditions.
    """

    items: tuple[Item, ...]
    num_inference_steps: int
    guidance_scale: float

    @property
    def total_steps(self) -> int:
        """Steps of all sounds together."""
        return self.num_inference_steps * sum(len(item.draws) for item in self.items)


def gather(
    video: Any,
    *,
    image: Any,
    open_source: Callable[[Any], FrameSource],
    prompt: Any,
    negative_prompt: Any,
    physics: Any,
    masks: Any,
    duration_s: float | None,
    num_inference_steps: Any,
    guidance_scale: Any,
    num_waveforms_per_video: Any,
    generator: Any,
    latents: Any,
    output_type: str,
    frame_sampling: str,
    tensor_inputs: Sequence[str],
    known_tensor_inputs: Sequence[str],
    can_estimate: bool,
    min_duration_s: float = 0.0,
) -> CallArguments:
    """Check the arguments of a call and lay them out per video.

    Cheap problems are gathered and raised together, before any file is opened; then documents
    and videos are opened, before any work is done.

    Raises:
        InputError: Arguments that cannot work, or a clip that is too short for the model.
        MediaError: A video or picture cannot be opened.
    """
    per_video = num_waveforms_per_video
    problems = _numbers(num_inference_steps, guidance_scale, per_video, duration_s)
    kind, entries = _pictures(video, image, prompt, duration_s, problems)
    count = len(entries)
    if output_type not in OUTPUT_TYPES:
        problems.append(
            f"output_type must be one of {', '.join(OUTPUT_TYPES)}, got {output_type!r}"
        )
    if frame_sampling not in FRAME_SAMPLING:
        problems.append(
            f"frame_sampling must be one of {', '.join(FRAME_SAMPLING)}, got {frame_sampling!r}"
        )
    unknown = sorted(set(tensor_inputs) - set(known_tensor_inputs))
    if unknown:
        problems.append(
            f"callback_on_step_end_tensor_inputs knows {', '.join(known_tensor_inputs)}, got "
            f"{', '.join(unknown)}"
        )
    prompts = _spread("prompt", prompt, count, (str, type(None)), problems)
    negatives = _spread("negative_prompt", negative_prompt, count, (str, type(None)), problems)
    estimates = _spread("physics", physics, count, (), problems)
    tracks = _spread("masks", masks, count, (Mapping, type(None)), problems)
    sounds = count * per_video if isinstance(per_video, int) else count
    generators = _generators(generator, sounds, problems)
    noises = _spread("latents", latents, sounds, (torch.Tensor, type(None)), problems)
    if problems:
        raise InputError("; ".join(problems))
    requests = [read_physics(entry) for entry in estimates]
    if kind != "video":
        requests = [_without_video(request, kind) for request in requests]
    if not can_estimate and any(request.needs_estimator for request in requests):
        raise ConfigurationError(
            "this pipeline has no physics estimator; pass physics= for every video (an estimate, "
            'its JSON file, or "none"), or load the pipeline with its estimator'
        )
    items = []
    for index, entry in enumerate(entries):
        source = _open(kind, entry, duration_s, open_source)
        whole = requests[index].given
        if whole is not None:
            check_fits(whole, source, tracks[index])
        path = source.source
        items.append(
            Item(
                kind=kind,
                source=(
                    _sampled(source, duration_s, frame_sampling) if kind == "video" else source
                ),
                path=path if kind == "video" and path and Path(path).is_file() else None,
                start_s=facts_of(source).start_s,
                prompt=prompts[index],
                negative_prompt=negatives[index],
                physics=requests[index],
                masks=tracks[index],
                draws=tuple(
                    _draw(generators[sound], noises[sound])
                    for sound in range(index * per_video, (index + 1) * per_video)
                ),
                notes=facts_of(source).warnings,
            )
        )
    _check_durations(items, min_duration_s)
    return CallArguments(
        items=tuple(items),
        num_inference_steps=num_inference_steps,
        guidance_scale=float(guidance_scale),
    )


def _pictures(
    video: Any, image: Any, prompt: Any, duration_s: float | None, problems: list[str]
) -> tuple[Kind, list[Any]]:
    """Return what the sounds are made for, one entry per sound's clip: what the user gave."""
    if video is not None and image is not None:
        problems.append("video and image are both given; give one of them")
    if video is not None:
        kind: Kind = "video"
        entries = list(video) if isinstance(video, list | tuple) else [video]
    elif image is not None:
        kind = "image"
        entries = list(image) if isinstance(image, list | tuple) else [image]
    else:
        kind = "text"
        entries = [None] * (len(prompt) if isinstance(prompt, list | tuple) else 1)
    if not entries:
        problems.append(f"{'prompt' if kind == 'text' else kind} is an empty list")
    if kind != "video" and duration_s is None:
        what = "a still picture" if kind == "image" else "text alone"
        problems.append(f"a sound for {what} needs duration_s, its length in seconds")
    return kind, entries


def _open(
    kind: Kind, entry: Any, duration_s: float | None, open_source: Callable[[Any], FrameSource]
) -> FrameSource:
    if kind == "video":
        return open_source(entry)
    assert duration_s is not None
    return open_picture(entry, duration_s) if kind == "image" else NoVideo(duration_s)


def _without_video(request: PhysicsRequest, kind: Kind) -> PhysicsRequest:
    """Without a video there is nothing to estimate: a given estimate, or no physics.

    Raises:
        InputError: Physics that needs a video, or with text alone any physics.
    """
    if request.overrides is not None or (request.given is not None and kind == "text"):
        raise InputError(
            f"physics needs {'pictures' if kind == 'text' else 'a video, or a whole estimate'}; "
            'leave it out, or pass physics="none"'
        )
    return request if request.given is not None else PhysicsRequest(disabled=True)


def _check_durations(items: Sequence[Item], min_duration_s: float) -> None:
    short = [item for item in items if item.source.duration_s < min_duration_s - 1e-9]
    if short:
        listed = ", ".join(
            f"{item.path or 'a clip'} lasts {item.source.duration_s:.2f} s" for item in short
        )
        raise InputError(
            f"{listed}; this model needs at least {min_duration_s:g} s (one segment of its "
            "synchronisation encoder); give a longer clip, or duration_s"
        )


def _numbers(
    steps: Any, guidance_scale: Any, per_video: Any, duration_s: float | None
) -> list[str]:
    problems = []
    for name, value in (("num_inference_steps", steps), ("num_waveforms_per_video", per_video)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            problems.append(f"{name} must be a whole number of at least 1, got {value!r}")
    if not (isinstance(guidance_scale, int | float) and math.isfinite(guidance_scale)):
        problems.append(f"guidance_scale must be a finite number, got {guidance_scale!r}")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        problems.append(f"duration_s must be above 0 seconds, got {duration_s!r}")
    return problems


def _spread(
    name: str, value: Any, count: int, types: tuple[type, ...], problems: list[str]
) -> list[Any]:
    """Return one value per entry: a list of the right length as it is, else copies."""
    values = list(value) if isinstance(value, list | tuple) else [value] * count
    if len(values) != count:
        problems.append(f"{name} has {len(values)} entries, expected 1 or {count}")
        return [None] * count
    wrong = [type(entry).__name__ for entry in values if types and not isinstance(entry, types)]
    if wrong:
        expected = " or ".join(t.__name__ for t in types if t is not type(None))
        problems.append(f"{name} must be {expected}, got {wrong[0]}")
    return values


def _generators(value: Any, sounds: int, problems: list[str]) -> list[torch.Generator | None]:
    """One generator per sound: the given list, or the given one (drawn from in turn)."""
    if value is None:
        return [torch.Generator().manual_seed(secrets.randbits(32)) for _ in range(sounds)]
    values = list(value) if isinstance(value, list | tuple) else [value] * sounds
    if len(values) != sounds:
        problems.append(f"generator has {len(values)} entries, expected 1 or {sounds}")
    elif not all(isinstance(entry, torch.Generator) for entry in values):
        problems.append(
            "generator must be a torch.Generator, for example "
            f"torch.Generator().manual_seed(0), got {type(values[0]).__name__}"
        )
    else:
        return values
    return [None] * sounds


def _draw(generator: torch.Generator | None, latents: torch.Tensor | None) -> Draw:
    if latents is not None:
        return Draw(generator=None, latents=latents, seed=None)
    seed = None if generator is None else generator.initial_seed()
    return Draw(generator=generator, latents=None, seed=seed)


def _sampled(source: FrameSource, duration_s: float | None, frame_sampling: str) -> FrameSource:
    if frame_sampling == "reference":
        whole_s = source.duration_s
        return ReferenceClockSource(source, min(duration_s or whole_s, whole_s))
    return _shortened(source, duration_s)


def _shortened(source: FrameSource, duration_s: float | None) -> FrameSource:
    if duration_s is None or duration_s >= source.duration_s:
        return source
    return WindowSource(source, Window(start_s=0.0, end_s=duration_s))
