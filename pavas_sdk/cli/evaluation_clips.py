"""Simulated clips for evaluation, and the pipeline that makes their sound.

The simulation and the evaluation never import each other; here they meet.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ComponentFailedError, ConfigurationError, PavasError
from pavas_sdk.evaluation import (
    EDITS,
    ClipMeasurement,
    ContactTruth,
    EditMeasurement,
    EvaluationClip,
    measure_clip,
)
from pavas_sdk.evaluation.edits import level_shifts_db

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pavas_sdk.data import Audio, PhysicsEstimate
    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.simulation import SimulatedClip

__all__ = ["SoundOptions", "edit_measurer", "evaluation_clip", "fingerprint", "sound_measurer"]

CODEC, REFERENCE = "codec", "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundOptions:
    """How sounds are made; the settings of a results file.

    Attributes:
        model: Preset, folder or Hub repository; "codec" is the true sound through codec and
            vocoder of the default preset ("codec:MODEL" of another), "reference" the true sound.
        physics: "true", "estimated" or "none".
        prompts: "clip" (the simulated sentence) or "none".
        steps: Euler steps, or None for the pipeline's own number.
        guidance: Guidance scale, or None for the pipeline's own.
        threads: Threads of torch per process, or None for its own choice.
        weights: Fingerprint of the model's files, so that results of changed weights never mix.
    """

    model: str
    physics: str
    prompts: str
    steps: int | None = None
    guidance: float | None = None
    threads: int | None = None
    weights: str = ""

    def settings(self) -> dict[str, Any]:
        """Return what determines the result."""
        return {key: value for key, value in asdict(self).items() if key != "threads"}


def evaluation_clip(seed: int) -> EvaluationClip:
    """Return the simulated clip of a seed: 4 s of 128 x 128 pixels at 25 frames per second."""
    from pavas_sdk.simulation import simulate

    return _as_evaluation_clip(seed, simulate(seed))


def _as_evaluation_clip(seed: int, clip: SimulatedClip) -> EvaluationClip:
    return EvaluationClip(
        clip_id=seed,
        category=clip.label,
        video=clip.video,
        audio=clip.audio,
        physics=clip.physics,
        masks=clip.masks,
        contacts=tuple(
            ContactTruth(
                time_s=contact.time_s,
                object_id=clip.object_of_body.get(contact.body, -1),
                energy_change_j=contact.energy_change_j,
            )
            for contact in clip.contacts
        ),
        prompt=clip.prompt,
    )


def fingerprint(model: str) -> str:
    """Return a short hash of names, sizes and dates of a model's files ("" for the true sound).

    Raises:
        PavasError: There is no such model.
    """
    folder = _folder(model)
    if folder is None:
        return ""
    digest = hashlib.sha256()
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        state = path.stat()
        digest.update(f"{path.relative_to(folder)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]


def sound_measurer(options: SoundOptions) -> Callable[[int], ClipMeasurement]:
    """Load the model and return the function that measures the clip of a seed."""
    maker = _SoundMaker(options)

    def measure(seed: int) -> ClipMeasurement:
        clip = evaluation_clip(seed)
        started = time.perf_counter()
        audio, objects = maker.sound(clip)
        seconds = time.perf_counter() - started
        return measure_clip(clip, audio, objects=objects, seconds=seconds)

    return measure


def edit_measurer(options: SoundOptions) -> Callable[[int], EditMeasurement]:
    """Load the model and return the function that makes every edit of the clip of a seed.

    Raises:
        ConfigurationError: The model is the codec or the true sound, which hear no physics.
    """
    if options.model.split(":")[0] in (CODEC, REFERENCE):
        raise ConfigurationError(
            f"edits of the physics cannot change the {options.model}; give --model a pipeline"
        )
    maker = _SoundMaker(options)

    def measure(seed: int) -> EditMeasurement:
        clip = evaluation_clip(seed)
        before = maker.generated(clip, clip.physics)
        return EditMeasurement(
            clip_id=seed,
            category=clip.category,
            shifts_db={
                edit.name: level_shifts_db(
                    clip, before, maker.generated(clip, edit.applied(clip.physics))
                )
                for edit in EDITS
            },
        )

    return measure


class _SoundMaker:
    """A loaded model; the noise of a clip is that of its seed."""

    def __init__(self, options: SoundOptions) -> None:
        self.options = options
        self.pipe: Any = None
        if options.threads is not None:
            import torch

            torch.set_num_threads(options.threads)
        if options.model != REFERENCE:
            self.pipe = load_pipeline(options.model)

    def sound(self, clip: EvaluationClip) -> tuple[Audio, int | None]:
        """Return a clip's sound and the number of objects it was conditioned on."""
        if self.pipe is None:
            return clip.audio, None
        if self.options.model.split(":")[0] == CODEC:
            return through_codec(self.pipe, clip.audio), None
        if self.options.physics == "true":
            return self.generated(clip, clip.physics), len(clip.physics)
        output = self._call(clip, None if self.options.physics == "estimated" else "none", None)
        return output.audio, len(output.physics)

    def generated(self, clip: EvaluationClip, physics: PhysicsEstimate) -> Audio:
        """Return a clip's sound for given physics and its true masks."""
        audio: Audio = self._call(clip, physics, clip.masks).audio
        return audio

    def _call(self, clip: EvaluationClip, physics: Any, masks: Any) -> Any:
        import torch

        try:
            return self.pipe(
                clip.video,
                prompt=clip.prompt if self.options.prompts == "clip" else "",
                physics=physics,
                masks=masks,
                num_inference_steps=self.options.steps,
                guidance_scale=self.options.guidance,
                generator=torch.Generator().manual_seed(clip.clip_id),
            )
        except PavasError as err:
            raise ComponentFailedError(f"simulated clip {clip.clip_id}: {err}") from err


def load_pipeline(model: str) -> PavasPipeline:
    """Return the pipeline that ``model`` names, silent."""
    from diffusers.utils.logging import disable_progress_bar

    from pavas_sdk.pipelines import PavasPipeline

    disable_progress_bar()
    pipe: PavasPipeline = PavasPipeline.from_pretrained(_source(model))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def through_codec(pipe: PavasPipeline, audio: Audio) -> Audio:
    """Return ``audio`` encoded and decoded: the best that the model's codec allows.

    Raises:
        ConfigurationError: The codec works at another sample rate.
    """
    import torch

    from pavas_sdk.models import MEL_16K, MEL_44K, MelSpectrogram

    rate = pipe.config.sample_rate_hz
    mel = {config.sample_rate_hz: config for config in (MEL_16K, MEL_44K)}.get(rate)
    if mel is None or audio.sample_rate_hz != rate:
        raise ConfigurationError(
            f"the codec works at {rate} Hz, simulated clips have {audio.sample_rate_hz} Hz; "
            "choose a 16 kHz model"
        )
    whole = audio.fitted(pipe.sequence.audio_samples(audio.duration_s))
    with torch.no_grad():
        bands = MelSpectrogram(mel)(torch.from_numpy(whole.mono.copy())[None])
        codes = pipe.vae.encode(bands.to(pipe.vae.dtype)).mean.transpose(1, 2)
        decoded = pipe.decode_latents(
            pipe.transformer.normalize(codes.to(pipe.transformer.dtype)),
            duration_s=audio.duration_s,
        )
    assert not isinstance(decoded, torch.Tensor)
    return decoded.with_gain(-pipe.config.output_gain_db)


def _source(model: str) -> str:
    from pavas_sdk.registry import DEFAULTS

    head, _, rest = model.partition(":")
    if head != CODEC:
        return model
    return rest or DEFAULTS["pipeline"]


def _folder(model: str) -> Path | None:
    if model == REFERENCE:
        return None
    from pavas_sdk.pipelines.saved import resolve_folder
    from pavas_sdk.registry import default_registry

    return resolve_folder(_source(model), registry=default_registry())
