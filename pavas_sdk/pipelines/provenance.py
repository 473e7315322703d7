"""How a sound was made: what its sidecar says."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import torch

from pavas_sdk import __version__
from pavas_sdk.data.frames import ReferenceClockSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.data import PhysicsEstimate
    from pavas_sdk.pipelines.clip_input import CallInputs, ClipInput, InitialNoise
    from pavas_sdk.pipelines.level import LevelGain
    from pavas_sdk.pipelines.output import Provenance
    from pavas_sdk.pipelines.pipeline import PavasPipeline

__all__ = ["sound_provenance", "versions"]


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    import diffusers

    return {
        "pavas-sdk": __version__,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "python": platform.python_version(),
    }


def sound_provenance(
    pipe: PavasPipeline,
    clip: ClipInput,
    inputs: CallInputs,
    physics: PhysicsEstimate,
    noise: InitialNoise,
    gain: LevelGain,
    notes: Sequence[str],
) -> Provenance:
    """Return plain JSON that says how a sound was made.

    Args:
        pipe: What made it.
        clip: What it was made for.
        inputs: The call.
        physics: What it was conditioned on.
        noise: What it was made from.
        gain: That brought it to its level.
        notes: What should be known of the physics.
    """
    refs, source = pipe.licences(), clip.source
    texts = [text for text in (clip.prompt, clip.negative_prompt) if text is not None]
    said = [note for text in texts if (note := pipe.clip.text_note(text)) is not None]
    loras, adapter = pipe.active_loras(), pipe.adapter_provenance()
    return {
        "model": next(ref.name for ref in refs if ref.kind == "pipeline"),
        "versions": versions(),
        "components": {
            ref.kind: {
                "name": ref.name,
                "distribution": ref.distribution,
                "version": ref.version,
                "licence": ref.licence,
            }
            for ref in refs
        },
        **({"lora": loras} if loras else {}),
        **({"adapter": adapter} if adapter else {}),
        "video": source.source,
        "duration_s": source.duration_s,
        "frame_rate_hz": source.frame_rate_hz,
        "time_scale": source.time_scale,
        "input": clip.kind,
        "prompt": clip.prompt,
        "negative_prompt": clip.negative_prompt,
        "seed": noise.seed,
        "index": noise.index,
        "num_inference_steps": inputs.num_inference_steps,
        "guidance_scale": inputs.guidance_scale,
        "video_guidance_scale": inputs.video_guidance_scale,
        "physics_guidance_scale": inputs.physics_guidance_scale,
        "noise_temperature": pipe.config.noise_temperature,
        "gain_db": pipe.config.output_gain_db + gain.gain_db,
        "level": gain.level,
        "level_gain": gain.to_json(),
        "sample_rate_hz": pipe.config.sample_rate_hz,
        "device": str(pipe._execution_device),
        "dtype": str(pipe.transformer.dtype).removeprefix("torch."),
        "frame_sampling": (
            "reference" if isinstance(source, ReferenceClockSource) else "timestamps"
        ),
        "interrupted": pipe.interrupt,
        "physics": physics.to_json(),
        "edits": list(physics.edits),
        "notes": list(dict.fromkeys((*physics.notes, *notes, *said, *clip.notes))),
    }
