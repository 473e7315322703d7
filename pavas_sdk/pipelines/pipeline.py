"""PavasPipeline: a video's sound, conditioned on the mass and speed of what moves in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch

from pavas_sdk.data.frames import ReferenceClockSource
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media import as_source
from pavas_sdk.models import SequenceConfig
from pavas_sdk.pipelines.arguments import CallArguments, Item, gather
from pavas_sdk.pipelines.components import check_components_fit
from pavas_sdk.pipelines.conditioning_steps import SHORTEST_S, ConditioningSteps
from pavas_sdk.pipelines.output import PavasOutput
from pavas_sdk.pipelines.provenance import provenance_json
from pavas_sdk.pipelines.sampling_steps import SamplingSteps, kept_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from pavas_sdk.data import FrameSource, MaskTrack, PhysicsEstimate, Video
    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines.physics_input import PhysicsInput

__all__ = ["PavasPipeline"]


class PavasPipeline(ConditioningSteps, SamplingSteps):
    """Generates the sound of a silent video (PAVAS, CVPR 2026).

    Args:
        transformer: Flow backbone (`pavas_sdk.models.MMAudioTransformer`).
        vae: Mel codec.
        vocoder: Mel to waveform.
        scheduler: Sampler (`pavas_sdk.models.FlowMatchEuler`).
        clip: Visual and text encoder.
        sync_encoder: Synchronisation encoder.
        conditioning_adapter: Brings physics to the backbone; None: sound without physics.
        physics_estimator: A `pavas_sdk.physics.PhysicsEstimator`; None: ``physics=`` must be given to every call.
        name: Name of the weights, for provenance.
        licence: Licence of the weights.
        sample_rate_hz: Of the sound.
        hop_length: Samples per mel frame.
        frames_per_latent: Mel frames per latent.
        window_s: What the backbone sees at once; longer videos run in windows.
        overlap_s: How much neighbouring windows share at least.
        num_inference_steps: Default of a call.
        guidance_scale: Default of a call.
        output_gain_db: Applied to every generated sound, and recorded.
        min_duration_s: Shorter videos are refused; 0: they are computed as if their last picture
            stood still, and the sound is cut.
        component_licences: Licence of each component's weights by slot, where they differ from
            ``licence``.
        keep_in_negative: Features that the unconditional branch keeps, "clip", "sync" or
            "clip+sync"; with both, guidance acts on physics and text alone. One string: a list of
            two would look like a component in the saved index.

    Raises:
        ConfigurationError: Components or numbers that do not fit together.

    Example:
        >>> pipe = PavasPipeline.from_pretrained("pavas-tiny")
        >>> out = pipe("clip.mp4", prompt="wooden ball")
        >>> out.save("clip.wav")
        >>> heavier = pipe("clip.mp4", physics=out.physics.with_mass(0, 5.0))
    """

    # diffusers records this in a saved pipeline; files may move, the public module stays.
    __module__ = "pavas_sdk.pipelines"

    model_cpu_offload_seq = "clip->sync_encoder->conditioning_adapter->transformer->vae->vocoder"
    _optional_components = ["conditioning_adapter"]  # noqa: RUF012  # diffusers' own form
    _callback_tensor_inputs = ("latents", "velocity")

    def __init__(
        self,
        transformer: Any,
        vae: Any,
        vocoder: Any,
        scheduler: Any,
        clip: Any,
        sync_encoder: Any,
        conditioning_adapter: Any = None,
        physics_estimator: Any = None,
        name: str = "",
        licence: str = "",
        sample_rate_hz: int = 16000,
        hop_length: int = 256,
        frames_per_latent: int = 2,
        window_s: float = 8.0,
        overlap_s: float = 2.0,
        num_inference_steps: int = 25,
        guidance_scale: float = 4.5,
        output_gain_db: float = 0.0,
        keep_in_negative: str = "",
        min_duration_s: float = 0.0,
        component_licences: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= overlap_s < window_s or window_s < SHORTEST_S:
            raise ConfigurationError(
                f"window_s must be at least {SHORTEST_S} and above overlap_s >= 0, got "
                f"window_s={window_s}, overlap_s={overlap_s}"
            )
        unknown = sorted(set(kept_features(keep_in_negative)) - {"clip", "sync"})
        if unknown:
            raise ConfigurationError(
                f"keep_in_negative takes 'clip', 'sync' or 'clip+sync', got {', '.join(unknown)}"
            )
        self.register_modules(
            transformer=transformer,
            vae=vae,
            vocoder=vocoder,
            scheduler=scheduler,
            clip=clip,
            sync_encoder=sync_encoder,
            conditioning_adapter=conditioning_adapter,
        )
        self.register_to_config(
            name=name,
            licence=licence,
            sample_rate_hz=sample_rate_hz,
            hop_length=hop_length,
            frames_per_latent=frames_per_latent,
            window_s=float(window_s),
            overlap_s=float(overlap_s),
            num_inference_steps=num_inference_steps,
            guidance_scale=float(guidance_scale),
            output_gain_db=float(output_gain_db),
            keep_in_negative=keep_in_negative,
            min_duration_s=float(min_duration_s),
            component_licences=dict(component_licences or {}),
        )
        check_components_fit(self)
        self.physics_estimator = physics_estimator
        self.sequence = SequenceConfig(
            sample_rate_hz=sample_rate_hz,
            hop_length=hop_length,
            latent_downsample=frames_per_latent,
        )
        self._interrupt = False
        self._num_timesteps = 0

    # -- what a callback can see ---------------------------------------------------------------

    @property
    def interrupt(self) -> bool:
        """Whether a callback asked to stop (``pipe._interrupt = True``, as in diffusers)."""
        return self._interrupt

    @property
    def num_timesteps(self) -> int:
        """Steps of the running, or last, call."""
        return self._num_timesteps

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and cast the networks, and the physics estimator's components with them."""
        super().to(*args, **kwargs)
        if self.physics_estimator is not None:
            self.physics_estimator.to(self._execution_device)
        return self

    def compile(self, **options: Any) -> Self:
        """Compile the networks with ``torch.compile``, in place, and return the pipeline.

        Of the backbone and the synchronisation encoder only the repeated blocks are compiled, once
        for all of them; the codec's decoder and the vocoder whole. The first call for each length
        of clip takes the time of compiling. Saving and loading are as before.

        Args:
            **options: Of ``torch.compile`` (``mode``, ``backend``, ``dynamic``, ``fullgraph``).

        Example:
            >>> pipe = PavasPipeline.from_pretrained("mmaudio-large-44k-v2").to("cuda")
            >>> pipe.compile(mode="max-autotune")
        """
        for part in (self.transformer, self.sync_encoder):
            if getattr(part, "_repeated_blocks", None):
                part.compile_repeated_blocks(**options)
        for network in (getattr(self.vae, "decoder", None), self.vocoder):
            if isinstance(network, torch.nn.Module):
                network.compile(**options)
        return self

    # -- the call ------------------------------------------------------------------------------

    @torch.no_grad()
    def __call__(
        self,
        video: str | Path | Video | FrameSource | Sequence[Any] | None = None,
        *,
        image: Any = None,
        prompt: str | Sequence[str] | None = "",
        negative_prompt: str | Sequence[str] | None = "",
        physics: PhysicsInput | Sequence[PhysicsInput] = None,
        masks: Mapping[int, MaskTrack] | Sequence[Mapping[int, MaskTrack] | None] | None = None,
        cache: CacheInput = None,
        duration_s: float | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        num_waveforms_per_video: int = 1,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        latents: Tensor | Sequence[Tensor] | None = None,
        frame_sampling: str = "timestamps",
        output_type: str = "audio",
        return_dict: bool = True,
        callback_on_step_end: Callable[[Any, int, Tensor, dict[str, Any]], Mapping[str, Any]]
        | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> PavasOutput | tuple[Any, Any, Any]:
        """Generate the sound of a video, of each video of a list, of a still, or of a text.

        Sounds are made one after the other, so that one of a list is, bit for bit, what it would
        be alone with the same generator. The same seed gives the same sound to the bit on the
        same machine; noise is drawn on the generator's device (CPU by default) whatever the
        pipeline's.

        Args:
            video: A path, frames (`Video`), a frame source (`open_video`), or a list of them.
                None: the sound is made from ``image``, or from the prompt alone; ``duration_s``
                says how long, and the backbone's learned tokens stand in for what is missing.
            image: A still instead of a video: a path, a PIL image, uint8 RGB (H, W, 3), or a
                list of them.
            prompt: What is to be heard, or one per video. None: the backbone's stored empty text.
            negative_prompt: What is not, or one per video. None: the stored empty text.
            physics: None: estimate it. Or a `PhysicsEstimate`, its JSON (path or dictionary),
                masses and speeds by hand on top of the estimate
                (``{"masses_kg": {0: 5.0}}``, or such a file), or "none": no physics. Or one
                per video.
            masks: Masks by object id for a given estimate; by default the segmenter is run.
            cache: Where estimates are kept and looked up: a `pavas_sdk.physics.PhysicsCache`, a
                folder, or True for the default folder.
            duration_s: Use only the first seconds; without a video, the length of the sound.
            num_inference_steps: Euler steps; the pipeline's own number by default.
            guidance_scale: Weight of the conditions; below 1 only the conditional branch runs.
            num_waveforms_per_video: Sounds per video.
            generator: Source of the noise, or one per sound. By default one with a fresh seed,
                which provenance records.
            latents: Initial noise (1, N, C) instead, or one per sound.
            frame_sampling: "timestamps": the frames shown at their times, to the end of the
                video. "reference": those that the MMAudio reference picks, whose clock
                accumulates rounding and may lose the last frames; the sound ends with them.
            output_type: "audio" (`Audio`), "pt" (channels, samples), "mel" (bands, frames), or
                "latent" (N, C).
            return_dict: False: the tuple (audio, physics, provenance).
            callback_on_step_end: ``(pipeline, step, time, tensors) -> tensors``, after each step
                of each sound; tensors it returns replace the pipeline's.
            callback_on_step_end_tensor_inputs: Which tensors it gets: "latents", "velocity".

        Returns:
            `PavasOutput`: single values for one sound, lists for several.

        Raises:
            InputError: Arguments that cannot work, all problems named at once.
            MediaError: A video cannot be read.
            PhysicsInputError: Masses, speeds or ids that are impossible or do not fit.
            ComponentError: A slot of the physics estimator failed.
        """
        # 1. Check inputs
        arguments = self.check_inputs(
            video,
            image=image,
            prompt=prompt,
            negative_prompt=negative_prompt,
            physics=physics,
            masks=masks,
            duration_s=duration_s,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            num_waveforms_per_video=num_waveforms_per_video,
            generator=generator,
            latents=latents,
            frame_sampling=frame_sampling,
            output_type=output_type,
            callback_on_step_end_tensor_inputs=callback_on_step_end_tensor_inputs,
        )
        self._interrupt = False
        self._num_timesteps = arguments.num_inference_steps
        outputs: list[PavasOutput] = []
        with self.progress_bar(total=arguments.total_steps) as progress:
            for item in arguments.items:
                # 2. Physics, once for the whole clip
                estimate, tracks, notes = self.physics_and_masks(
                    item.source,
                    item.physics,
                    prompt=item.prompt or "",
                    masks=item.masks,
                    cache=cache,
                )
                # 3. Encode text, pictures and physics, window by window; CLIP first, so that an
                # offloaded one is needed once
                text, negative_text = self.encode_prompt(item.prompt, item.negative_prompt)
                notes = (*notes, *self._text_notes(item.prompt, item.negative_prompt))
                conditions = self._encode_windows(item, estimate, tracks)
                for draw in item.draws:
                    # 4. Noise
                    noise = self.prepare_latents(
                        conditions[-1].window.stop,
                        generator=draw.generator,
                        latents=draw.latents,
                    )
                    # 5. Denoise
                    result = self.denoise(
                        noise,
                        conditions,
                        text,
                        negative_text,
                        num_inference_steps=arguments.num_inference_steps,
                        guidance_scale=arguments.guidance_scale,
                        callback_on_step_end=callback_on_step_end,
                        callback_on_step_end_tensor_inputs=callback_on_step_end_tensor_inputs,
                        progress=progress,
                    )
                    # 6. Decode
                    audio = self.decode_latents(
                        result, duration_s=item.source.duration_s, output_type=output_type
                    )
                    outputs.append(
                        PavasOutput(
                            audio=audio,
                            physics=estimate,
                            provenance=self._provenance(
                                arguments, item, draw.seed, len(outputs), estimate, notes
                            ),
                            video_path=item.path,
                            video_start_s=item.start_s,
                        )
                    )
        # 7. Offload and return
        self.maybe_free_model_hooks()
        output = PavasOutput.collect(outputs)
        if not return_dict:
            return output.audio, output.physics, output.provenance
        return output

    # -- its steps -----------------------------------------------------------------------------

    def check_inputs(
        self,
        video: Any = None,
        *,
        image: Any = None,
        prompt: Any = "",
        negative_prompt: Any = "",
        physics: Any = None,
        masks: Any = None,
        duration_s: float | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        num_waveforms_per_video: int = 1,
        generator: Any = None,
        latents: Any = None,
        frame_sampling: str = "timestamps",
        output_type: str = "audio",
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> CallArguments:
        """Return the arguments of a call, checked, with one entry per video.

        Raises:
            InputError: See `__call__`.
            MediaError: A video cannot be opened.
        """
        config = self.config
        return gather(
            video,
            image=image,
            open_source=as_source,
            prompt=prompt,
            negative_prompt=negative_prompt,
            physics=physics,
            masks=masks,
            duration_s=duration_s,
            num_inference_steps=(
                config.num_inference_steps if num_inference_steps is None else num_inference_steps
            ),
            guidance_scale=config.guidance_scale if guidance_scale is None else guidance_scale,
            num_waveforms_per_video=num_waveforms_per_video,
            generator=generator,
            latents=latents,
            frame_sampling=frame_sampling,
            output_type=output_type,
            tensor_inputs=callback_on_step_end_tensor_inputs,
            known_tensor_inputs=self._callback_tensor_inputs,
            can_estimate=self.physics_estimator is not None or self.conditioning_adapter is None,
            min_duration_s=config.min_duration_s,
        )

    # -- inside --------------------------------------------------------------------------------

    def _provenance(
        self,
        arguments: CallArguments,
        item: Item,
        seed: int | None,
        index: int,
        physics: PhysicsEstimate,
        notes: Sequence[str],
    ) -> dict[str, Any]:
        settings = {
            "input": item.kind,
            "prompt": item.prompt,
            "negative_prompt": item.negative_prompt,
            "seed": seed,
            "index": index,
            "num_inference_steps": arguments.num_inference_steps,
            "guidance_scale": arguments.guidance_scale,
            "gain_db": self.config.output_gain_db,
            "sample_rate_hz": self.config.sample_rate_hz,
            "device": str(self._execution_device),
            "dtype": str(self.transformer.dtype).removeprefix("torch."),
            "frame_sampling": (
                "reference" if isinstance(item.source, ReferenceClockSource) else "timestamps"
            ),
            "interrupted": self._interrupt,
        }
        return provenance_json(
            refs=self.licences(),
            source=item.source,
            physics=physics,
            settings=settings,
            notes=tuple(dict.fromkeys((*physics.notes, *notes, *item.notes))),
        )
