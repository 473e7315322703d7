"""A small, untrained pipeline of real classes: quick to make, quick to run, no weights needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from pavas_sdk.models import MMAudioTransformer
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["fill_zeros", "tiny_pipeline", "untrained_adapter"]


def tiny_pipeline(
    seed: int = 0,
    *,
    adapter: bool = True,
    physics_estimator: Any = None,
    **settings: Any,
) -> PavasPipeline:
    """Return an untrained pipeline of the classes that pavas-tiny is made of.

    Its sound is noise, but it depends on the video, the prompt, the physics and the seed, as a
    trained one's does: layers that training starts at zero are given small random weights.

    Args:
        seed: Of the weights; the global generator is left as it was.
        adapter: With the default conditioning adapter, or without any.
        physics_estimator: A `PhysicsEstimator`, or None: physics must be given to every call.
        **settings: Of `PavasPipeline` (``window_s``, ``num_inference_steps``, ...).
    """
    import torch

    from pavas_sdk.pipelines import PavasPipeline

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe: PavasPipeline = PavasPipeline(
            **_networks(adapter=adapter),
            physics_estimator=physics_estimator,
            **{
                "name": "untrained",
                "licence": "Apache-2.0",
                "num_inference_steps": 3,
                "guidance_scale": 2.0,
                **settings,
            },
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _networks(*, adapter: bool) -> dict[str, Any]:
    """The components, with weights drawn from the global generator."""
    from pavas_sdk.models import (
        FlowMatchEuler,
        GriffinLimVocoder,
        LinearMelCodec,
        MMAudioTransformer,
        TinySyncEncoder,
        TinyVisualEncoder,
    )

    clip = TinyVisualEncoder(image_size=32, widths=(8, 8, 16), patch_dim=16, pooled_dim=16)
    sync = TinySyncEncoder(
        image_size=32, widths=(8, 8, 8, 16), hidden_dim=16, dilations=(1,), feature_dim=16
    )
    transformer = MMAudioTransformer(
        latent_dim=8,
        hidden_dim=32,
        num_heads=2,
        depth=2,
        fused_depth=1,
        clip_dim=16,
        sync_dim=16,
        text_dim=64,
        text_length=12,
        mlp_ratio=2.0,
        mlp_multiple_of=16,
        time_embed_dim=32,
    )
    conditioning = untrained_adapter(transformer, patch_dim=16) if adapter else None
    fill_zeros(transformer, conditioning)
    vae = LinearMelCodec(mel_bins=80, latent_channels=8, frames_per_latent=2)
    vae.mean.fill_(-3.0)  # about the level of a quiet recording, log10
    return {
        "transformer": transformer.eval(),
        "vae": vae,
        "vocoder": GriffinLimVocoder(iterations=4),
        "scheduler": FlowMatchEuler(),
        "clip": clip.eval(),
        "sync_encoder": sync.eval(),
        "conditioning_adapter": conditioning,
    }


def untrained_adapter(transformer: MMAudioTransformer, *, patch_dim: int, **options: Any) -> Any:
    """Return a small default adapter for ``transformer``.

    Args:
        transformer: The backbone.
        patch_dim: Width of the visual encoder's patch features.
        **options: Further arguments of the adapter, such as ``impacts=True``.
    """
    from pavas_sdk.registry import default_registry

    target = default_registry().get("conditioning_adapter").load()
    sizes = {"patch_dim": patch_dim, "hidden_dim": 16, "mixer_rank": 4}
    return target.for_transformer(transformer, **sizes, **options).eval()


def fill_zeros(*modules: nn.Module | None) -> None:
    """Give parameters that training starts at zero small random weights; None is skipped."""
    from torch import nn

    for module in modules:
        for parameter in () if module is None else module.parameters():
            if parameter.requires_grad and not parameter.any():
                nn.init.normal_(parameter, std=0.1)
