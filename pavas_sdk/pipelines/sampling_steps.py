"""The steps of a call that make the sound: noise, flow, decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk.data import Audio
from pavas_sdk.errors import InputError
from pavas_sdk.pipelines.decoding import Decoder
from pavas_sdk.pipelines.flow import GuidedFlow
from pavas_sdk.pipelines.offload import onload
from pavas_sdk.pipelines.storage import StoredPipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from pavas_sdk.models import SequenceConfig
    from pavas_sdk.pipelines.features import WindowCondition

__all__ = ["SamplingSteps", "kept_features"]


def kept_features(names: str) -> tuple[str, ...]:
    """Return the features that ``keep_in_negative`` names."""
    return tuple(name for name in names.split("+") if name)


class SamplingSteps(StoredPipeline):
    """What `PavasPipeline` does from the noise on; every step can be called alone."""

    sequence: SequenceConfig
    _interrupt: bool

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
        shape = (1, latent_length, self.vae.config.latent_channels)
        if latents is not None:
            given = latents[None] if latents.ndim == 2 else latents
            if tuple(given.shape) != shape:
                raise InputError(
                    f"latents have shape {tuple(latents.shape)}, expected {shape} for this video"
                )
            return given.to(device=self._execution_device, dtype=torch.float32)
        device = torch.device("cpu") if generator is None else generator.device
        noise = torch.randn(shape, generator=generator, device=device, dtype=torch.float32)
        return noise.to(self._execution_device)

    def denoise(
        self,
        latents: Tensor,
        conditions: Sequence[WindowCondition],
        text: Tensor,
        negative_text: Tensor,
        *,
        num_inference_steps: int,
        guidance_scale: float,
        callback_on_step_end: Callable[..., Mapping[str, Any]] | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
        progress: Any = None,
    ) -> Tensor:
        """Integrate the flow from noise to latents, (1, N, C).

        Args:
            latents: From `prepare_latents`.
            conditions: One per window.
            text: From `encode_prompt`.
            negative_text: From `encode_prompt`.
            num_inference_steps: Euler steps.
            guidance_scale: Weight of the conditions.
            callback_on_step_end: See `__call__`.
            callback_on_step_end_tensor_inputs: See `__call__`.
            progress: A bar whose ``update()`` is called after each step.
        """
        flow = GuidedFlow(
            self.transformer,
            self.conditioning_adapter,
            conditions,
            text=text,
            negative_text=negative_text,
            guidance_scale=guidance_scale,
            latent_rate_hz=self.sequence.latent_rate_hz,
            keep_in_negative=kept_features(self.config.keep_in_negative),
        )
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
                progress.update()
        return latents

    def decode_latents(
        self, latents: Tensor, *, duration_s: float, output_type: str = "audio"
    ) -> Audio | Tensor:
        """Return the sound of latents (1, N, C), exactly as long as the video.

        Args:
            latents: From `denoise`.
            duration_s: Length of the sound; the rest of the last latent is cut.
            output_type: See `__call__`.
        """
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
        audio = Audio(samples=decoder.samples(codes), sample_rate_hz=config.sample_rate_hz)
        audio = audio.with_gain(config.output_gain_db).fitted(wanted)
        return torch.from_numpy(audio.samples.copy()) if output_type == "pt" else audio
