"""Builds pavas-tiny's networks and puts trained ones together to a saved pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import (
    FlowMatchEuler,
    IstftVocoder,
    LinearMelCodec,
    MMAudioTransformer,
    TinySyncEncoder,
    TinyVisualEncoder,
)
from pavas_sdk.training.flow import FlowModel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.training.features import PhysicsSet

__all__ = ["TinySize", "build_flow_model", "export_pipeline", "physics_statistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TinySize:
    """Sizes of pavas-tiny's backbone and adapter.

    Attributes:
        latent_channels: C.
        transformer: Arguments of `MMAudioTransformer` beside those that follow from the encoders.
        adapter: Arguments of the adapter beside statistics and sites; ``"impacts": True`` adds the
            stream of impacts.
    """

    latent_channels: int = 64
    transformer: Mapping[str, Any] = field(
        default_factory=lambda: {
            "hidden_dim": 128,
            "num_heads": 4,
            "depth": 4,
            "fused_depth": 3,
            "mlp_ratio": 2.0,
            "mlp_multiple_of": 64,
            "input_kernel_size": 5,
            "block_kernel_size": 3,
            "time_embed_dim": 64,
            "time_embed_scale": 64.0,
            "modulation_rank": 32,
        }
    )
    adapter: Mapping[str, Any] = field(
        default_factory=lambda: {
            "hidden_dim": 128,
            "mixer_rank": 16,
            "num_frequencies": 12,
            "min_frequency": 0.125,
            "max_frequency": 3.0,
            "mass_unit_kg": 0.01,
            "gate": "joint",
            "impacts": True,
            "impact_unit_j": 1e-5,
        }
    )


def physics_statistics(
    physics: PhysicsSet,
    clips: NDArray[np.int64],
    mass_unit_kg: float,
    *,
    impact_unit_j: float | None = None,
) -> dict[str, float]:
    """Return mean and standard deviation of log(1 + m / unit) and of the speeds of moving objects.

    They are the z-scores' statistics in the adapter's config (PAVAS Sec. 3.4).

    Args:
        physics: Of all clips.
        clips: Which are trained on.
        mass_unit_kg: Unit of the masses.
        impact_unit_j: Unit of the energies: those of log(1 + dE / unit) over the frames with an
            impact are added. None: the adapter does not use impacts.
    """
    mass = physics.mass_kg[clips]
    mass = np.log1p(mass[np.isfinite(mass)] / mass_unit_kg)
    speed = physics.speed_m_s[clips]
    speed = speed[np.isfinite(speed) & (speed > 0.05)]
    found = {
        "mass_mean": round(float(mass.mean()), 4),
        "mass_std": round(float(mass.std()), 4),
        "speed_mean_m_s": round(float(speed.mean()), 4),
        "speed_std_m_s": round(float(speed.std()), 4),
    }
    if impact_unit_j is not None:
        energy = physics.impact_energy_j[clips]
        energy = np.log1p(energy[np.isfinite(energy) & (energy > 0)] / impact_unit_j)
        if energy.size < 2 or energy.std() == 0:
            raise ConfigurationError(
                f"the {len(clips)} training clips have impacts in {energy.size} frames, too few "
                "for their statistics; train on more clips, or without adapter={'impacts': True}"
            )
        found["impact_mean"] = round(float(energy.mean()), 4)
        found["impact_std"] = round(float(energy.std()), 4)
    return found


def build_flow_model(
    size: TinySize,
    *,
    visual: TinyVisualEncoder,
    sync: TinySyncEncoder,
    channel_std: NDArray[np.float32],
    latent_mean: NDArray[np.float32],
    statistics: Mapping[str, float],
    adapter_class: Any,
    with_physics: bool = True,
    seed: int = 0,
) -> FlowModel:
    """Return a new backbone with its adapter.

    The flow sees each channel scaled by the square root of its standard deviation: between equal
    weights for all channels (none of which is heard for most) and the raw spread (in which the
    loudness drowns everything else).

    Args:
        size: Sizes.
        visual: Visual encoder; only its config matters.
        sync: Synchronisation encoder; only its config matters.
        channel_std: Spread of each latent channel, (C,).
        latent_mean: Mean of each latent channel, (C,).
        statistics: Of `physics_statistics`.
        adapter_class: Class of the conditioning adapter, with ``for_transformer``.
        with_physics: False: the twin without an adapter.
        seed: Of the weights.
    """
    torch.manual_seed(seed)
    transformer = MMAudioTransformer(
        latent_dim=size.latent_channels,
        clip_dim=visual.config.pooled_dim,
        sync_dim=sync.config.feature_dim,
        text_dim=visual.config.text_dim,
        text_length=visual.config.text_length,
        **size.transformer,
    )
    scale = np.sqrt(channel_std)
    # the mean square of what the flow sees is one
    scale = scale * np.sqrt(np.mean((channel_std / scale) ** 2))
    transformer.latent_mean.data.copy_(torch.from_numpy(latent_mean)[None, None])
    transformer.latent_std.data.copy_(torch.from_numpy(scale.astype(np.float32))[None, None])
    adapter = adapter_class.for_transformer(
        transformer, patch_dim=visual.config.patch_dim, **statistics, **size.adapter
    )
    return FlowModel(
        transformer,
        adapter if with_physics else None,
        frame_rate_hz=visual.config.frame_rate_hz,
    )


def export_pipeline(
    folder: Path,
    *,
    model: FlowModel,
    visual: TinyVisualEncoder,
    sync: TinySyncEncoder,
    codec: LinearMelCodec,
    vocoder: IstftVocoder,
    settings: Mapping[str, Any],
) -> Path:
    """Write a pipeline folder that `PavasPipeline.from_pretrained` loads, and return it.

    Args:
        folder: Where.
        model: Trained backbone and adapter.
        visual: Trained visual encoder.
        sync: Trained synchronisation encoder.
        codec: Fitted codec.
        vocoder: Trained vocoder.
        settings: Further arguments of `PavasPipeline`: name, licence, steps, guidance, gain.
    """
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.pipelines import PavasPipeline

    pipe = PavasPipeline(
        transformer=model.transformer,
        vae=codec,
        vocoder=vocoder,
        scheduler=FlowMatchEuler(),
        clip=visual,
        sync_encoder=sync,
        conditioning_adapter=model.adapter,
        physics_estimator=PhysicsEstimator(),
        sample_rate_hz=codec.mel_config.sample_rate_hz,
        hop_length=codec.mel_config.hop_length,
        **settings,
    )
    pipe.save_pretrained(folder)
    return folder
