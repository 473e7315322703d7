"""What a call does once its arguments are checked: the sounds of its clips, step by step.

Each step is a public method of the pipeline, and can be called alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pavas_sdk.data import Audio
from pavas_sdk.pipelines.batching import EncodedSound, SoundBatches, stacked_conditions
from pavas_sdk.pipelines.decoding import sound_as
from pavas_sdk.pipelines.provenance import sound_provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines.arguments import AnySound, StepCallback
    from pavas_sdk.pipelines.clip_input import CallInputs, ClipInput
    from pavas_sdk.pipelines.output import PavasOutput
    from pavas_sdk.pipelines.pipeline import PavasPipeline

__all__ = ["IN_A_BATCH", "make_sounds"]

IN_A_BATCH = "made in a batch with others: equal to a sound made alone to rounding, not to the bit"


def make_sounds(
    pipe: PavasPipeline,
    inputs: CallInputs,
    *,
    cache: CacheInput,
    output_type: str,
    callback_on_step_end: StepCallback | None,
    callback_on_step_end_tensor_inputs: Sequence[str],
) -> list[PavasOutput[AnySound]]:
    """Return every sound of a call, in the order of its clips and their noises.

    Args:
        pipe: Whose steps are taken.
        inputs: From ``pipe.check_inputs``.
        cache: See `PavasPipeline.__call__`, as the others.
        output_type: Form of the sounds.
        callback_on_step_end: Called after each step of the flow.
        callback_on_step_end_tensor_inputs: Which tensors it gets.
    """
    outputs: dict[int, PavasOutput[AnySound]] = {}
    batches = SoundBatches(inputs.batch_size)
    with pipe.progress_bar(total=inputs.total_steps) as progress:

        def denoised(sounds: Sequence[EncodedSound]) -> Tensor:
            return pipe.denoise(
                torch.cat([sound.latents for sound in sounds]),
                stacked_conditions(sounds),
                torch.cat([sound.text for sound in sounds]),
                torch.cat([sound.negative_text for sound in sounds]),
                num_inference_steps=inputs.num_inference_steps,
                guidance_scale=inputs.guidance_scale,
                video_guidance_scale=inputs.video_guidance_scale,
                physics_guidance_scale=inputs.physics_guidance_scale,
                callback_on_step_end=callback_on_step_end,
                callback_on_step_end_tensor_inputs=callback_on_step_end_tensor_inputs,
                progress=progress,
            )

        def finish(sounds: Sequence[EncodedSound]) -> None:
            final = denoised(sounds)
            for sound, latents in zip(sounds, final.split(1), strict=True):
                outputs[sound.noise.index] = _decoded(
                    pipe, inputs, sound, latents, output_type, in_a_batch=len(sounds) > 1
                )

        for clip in inputs.clips:
            for sound in _encoded(pipe, inputs, clip, cache):
                for full in batches.add(sound):
                    finish(full)
        for remaining in batches.rest():
            finish(remaining)
    return [outputs[index] for index in sorted(outputs)]


def _encoded(
    pipe: PavasPipeline, inputs: CallInputs, clip: ClipInput, cache: CacheInput
) -> Iterator[EncodedSound]:
    """A clip's sounds, ready to be denoised: physics and encoding are done once for all of them."""
    physics, tracks, notes = pipe.physics_and_masks(
        clip.source, clip.physics, prompt=clip.prompt or "", masks=clip.masks, cache=cache
    )
    # CLIP first, so that an offloaded one is needed once
    text, negative_text = pipe.encode_prompt(clip.prompt, clip.negative_prompt)
    conditions = pipe.encode_conditions(clip, physics, tracks)
    level = pipe.plan_level(
        physics,
        level=inputs.level,
        duration_s=clip.source.duration_s,
        told=not clip.physics.disabled,
    )
    for noise in clip.noises:
        latents = pipe.prepare_latents(
            conditions[-1].window.stop, generator=noise.generator, latents=noise.latents
        )
        yield EncodedSound(
            clip=clip,
            noise=noise,
            latents=latents,
            conditions=conditions,
            text=text,
            negative_text=negative_text,
            physics=physics,
            level=level,
            notes=notes,
        )


def _decoded(
    pipe: PavasPipeline,
    inputs: CallInputs,
    sound: EncodedSound,
    latents: Tensor,
    output_type: str,
    *,
    in_a_batch: bool,
) -> PavasOutput[AnySound]:
    """One sound from its latents (1, N, C): at its level, in the wanted form, with how it was made."""
    clip = sound.clip
    audio = pipe.decode_latents(
        latents,
        duration_s=clip.source.duration_s,
        output_type="audio" if output_type in ("np", "pt") else output_type,
    )
    gain = sound.level
    if isinstance(audio, Audio):
        audio, gain = pipe.set_level(audio, gain)
    notes = (*sound.notes, IN_A_BATCH) if in_a_batch else sound.notes
    origin = sound_provenance(pipe, clip, inputs, sound.physics, sound.noise, gain, notes)
    return clip.output(sound_as(audio, output_type), sound.physics, origin)
