"""The arguments of a call, checked together and laid out per clip and per sound."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import torch

from pavas_sdk.data.frames import (
    FRAME_SAMPLING,
    ReferenceClockSource,
    Window,
    WindowSource,
    facts_of,
)
from pavas_sdk.errors import InputError
from pavas_sdk.media import as_source, is_frame_list, open_picture
from pavas_sdk.pipelines.clip_input import CallInputs, ClipInput, InitialNoise, NoPictures
from pavas_sdk.pipelines.level import LEVELS
from pavas_sdk.pipelines.physics_input import PhysicsRequest, read_physics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.data import FrameSource
    from pavas_sdk.pipelines.arguments import (
        CallArguments,
        ClipKind,
        ImageInput,
        MasksInput,
        VideoInput,
    )
    from pavas_sdk.pipelines.guidance import GuidanceScales
    from pavas_sdk.pipelines.level import Level, LevelLaw

__all__ = ["check_call"]

LONGEST_S = 86_400.0

OUTPUT_TYPES = ("audio", "np", "pt", "mel", "latent")


def check_call(
    video: object,
    arguments: CallArguments,
    *,
    num_inference_steps: int,
    guidance: GuidanceScales,
    level_law: LevelLaw | None,
    min_duration_s: float,
    tensor_inputs: Sequence[str],
    can_estimate: bool,
    uses_physics: bool,
) -> CallInputs:
    """Check the arguments of a call and lay them out per clip.

    Cheap problems are gathered and raised together, before any file is opened; then documents
    and videos are opened, before any work is done.

    Args:
        video: As in `PavasPipeline.__call__`.
        arguments: All other arguments of a call.
        num_inference_steps: Where the call leaves it to the pipeline.
        guidance: Likewise.
        level_law: Of the model; with it the level is "audible" where the call leaves it open, and
            without it only "physical" is possible.
        min_duration_s: Shorter clips are refused.
        tensor_inputs: What a callback can ask for.
        can_estimate: Whether the pipeline has a physics estimator.
        uses_physics: Whether it has a conditioning adapter.

    Raises:
        InputError: Arguments that cannot work, or a clip that is too short for the model.
        ConfigurationError: Physics is neither given nor can it be estimated.
        FormatError: A physics document is malformed.
        PhysicsInputError: Physics or masks that do not fit the video.
        MediaError: A video or picture cannot be opened.
    """
    problems: list[str] = []
    kind, entries = _entries(video, arguments, problems)
    steps, per_clip = _numbers(arguments, num_inference_steps, problems)
    scales = guidance.resolved(arguments, problems)
    level = _level(arguments, level_law, problems)
    _check_choices(arguments, tensor_inputs, problems)
    count, sounds = len(entries), len(entries) * per_clip
    prompts = _spread("prompt", arguments["prompt"], count, (str, type(None)), problems)
    negatives = _spread(
        "negative_prompt", arguments["negative_prompt"], count, (str, type(None)), problems
    )
    physics = _spread("physics", arguments["physics"], count, (), problems)
    masks = _spread("masks", arguments["masks"], count, (Mapping, type(None)), problems)
    rates = _spread("fps", arguments["fps"], count, (int, float, type(None)), problems)
    if kind != "video" and arguments["fps"] is not None:
        problems.append("fps is of a video's frames, and no video is given; leave it out")
    noises = _noises(arguments, sounds, per_clip, problems)
    if problems:
        raise InputError("; ".join(problems))
    requests = [
        read_physics(entry, kind=kind, can_estimate=can_estimate, is_used=uses_physics)
        for entry in physics
    ]
    clips = tuple(
        _clip(
            kind,
            entry,
            arguments,
            fps=rates[index],
            prompt=prompts[index],
            negative_prompt=negatives[index],
            physics=requests[index],
            masks=masks[index],
            noises=tuple(noises[index * per_clip : (index + 1) * per_clip]),
        )
        for index, entry in enumerate(entries)
    )
    _check_durations(clips, min_duration_s)
    given = {"video": video, "image": arguments["image"], "text": arguments["prompt"]}[kind]
    return CallInputs(
        clips=clips,
        num_inference_steps=steps,
        guidance_scale=scales.guidance_scale,
        video_guidance_scale=scales.video_guidance_scale,
        physics_guidance_scale=scales.physics_guidance_scale,
        level=level,
        batch_size=arguments["batch_size"],
        several=_is_list(given, kind) or sounds > 1,
    )


def _is_list(given: object, kind: ClipKind) -> TypeGuard[Sequence[object]]:
    """Several videos, pictures or texts; a list of pictures given as the video is one video."""
    one_video = kind == "video" and is_frame_list(given)
    return isinstance(given, list | tuple) and not one_video


def _entries(
    video: object, arguments: CallArguments, problems: list[str]
) -> tuple[ClipKind, list[object]]:
    """Return what the sounds are made for, one entry per clip: what the user gave."""
    image, prompt = arguments["image"], arguments["prompt"]
    if video is not None and image is not None:
        problems.append("video and image are both given; give one of them")
    kind: ClipKind = "text"
    entries: list[object] = [None] * (len(prompt) if isinstance(prompt, list | tuple) else 1)
    for name, given in (("image", image), ("video", video)):
        if given is not None:
            kind = "video" if name == "video" else "image"
            entries = list(given) if _is_list(given, kind) else [given]
    if not entries:
        problems.append(f"{'prompt' if kind == 'text' else kind} is an empty list")
    if kind != "video" and arguments["duration_s"] is None:
        what = "a still picture" if kind == "image" else "text alone"
        needs = f"a sound for {what} needs duration_s, its length in seconds"
        nothing = kind == "text" and not prompt
        problems.append(f"give a video, an image= or a prompt=; {needs}" if nothing else needs)
    return kind, entries


def _numbers(arguments: CallArguments, default_steps: int, problems: list[str]) -> tuple[int, int]:
    """Return steps and sounds per clip."""
    steps = arguments["num_inference_steps"]
    steps = default_steps if steps is None else steps
    per_clip, duration_s = arguments["num_waveforms_per_video"], arguments["duration_s"]
    # whatever the annotations say, anything may have been given
    whole: dict[str, object] = {
        "num_inference_steps": steps,
        "num_waveforms_per_video": per_clip,
        "batch_size": arguments["batch_size"],
    }
    for name, value in whole.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            problems.append(f"{name} must be a whole number of at least 1, got {value!r}")
            per_clip = 1  # so that the other problems can be found
    if duration_s is not None and not 0 < duration_s <= LONGEST_S:
        problems.append(
            f"duration_s must be above 0 seconds and at most {LONGEST_S:g} (a day), got {duration_s!r}"
        )
    return steps, per_clip


def _level(arguments: CallArguments, law: LevelLaw | None, problems: list[str]) -> Level:
    level = arguments["level"]
    if level is None:
        return "physical" if law is None else "audible"
    if level not in LEVELS:
        problems.append(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
    elif level == "audible" and law is None:
        problems.append(
            'level="audible" needs a model whose levels were measured, and those of this one were '
            'not; leave it out, or use level="physical"'
        )
    return level


def _check_choices(
    arguments: CallArguments, tensor_inputs: Sequence[str], problems: list[str]
) -> None:
    for name, value, choices in (
        ("output_type", arguments["output_type"], OUTPUT_TYPES),
        ("frame_sampling", arguments["frame_sampling"], FRAME_SAMPLING),
    ):
        if value not in choices:
            problems.append(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    unknown = sorted({*arguments["callback_on_step_end_tensor_inputs"]} - set(tensor_inputs))
    if unknown:
        problems.append(
            f"callback_on_step_end_tensor_inputs knows {', '.join(tensor_inputs)}, got "
            f"{', '.join(unknown)}"
        )


def _spread(
    name: str, value: object, count: int, types: tuple[type, ...], problems: list[str]
) -> list[Any]:
    """Return one value per entry: a list of the right length as it is, else copies."""
    values = list(value) if isinstance(value, list | tuple) else [value] * count
    if len(values) != count:
        problems.append(f"{name} has {len(values)} entries, expected 1 or {count}")
        return values
    wrong = [type(entry).__name__ for entry in values if types and not isinstance(entry, types)]
    if wrong:
        expected = " or ".join(t.__name__ for t in types if t is not type(None))
        problems.append(f"{name} must be {expected}, got {wrong[0]}")
    return values


def _noises(
    arguments: CallArguments, sounds: int, per_clip: int, problems: list[str]
) -> list[InitialNoise]:
    """One source of noise per sound: given latents, else a generator of its own or a shared one."""
    latents = _spread("latents", arguments["latents"], sounds, (torch.Tensor, type(None)), problems)
    given = arguments["generator"]
    if arguments["seed"] is not None:
        given = _seeded(arguments, sounds, per_clip, problems)
    if given is None:
        generators = [torch.Generator().manual_seed(secrets.randbits(32)) for _ in range(sounds)]
    else:
        generators = list(given) if isinstance(given, list | tuple) else [given] * sounds  # type: ignore[list-item]
    if len(generators) != sounds:
        problems.append(f"generator has {len(generators)} entries, expected 1 or {sounds}")
    elif not all(isinstance(entry, torch.Generator) for entry in generators):
        problems.append(
            "generator must be a torch.Generator, for example "
            f"torch.Generator().manual_seed(0), got {type(generators[0]).__name__}"
        )
    return [
        InitialNoise(index=index, generator=None if noise is not None else generator, latents=noise)
        # of equal lengths, or a problem was noted
        for index, (generator, noise) in enumerate(zip(generators, latents, strict=False))
    ]


def _seeded(
    arguments: CallArguments, sounds: int, per_clip: int, problems: list[str]
) -> list[torch.Generator] | None:
    """Return a generator per sound, as the command line has them: every clip begins at the seed."""
    others = {"generator": arguments["generator"], "latents": arguments["latents"]}
    problems += [
        f"seed and {name} are both given; give one of them"
        for name, other in others.items()
        if other is not None
    ]
    given: object = arguments["seed"]
    seeds = list(given) if isinstance(given, list | tuple) else None
    wrong = [
        value
        for value in ([given] if seeds is None else seeds)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63
    ]
    if wrong:
        problems.append(f"seed must be a whole number from 0 to 2**63 - 1, got {wrong[0]!r}")
        return None
    if seeds is None:
        assert isinstance(given, int)
        seeds = [given + index % per_clip for index in range(sounds)]
    elif len(seeds) != sounds:
        problems.append(f"seed has {len(seeds)} entries, expected 1 or {sounds}")
        return None
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _clip(
    kind: ClipKind,
    entry: object,
    arguments: CallArguments,
    *,
    fps: float | None,
    prompt: str | None,
    negative_prompt: str | None,
    physics: PhysicsRequest,
    masks: MasksInput,
    noises: tuple[InitialNoise, ...],
) -> ClipInput:
    """Open one clip and check its physics against it."""
    duration_s = arguments["duration_s"]
    if kind == "video":
        whole = as_source(cast("VideoInput", entry), fps=fps)
        source = _sampled(whole, duration_s, arguments["frame_sampling"])
    else:
        assert duration_s is not None  # see _entries
        picture = cast("ImageInput", entry)
        whole = open_picture(picture, duration_s) if kind == "image" else NoPictures(duration_s)
        source = whole
    physics.check_fits(whole, masks)
    path = whole.source
    return ClipInput(
        kind=kind,
        source=source,
        path=path if kind == "video" and path and Path(path).is_file() else None,
        start_s=facts_of(whole).start_s,
        prompt=prompt,
        negative_prompt=negative_prompt,
        physics=physics,
        masks=masks,
        noises=noises,
        notes=facts_of(whole).warnings,
    )


def _sampled(source: FrameSource, duration_s: float | None, frame_sampling: str) -> FrameSource:
    whole_s = source.duration_s
    if frame_sampling == "reference":
        return ReferenceClockSource(source, min(duration_s or whole_s, whole_s))
    if duration_s is None or duration_s >= whole_s:
        return source
    return WindowSource(source, Window(start_s=0.0, end_s=duration_s))


def _check_durations(clips: Sequence[ClipInput], min_duration_s: float) -> None:
    for clip in clips:
        if clip.source.duration_s > LONGEST_S:
            raise InputError(
                f"{clip.path or 'a clip'} lasts {clip.source.duration_s / 3600:.0f} hours; at most "
                f"{LONGEST_S / 3600:g} can be done at once: give a part of it (--start, --end, "
                "duration_s), or its true rate when the clock is wrong (--fps)"
            )
    short = [clip for clip in clips if clip.source.duration_s < min_duration_s - 1e-9]
    if short:
        listed = ", ".join(
            f"{clip.path or 'a clip'} lasts {clip.source.duration_s:.2f} s" for clip in short
        )
        raise InputError(
            f"{listed}; this model needs at least {min_duration_s:g} s (one segment of its "
            "synchronisation encoder); give a longer clip, or duration_s"
        )
