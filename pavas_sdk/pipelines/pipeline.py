"""PavasPipeline: a video's sound, conditioned on the mass and speed of what moves in it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Literal, TypeVar, cast, overload

import torch

from pavas_sdk.data import Audio, FrameSource
from pavas_sdk.data.memory import give_back_freed_memory
from pavas_sdk.errors import InputError
from pavas_sdk.media import as_source, open_picture
from pavas_sdk.pipelines.adapter_state import state_of_window
from pavas_sdk.pipelines.adapters import AdapterMethods
from pavas_sdk.pipelines.components import onload
from pavas_sdk.pipelines.decoding import Decoder, check_finite
from pavas_sdk.pipelines.encoding import (
    VideoFeatures,
    WindowCondition,
    encode_still,
    encode_window,
    features_without_video,
)
from pavas_sdk.pipelines.flow import GuidedFlow
from pavas_sdk.pipelines.guidance import GuidanceScales
from pavas_sdk.pipelines.initial_latents import initial_latents
from pavas_sdk.pipelines.inputs import check_call
from pavas_sdk.pipelines.level import plan_level
from pavas_sdk.pipelines.lora import LoraMethods
from pavas_sdk.pipelines.output import PavasOutputs
from pavas_sdk.pipelines.parts import SHORTEST_S
from pavas_sdk.pipelines.physics_input import PhysicsRequest, read_physics
from pavas_sdk.pipelines.physics_of_clip import physics_of_clip
from pavas_sdk.pipelines.saving import StoredPipeline
from pavas_sdk.pipelines.sound_making import make_sounds
from pavas_sdk.pipelines.windows import LatentWindow, plan_latent_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor
    from tqdm import tqdm
    from typing_extensions import Unpack

    from pavas_sdk.data import MaskTrack, PhysicsEstimate
    from pavas_sdk.interfaces import AdapterState
    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines.arguments import (
        AnySound,
        CallArguments,
        CallOptions,
        ImageInput,
        MasksInput,
        OptionsOfOne,
        PhysicsInput,
        StepCallback,
        VideoInput,
    )
    from pavas_sdk.pipelines.clip_input import CallInputs, ClipInput
    from pavas_sdk.pipelines.level import Level, LevelGain
    from pavas_sdk.pipelines.output import PavasOutput

    VideoT = TypeVar("VideoT", bound=VideoInput)

__all__ = ["PavasPipeline"]


class PavasPipeline(AdapterMethods, LoraMethods, StoredPipeline):
    """Generates the sound of a silent video (PAVAS, CVPR 2026).

    Example:
        >>> pipe = PavasPipeline.from_pretrained("pavas-tiny")
        >>> out = pipe("clip.mp4", prompt="wooden ball")
        >>> out.save("clip.wav")
        >>> heavier = pipe("clip.mp4", physics=out.physics.with_mass(0, 5.0))
    """

    # diffusers records this in a saved pipeline; files may move, the public module stays.
    __module__ = "pavas_sdk.pipelines"

    _callback_tensor_inputs = ("latents", "velocity")

    # -- the call ------------------------------------------------------------------------------

    @overload
    def __call__(
        self,
        video: VideoInput | None = None,
        *,
        num_waveforms_per_video: Literal[1] = 1,
        output_type: Literal["audio"] = "audio",
        return_dict: Literal[True] = True,
        **options: Unpack[OptionsOfOne],
    ) -> PavasOutput: ...
    @overload
    def __call__(
        self,
        video: list[VideoT] | tuple[VideoT, ...],
        *,
        num_waveforms_per_video: int = 1,
        output_type: Literal["audio"] = "audio",
        return_dict: Literal[True] = True,
        **options: Unpack[CallOptions],
    ) -> PavasOutputs: ...
    @overload
    def __call__(
        self,
        video: VideoInput | None = None,
        *,
        num_waveforms_per_video: int,
        output_type: Literal["audio"] = "audio",
        return_dict: Literal[True] = True,
        **options: Unpack[CallOptions],
    ) -> PavasOutput | PavasOutputs: ...
    @overload
    def __call__(
        self,
        video: VideoInput | list[VideoT] | tuple[VideoT, ...] | None = None,
        **options: Unpack[CallArguments],
    ) -> PavasOutput[AnySound] | PavasOutputs[AnySound] | tuple[object, ...]: ...
    @torch.no_grad()
    def __call__(
        self,
        video: VideoInput | Sequence[VideoInput] | None = None,
        *,
        image: ImageInput | Sequence[ImageInput] | None = None,
        prompt: str | Sequence[str | None] | None = "",
        negative_prompt: str | Sequence[str | None] | None = "",
        physics: PhysicsInput | Sequence[PhysicsInput] = None,
        masks: MasksInput | Sequence[MasksInput] = None,
        cache: CacheInput = None,
        duration_s: float | None = None,
        fps: float | Sequence[float | None] | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        video_guidance_scale: float | None = None,
        physics_guidance_scale: float | None = None,
        level: Level | None = None,
        num_waveforms_per_video: int = 1,
        batch_size: int = 1,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        seed: int | Sequence[int] | None = None,
        latents: Tensor | Sequence[Tensor] | None = None,
        frame_sampling: str = "timestamps",
        output_type: str = "audio",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> object:
        """Generate the sound of a video, of each video of a list, of a still, or of a text.

        By default sounds are made one after the other, so that one of a list is, bit for bit, what
        it would be alone with the same generator; see ``batch_size``. The same seed gives the same sound to the bit on the
        same machine; noise is drawn on the generator's device (CPU by default) whatever the
        pipeline's.

        Args:
            video: A path, a `Video`, a frame source (`open_video`), frames with ``fps`` (uint8 or
                0 to 1, (T, H, W, 3) or (T, 3, H, W), as an array or tensor, or a list of PIL
                images), an open file, its bytes, a PyAV container, or a list of such videos.
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
            fps: Frames per second of frames that have no clock, or of files whose own is wrong;
                or one per video.
            num_inference_steps: Euler steps; the pipeline's own number by default.
            guidance_scale: Weight of the conditions; below 1 only the conditional branch runs. Of
                a pipeline with two weights it sets both.
            video_guidance_scale: Weight of the pictures and of what synchronises with them, 0 or
                more; see `pavas_sdk.models.composed_branches`.
            physics_guidance_scale: Weight of physics and text beyond the pictures, 0 or more.
            level: "audible": one gain per clip, from the energy of its strongest impact, so that a
                ball and a hammer can both be heard (`pavas_sdk.pipelines.level`). "physical": the
                model's absolute scale, to compare clips or edits. By default audible where the
                model's levels were measured.
            num_waveforms_per_video: Sounds per video.
            batch_size: So many sounds of one length are denoised together, which is quicker on a
                GPU. Above 1 a sound equals a single one to rounding (1e-4), not to the bit, and
                its provenance says so.
            generator: Source of the noise, or one per sound. By default one with a fresh seed,
                which provenance records.
            seed: Instead of a generator: the sounds of each video get seed, seed + 1, ..., as in
                ``pavas generate --seed``; or one per sound.
            latents: Initial noise (1, N, C) instead, or one per sound.
            frame_sampling: "timestamps": the frames shown at their times, to the end of the
                video. "reference": those that the MMAudio reference picks, whose clock
                accumulates rounding and may lose the last frames; the sound ends with them.
            output_type: "audio" (`Audio`), "np" or "pt" (channels, samples), "mel" (bands,
                frames), or "latent" (N, C).
            return_dict: False: the tuple (audio, physics, provenance).
            callback_on_step_end: ``(pipeline, step, time, tensors) -> tensors``, after each step
                of each sound, or of each batch of them; tensors it returns replace the
                pipeline's.
            callback_on_step_end_tensor_inputs: Which tensors it gets: "latents", "velocity".

        Returns:
            `PavasOutput` for one sound, `PavasOutputs` for several.

        Raises:
            InputError: Arguments that cannot work, all problems named at once.
            MediaError: A video cannot be read.
            PhysicsInputError: Masses, speeds or ids that are impossible or do not fit.
            ComponentError: A slot of the physics estimator failed.
        """
        # 1. Check inputs
        inputs = self.check_inputs(
            video,
            image=image,
            prompt=prompt,
            negative_prompt=negative_prompt,
            physics=physics,
            masks=masks,
            duration_s=duration_s,
            fps=fps,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            video_guidance_scale=video_guidance_scale,
            physics_guidance_scale=physics_guidance_scale,
            level=level,
            num_waveforms_per_video=num_waveforms_per_video,
            batch_size=batch_size,
            generator=generator,
            seed=seed,
            latents=latents,
            frame_sampling=frame_sampling,
            output_type=output_type,
            callback_on_step_end_tensor_inputs=callback_on_step_end_tensor_inputs,
        )
        # 2. Make the sounds: physics, encoding, noise, denoising, decoding, level
        self._interrupt = False
        outputs = make_sounds(
            self,
            inputs,
            cache=cache,
            output_type=output_type,
            callback_on_step_end=callback_on_step_end,
            callback_on_step_end_tensor_inputs=callback_on_step_end_tensor_inputs,
        )
        # 3. Offload and return
        self.maybe_free_model_hooks()
        output = PavasOutputs(outputs) if inputs.several else outputs[0]
        return output if return_dict else (output.audio, output.physics, output.provenance)

    # -- its steps -----------------------------------------------------------------------------

    def check_inputs(
        self,
        video: VideoInput | Sequence[VideoInput] | None = None,
        **arguments: Unpack[CallArguments],
    ) -> CallInputs:
        """Return the arguments of a call, checked, with one entry per clip and per sound.

        Args:
            video: As in `__call__`.
            **arguments: The others of `__call__`; what is left out has its default.

        Raises:
            TypeError: An argument that `__call__` does not have.
            InputError: See `__call__`.
            MediaError: A video cannot be opened.
        """
        bound = inspect.signature(self.__call__).bind(video, **arguments)
        bound.apply_defaults()
        return check_call(
            video,
            cast("CallArguments", bound.arguments),
            num_inference_steps=self.config.num_inference_steps,
            guidance=GuidanceScales.of_config(self.config),
            level_law=self.level_law,
            min_duration_s=self.config.min_duration_s,
            tensor_inputs=self._callback_tensor_inputs,
            can_estimate=self.physics_estimator is not None,
            uses_physics=self.conditioning_adapter is not None,
        )

    def estimate_physics(
        self,
        video: VideoInput,
        physics: PhysicsInput = None,
        *,
        prompt: str = "",
        cache: CacheInput = None,
        fps: float | None = None,
    ) -> PhysicsEstimate:
        """Return the physics of a video: to print, save, edit and pass back in.

        Arguments and errors are those of `physics_and_masks`.
        """
        return self.physics_and_masks(video, physics, prompt=prompt, cache=cache, fps=fps)[0]

    def physics_and_masks(
        self,
        video: VideoInput,
        physics: PhysicsInput | PhysicsRequest = None,
        *,
        prompt: str = "",
        masks: MasksInput = None,
        cache: CacheInput = None,
        fps: float | None = None,
    ) -> tuple[PhysicsEstimate, dict[int, MaskTrack], tuple[str, ...]]:
        """Return the physics of a video, masks of its objects, and notes on what is missing.

        Args:
            video: The clip.
            physics: As in `__call__`, or a request that `check_inputs` has checked.
            prompt: What the user says about the clip.
            masks: Masks for a given estimate.
            cache: As in `__call__`.
            fps: As in `__call__`.

        Raises:
            ComponentError: A slot failed.
            ConfigurationError: There is no estimator and no estimate is given.
            PhysicsInputError: A given estimate does not fit the video.
        """
        source, estimator = as_source(video, fps=fps), self.physics_estimator
        has_adapter = self.conditioning_adapter is not None
        if isinstance(physics, PhysicsRequest):
            request = physics
        else:
            request = read_physics(physics, can_estimate=estimator is not None, is_used=has_adapter)
            request.check_fits(source, masks)
        return physics_of_clip(
            source,
            request,
            estimator,
            prompt=prompt,
            masks=masks,
            cache=cache,
            has_adapter=has_adapter,
        )

    def plan_windows(self, duration_s: float) -> tuple[LatentWindow, ...]:
        """Return the windows in which a clip of ``duration_s`` is denoised; usually one."""
        length = max(duration_s, SHORTEST_S)
        sequence, config = self.sequence, self.config
        return plan_latent_windows(
            sequence.latent_length(length),
            duration_s=length,
            window=sequence.latent_length(config.window_s),
            overlap=sequence.latent_length(config.overlap_s),
            window_s=config.window_s,
            latent_rate_hz=sequence.latent_rate_hz,
        )

    def encode_prompt(
        self, prompt: str | None = "", negative_prompt: str | None = ""
    ) -> tuple[Tensor, Tensor]:
        """Return the text tokens of both branches of guidance, (1, T, D_text) each.

        None means the backbone's stored empty text; "" is encoded like any other text.
        """
        onload(self.clip)
        empty = self.transformer.empty_text(1).to(self._execution_device)
        text, negative = (
            empty if words is None else self.clip.encode_text([words])
            for words in (prompt, negative_prompt)
        )
        return text, negative

    def encode_video(self, video: VideoInput, window: LatentWindow | None = None) -> VideoFeatures:
        """Encode the pictures of one window (by default of a clip that fits into one).

        Raises:
            InputError: No window is given and the video needs several.
        """
        source = as_source(video)
        if window is None:
            window, *others = self.plan_windows(source.duration_s)
            if others:
                raise InputError(
                    f"a video of {source.duration_s:.2f} s needs {len(others) + 1} windows; pass "
                    "one of pipe.plan_windows(duration_s)"
                )
        return encode_window(
            self.clip, self.sync_encoder, source, window, device=self._execution_device
        )

    def encode_image(self, image: ImageInput | FrameSource, window: LatentWindow) -> VideoFeatures:
        """Encode a still picture for one window: its features stand at every visual frame.

        Args:
            image: As in `__call__`.
            window: One of ``pipe.plan_windows(duration_s)``.

        Raises:
            InputError: ``image`` is nothing that shows a picture.
            MediaError: The picture cannot be read.
        """
        source = image if isinstance(image, FrameSource) else open_picture(image, window.duration_s)
        return encode_still(
            self.transformer,
            self.clip,
            self.sync_encoder,
            source,
            window,
            device=self._execution_device,
        )

    def encode_no_video(self, window: LatentWindow) -> VideoFeatures:
        """Return the backbone's learned tokens that stand for "no video" in one window."""
        return features_without_video(self.transformer, self.clip, self.sync_encoder, window)

    def encode_physics(
        self,
        physics: PhysicsEstimate,
        masks: Mapping[int, MaskTrack],
        features: VideoFeatures,
        *,
        told: bool = True,
    ) -> AdapterState | None:
        """Return the adapter's state of one window, or None without an adapter.

        Args:
            physics: Of the whole clip; no objects in the window give the learned empty state, but
                for an adapter that uses impacts, which is told that nothing hits.
            masks: Of the whole clip; an object without masks counts as occluded.
            features: Of the window.
            told: False where the sound is made without physics: the learned empty state.
        """
        adapter = self.conditioning_adapter
        if adapter is None:
            return None
        return state_of_window(adapter, physics, masks, features, told=told)

    def encode_conditions(
        self, clip: ClipInput, physics: PhysicsEstimate, masks: Mapping[int, MaskTrack]
    ) -> list[WindowCondition]:
        """Encode every window of a clip, and keep of each what denoising needs.

        Args:
            clip: From `check_inputs`.
            physics: Of the whole clip.
            masks: Of the whole clip.
        """
        windows = self.plan_windows(clip.source.duration_s)
        conditions = []
        for window in windows:
            if clip.kind == "video":
                features = self.encode_video(clip.source, window)
            elif clip.kind == "image":
                features = self.encode_image(clip.source, window)
            else:
                features = self.encode_no_video(window)
            state = self.encode_physics(physics, masks, features, told=not clip.physics.disabled)
            conditions.append(
                WindowCondition(
                    window=window,
                    pooled=features.pooled,
                    sync=features.sync,
                    times_s=features.times_s,
                    state=state,
                )
            )
            if len(windows) > 1:
                del features
                give_back_freed_memory()
        return conditions

    def prepare_latents(
        self,
        latent_length: int,
        *,
        generator: torch.Generator | None = None,
        latents: Tensor | None = None,
    ) -> Tensor:
        """Return the initial noise, float32 (1, N, C), drawn on the generator's device.

        Args:
            latent_length: N.
            generator: Source of the noise; a fresh one by default.
            latents: Use these, (N, C) or (1, N, C), instead.

        Raises:
            InputError: ``latents`` has another shape.
        """
        shape = (1, latent_length, self.vae.config["latent_channels"])
        return initial_latents(
            shape,
            generator=generator,
            latents=latents,
            device=self._execution_device,
            temperature=self.config.noise_temperature,
        )

    def denoise(
        self,
        latents: Tensor,
        conditions: Sequence[WindowCondition],
        text: Tensor,
        negative_text: Tensor,
        *,
        num_inference_steps: int,
        guidance_scale: float | None = None,
        video_guidance_scale: float | None = None,
        physics_guidance_scale: float | None = None,
        callback_on_step_end: StepCallback | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
        progress: tqdm[None] | None = None,
    ) -> Tensor:
        """Integrate the flow from noise to latents, (B, N, C); B is 1 but for a batch of sounds.

        Args:
            latents: From `prepare_latents`.
            conditions: One per window, from `encode_conditions`, of B rows each.
            text: From `encode_prompt`.
            negative_text: From `encode_prompt`.
            num_inference_steps: Euler steps.
            guidance_scale: The one weight of the conditions; or both of the following.
            video_guidance_scale: Weight of the pictures.
            physics_guidance_scale: Weight of physics and text.
            callback_on_step_end: See `__call__`.
            callback_on_step_end_tensor_inputs: See `__call__`.
            progress: A bar whose ``update()`` is called after each step.

        Raises:
            ConfigurationError: No weight of guidance, or only one of two.
        """
        scales = GuidanceScales(
            guidance_scale=guidance_scale,
            video_guidance_scale=video_guidance_scale,
            physics_guidance_scale=physics_guidance_scale,
            keep=tuple(self.config.keep_in_negative.split("+")),
        )
        flow = GuidedFlow(
            self.transformer,
            self.conditioning_adapter,
            conditions,
            text=text,
            negative_text=negative_text,
            branches=scales.branches(),
            latent_rate_hz=self.sequence.latent_rate_hz,
            adapter_scale=self.adapter_scale,
        )
        self._num_timesteps = num_inference_steps
        times = self.scheduler.times(num_inference_steps, device=latents.device)
        for index in range(num_inference_steps):
            if self._interrupt:
                break
            velocity = flow(latents, times[index])
            latents = self.scheduler.step(velocity, latents, times[index], times[index + 1])
            if callback_on_step_end is not None:
                known = {"latents": latents, "velocity": velocity}
                wanted = {name: known[name] for name in callback_on_step_end_tensor_inputs}
                answer = callback_on_step_end(self, index, times[index], wanted) or {}
                latents = answer.get("latents", latents)
            if progress is not None:
                progress.update(latents.shape[0])
        return latents

    def decode_latents(
        self, latents: Tensor, *, duration_s: float, output_type: str = "audio"
    ) -> Audio | Tensor:
        """Return the sound of latents (1, N, C) at its physical level, exactly as long as the video.

        Args:
            latents: From `denoise`.
            duration_s: Length of the sound; the rest of the last latent is cut.
            output_type: See `__call__`.

        Raises:
            InputError: They, or their sound, hold NaN or infinity.
        """
        check_finite(latents, self.transformer.dtype)
        if output_type == "latent":
            return latents[0]
        config = self.config
        decoder = Decoder(
            vae=self.vae,
            vocoder=self.vocoder,
            hop_length=config.hop_length,
            frames_per_latent=config.frames_per_latent,
            piece_latents=self.sequence.latent_length(config.window_s),
        )
        onload(self.transformer)
        codes = self.transformer.unnormalize(latents.to(self.transformer.dtype)).float()
        if output_type == "mel":
            return decoder.mel(codes)
        wanted = round(duration_s * config.sample_rate_hz)
        samples = decoder.samples(codes)
        check_finite(torch.from_numpy(samples), self.vocoder.dtype)
        audio = Audio(samples=samples, sample_rate_hz=config.sample_rate_hz)
        audio = audio.with_gain(config.output_gain_db).fitted(wanted)
        return torch.from_numpy(audio.samples.copy()) if output_type == "pt" else audio

    def plan_level(
        self,
        physics: PhysicsEstimate,
        *,
        level: Level | None = None,
        duration_s: float | None = None,
        told: bool = True,
    ) -> LevelGain:
        """Return the gain of a clip's sounds, from its physics alone.

        Args:
            physics: Of the whole clip; its strongest impact decides.
            level: See `__call__`.
            duration_s: How much of the clip gets a sound; by default all.
            told: False where the sound is made without physics.

        Raises:
            ConfigurationError: The audible level of a model whose levels were never measured.
        """
        law = self.level_law
        end_s = physics.duration_s if duration_s is None else duration_s
        heard = [impact for impact in physics.impacts() if impact.time_s <= end_s]
        wanted = level or ("physical" if law is None else "audible")
        return plan_level(wanted, law, heard, told=told)

    def set_level(self, audio: Audio, planned: LevelGain) -> tuple[Audio, LevelGain]:
        """Return a sound at its level, and the gain that it got: lowered where it would clip.

        Args:
            audio: From `decode_latents`.
            planned: From `plan_level`.
        """
        gain = planned.below_full_scale(audio.peak_dbfs)
        return (audio.with_gain(gain.gain_db) if gain.gain_db else audio), gain
