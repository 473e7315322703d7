"""A small, untrained pipeline of the classes that the released MMAudio models are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.testing.tiny_pipeline import fill_zeros, untrained_adapter

if TYPE_CHECKING:
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["tiny_mmaudio_pipeline"]


def tiny_mmaudio_pipeline(
    mode: str = "16k",
    seed: int = 0,
    *,
    adapter: bool = False,
    physics_estimator: Any = None,
    **settings: Any,
) -> PavasPipeline:
    """Return an untrained pipeline of MMAudio's classes and rates, a few layers wide.

    Pictures, texts, latents and sound have the released sizes and rates; only widths and depths
    are small. Needs the extra ``mmaudio`` (open_clip).

    Args:
        mode: Codec, ``"16k"`` or ``"44k"``.
        seed: Of the weights; the global generator is left as it was.
        adapter: With the default conditioning adapter, or without any.
        physics_estimator: A `PhysicsEstimator`, or None.
        **settings: Of `PavasPipeline`.
    """
    import torch

    from pavas_sdk.models import sequence_for_mode
    from pavas_sdk.pipelines import PavasPipeline

    sequence = sequence_for_mode(mode)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe: PavasPipeline = PavasPipeline(
            **_networks(mode, adapter=adapter),
            physics_estimator=physics_estimator,
            **{
                "name": "untrained",
                "licence": "Apache-2.0",
                "sample_rate_hz": sequence.sample_rate_hz,
                "hop_length": sequence.hop_length,
                "frames_per_latent": sequence.latent_downsample,
                "num_inference_steps": 2,
                **settings,
            },
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _networks(mode: str, *, adapter: bool) -> dict[str, Any]:
    """The components, with weights drawn from the global generator."""
    from pavas_sdk.models import (
        BIGVGAN_VARIANTS,
        VAE_VARIANTS,
        AutoencoderMel,
        BigVGAN,
        CLIPEncoder,
        FlowMatchEuler,
        MMAudioTransformer,
        Synchformer,
    )

    clip = CLIPEncoder(
        embed_dim=16,
        vision_width=32,
        vision_layers=1,
        vision_head_width=16,
        text_width=16,
        text_heads=2,
        text_layers=1,
    )
    sync = Synchformer(hidden_dim=16, num_heads=2, depth=1, mlp_dim=32, patch_size=56)
    transformer = MMAudioTransformer(
        latent_dim=VAE_VARIANTS[mode]["latent_channels"],
        hidden_dim=32,
        num_heads=2,
        depth=2,
        fused_depth=1,
        clip_dim=16,
        sync_dim=16,
        text_dim=16,
        mlp_ratio=2.0,
        mlp_multiple_of=16,
        time_embed_dim=32,
    )
    conditioning = untrained_adapter(transformer, patch_dim=32) if adapter else None
    fill_zeros(transformer, sync, conditioning)
    vae = AutoencoderMel(**{**VAE_VARIANTS[mode], "base_width": 8})
    vocoder = BigVGAN(**{**BIGVGAN_VARIANTS[mode], "initial_channels": 128})
    return {
        "transformer": transformer.eval(),
        "vae": vae.eval(),
        "vocoder": vocoder.eval(),
        "scheduler": FlowMatchEuler(),
        "clip": clip.eval(),
        "sync_encoder": sync.eval(),
        "conditioning_adapter": conditioning,
    }
