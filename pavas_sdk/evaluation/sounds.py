"""What is evaluated: the sound that a model makes for a clip."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ComponentFailedError, ConfigurationError, PavasError
from pavas_sdk.evaluation.clip import resampled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.data import Audio, LabelledClip, MaskTrack, PhysicsEstimate
    from pavas_sdk.pipelines import PavasOutput, PavasPipeline

__all__ = ["SoundMaker", "SoundOptions", "fingerprint", "sound_options"]

CODEC, REFERENCE = "codec", "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundOptions:
    """How sounds are made; the settings of a results file.

    Attributes:
        model: Preset, folder or Hub repository; "codec" is the true sound through codec and
            vocoder of the default preset ("codec:MODEL" of another), "reference" the true sound.
        physics: "true", "estimated" or "none".
        prompts: "clip" (the clip's own sentence) or "none".
        steps: Euler steps, or None for the pipeline's own number.
        guidance: Guidance scale, or None for the pipeline's own.
        video_guidance: Weight of the pictures, likewise.
        physics_guidance: Weight of physics and text, likewise.
        threads: Threads of torch per process, or None for its own choice.
        weights: Fingerprint of the model's files, so that results of changed weights never mix;
            with an adapter, of its files, too.
        adapter: Folder or Hub repository of an adapter in place of the model's own.
    """

    model: str
    physics: str
    prompts: str
    steps: int | None = None
    guidance: float | None = None
    video_guidance: float | None = None
    physics_guidance: float | None = None
    threads: int | None = None
    weights: str = ""
    adapter: str | None = None

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Another word for the physics or the prompts.
        """
        for name, known in (
            ("physics", ("true", "estimated", "none")),
            ("prompts", ("clip", "none")),
        ):
            if getattr(self, name) not in known:
                raise ConfigurationError(
                    f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )

    def settings(self) -> dict[str, Any]:
        """Return what determines the result."""
        found = {key: value for key, value in asdict(self).items() if key != "threads"}
        if self.adapter is None:
            del found["adapter"]  # as in files from before there was one
        return found


def sound_options(
    model: str | None = None,
    *,
    physics: str = "true",
    prompts: str = "auto",
    steps: int | None = None,
    guidance: float | None = None,
    video_guidance: float | None = None,
    physics_guidance: float | None = None,
    adapter: str | None = None,
) -> SoundOptions:
    """Return the options of a model that is on this machine.

    Args:
        model: See `SoundOptions`; None is the default preset.
        physics: "true", "estimated" or "none".
        prompts: "clip", "none", or "auto": "none" with estimated physics, as the sentence names
            what the estimators have to find, else "clip".
        steps: Euler steps.
        guidance: Guidance scale.
        video_guidance: Weight of the pictures.
        physics_guidance: Weight of physics and text.
        adapter: See `SoundOptions`.

    Raises:
        ConfigurationError: An adapter for the true sound, which no model makes.
        PavasError: There is no such model or adapter.
    """
    from pavas_sdk.pipelines.adapters import fetch_adapter
    from pavas_sdk.registry import DEFAULTS

    name = model or DEFAULTS["pipeline"]
    if prompts == "auto":
        prompts = "none" if physics == "estimated" else "clip"
    weights = fingerprint(name)
    if adapter is not None:
        if name.split(":")[0] in (CODEC, REFERENCE):
            raise ConfigurationError(
                f"--model {name} is the true sound: leave --adapter out, or name a model"
            )
        weights = f"{weights}-{_fingerprint_of(fetch_adapter(adapter))}"
    return SoundOptions(
        model=name,
        physics=physics,
        prompts=prompts,
        steps=steps,
        guidance=guidance,
        video_guidance=video_guidance,
        physics_guidance=physics_guidance,
        weights=weights,
        adapter=adapter,
    )


def fingerprint(model: str) -> str:
    """Return a short hash of names, sizes and dates of a model's files ("" for the true sound).

    Raises:
        PavasError: There is no such model.
    """
    folder = _folder(model)
    return "" if folder is None else _fingerprint_of(folder)


def _fingerprint_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        state = path.stat()
        digest.update(f"{path.relative_to(folder)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]


class SoundMaker:
    """A loaded model that makes the sound of clips."""

    def __init__(self, options: SoundOptions) -> None:
        """Load the model.

        Raises:
            PavasError: There is no such model, or it cannot be loaded.
        """
        self.options = options
        self.pipe: PavasPipeline | None = None
        if options.threads is not None:
            import torch

            torch.set_num_threads(options.threads)
        if options.model != REFERENCE:
            self.pipe = load_pipeline(options.model)
            if options.adapter is not None:
                self.pipe.load_adapter(options.adapter)

    def sound(self, clip: LabelledClip, seed: int) -> tuple[Audio, int | None]:
        """Return a clip's sound and the number of objects it was conditioned on.

        Args:
            clip: The clip.
            seed: Of the noise.

        Raises:
            ComponentFailedError: The pipeline failed on this clip.
            InputError: The true sound is asked for, and the clip has none.
        """
        if self.pipe is None:
            return clip.true_audio, None
        if self.options.model.split(":")[0] == CODEC:
            return through_codec(self.pipe, clip.true_audio), None
        if self.options.physics == "true":
            return self.with_physics(clip, clip.physics, seed), len(clip.physics)
        output = self._call(
            clip, None if self.options.physics == "estimated" else "none", None, seed
        )
        return output.audio, len(output.physics)

    def with_physics(self, clip: LabelledClip, physics: PhysicsEstimate, seed: int) -> Audio:
        """Return a clip's sound for given physics and its true masks.

        Raises:
            ComponentFailedError: The pipeline failed on this clip.
        """
        return self._call(clip, physics, clip.masks, seed).audio

    def _call(
        self,
        clip: LabelledClip,
        physics: PhysicsEstimate | str | None,
        masks: Mapping[int, MaskTrack] | None,
        seed: int,
    ) -> PavasOutput:
        import torch

        assert self.pipe is not None
        try:
            return self.pipe(
                clip.source,
                prompt=clip.prompt if self.options.prompts == "clip" else "",
                physics=physics,
                masks=masks,
                num_inference_steps=self.options.steps,
                guidance_scale=self.options.guidance,
                video_guidance_scale=self.options.video_guidance,
                physics_guidance_scale=self.options.physics_guidance,
                level="physical",
                generator=torch.Generator().manual_seed(seed),
            )
        except PavasError as err:
            raise ComponentFailedError(f"clip {clip.clip_id}: {err}") from err


def load_pipeline(model: str, **given: Any) -> PavasPipeline:
    """Return the pipeline that ``model`` names, silent; ``given`` is for `from_pretrained`."""
    from diffusers.utils.logging import disable_progress_bar

    from pavas_sdk.pipelines import PavasPipeline

    disable_progress_bar()
    pipe: PavasPipeline = PavasPipeline.from_pretrained(_source(model), **given)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def through_codec(pipe: PavasPipeline, audio: Audio) -> Audio:
    """Return ``audio`` encoded and decoded: the best that the model's codec allows.

    Raises:
        ConfigurationError: The codec works at another sample rate.
    """
    import torch

    from pavas_sdk.models import MelSpectrogram, mel_config_of_rate

    rate = pipe.config.sample_rate_hz
    mel = mel_config_of_rate(rate)
    audio = resampled(audio, rate)
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
