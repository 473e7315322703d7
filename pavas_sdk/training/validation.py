"""Quick checks on held-out clips while training: levels of impacts, read off the mel spectrogram.

The full evaluation runs the whole pipeline (`pavas evaluate`); this one is cheap enough to be run
at every checkpoint and to choose sampling settings with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import spearmanr

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import (
    MEL_48K,
    FlowMatchEuler,
    composed_branches,
    guidance_branches,
    guide,
)
from pavas_sdk.pipelines.noise_temperature import temperature_factors
from pavas_sdk.training.batches import FlowBatch, whole_clips
from pavas_sdk.training.targets import audible_contacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.models import GuidanceBranch, LinearMelCodec
    from pavas_sdk.training.features import FeatureBank, PhysicsSet
    from pavas_sdk.training.flow import FlowModel
    from pavas_sdk.training.store import ClipStore

__all__ = ["ImpactLevels", "Sampling", "impact_levels", "sample_mel", "validate"]

_ALONE_S = 0.15
_FRAME_S = MEL_48K.hop_length / MEL_48K.sample_rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How latents are sampled.

    Attributes:
        steps: Euler steps.
        guidance_scale: Weight of the conditions; below 1 the empty branch is not run. Not used
            where the two weights are given.
        video_guidance_scale: Weight of the pictures, with ``physics_guidance_scale``.
        physics_guidance_scale: Weight of physics and text.
        keep: Features that the empty branch keeps, "clip" and "sync": with both, guidance acts on
            physics and text alone.
        noise_temperature: What the noise is multiplied by, see
            `pavas_sdk.pipelines.noise_temperature`.
        seed: Of the noise.
        chunk: Clips at a time.
    """

    steps: int = 12
    guidance_scale: float = 0.0
    video_guidance_scale: float | None = None
    physics_guidance_scale: float | None = None
    keep: tuple[str, ...] = ("clip", "sync")
    noise_temperature: float | Mapping[str, float] = 1.0
    seed: int = 0
    chunk: int = 8

    @property
    def branches(self) -> tuple[GuidanceBranch, ...]:
        """What the backbone is shown.

        Raises:
            ConfigurationError: One of two weights is missing or below 0.
        """
        video, physics = self.video_guidance_scale, self.physics_guidance_scale
        if video is None and physics is None:
            return guidance_branches(self.guidance_scale, keep=self.keep)
        if video is None or physics is None:
            raise ConfigurationError(
                "give video_guidance_scale and physics_guidance_scale both, or neither; got "
                f"{video} and {physics}"
            )
        return composed_branches(video, physics)

    def settings(self) -> dict[str, Any]:
        """Return the same as settings of a `PavasPipeline`."""
        two = self.video_guidance_scale is not None
        return {
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance_scale,
            "video_guidance_scale": self.video_guidance_scale,
            "physics_guidance_scale": self.physics_guidance_scale,
            "noise_temperature": self.noise_temperature,
            "keep_in_negative": "" if two else "+".join(self.keep),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpactLevels:
    """Levels of isolated impacts.

    Attributes:
        energy_change_j: (I,).
        level_db: (I,), in the mel spectrogram given.
        clip: (I,), row of the clip.
    """

    energy_change_j: NDArray[np.float64]
    level_db: NDArray[np.float64]
    clip: NDArray[np.int64]


@torch.no_grad()
def sample_mel(
    model: FlowModel, codec: LinearMelCodec, batch: FlowBatch, sampling: Sampling
) -> Tensor:
    """Return sampled log-mel spectrograms (B, M, F) for whole clips."""
    scheduler, branches = FlowMatchEuler(), sampling.branches
    times = scheduler.times(sampling.steps)
    generator = torch.Generator().manual_seed(sampling.seed)
    noise = torch.randn(batch.latents.shape, generator=generator)
    noise = noise * temperature_factors(sampling.noise_temperature, noise.shape[2])
    parts = []
    for first in range(0, noise.shape[0], sampling.chunk):
        rows = slice(first, first + sampling.chunk)
        part = _rows(batch, rows)
        latents = noise[rows]
        shown = [_shown(part, branch) for branch in branches]
        seen = [(model.conditions(one), model.modulation(one)) for one in shown]
        for index in range(sampling.steps):
            time = times[index].expand(latents.shape[0])
            velocities = [model.transformer(latents, time, *conditions) for conditions in seen]
            velocity = guide(velocities, branches)
            latents = scheduler.step(velocity, latents, times[index], times[index + 1])
        codes = model.transformer.unnormalize(latents).transpose(1, 2)
        parts.append(codec.decode(codes))
    return torch.cat(parts)


def _shown(batch: FlowBatch, branch: GuidanceBranch) -> FlowBatch:
    """Return what a branch of guidance sees of a batch."""
    return replace(
        batch,
        keep_clip=batch.keep_clip & branch.clip,
        keep_sync=batch.keep_sync & branch.sync,
        keep_physics=batch.keep_physics & branch.physics,
        text=batch.text if branch.text else torch.zeros_like(batch.text),
    )


def _rank_correlation(levels: ImpactLevels) -> float:
    """Spearman's correlation of level and energy; NaN where it is not defined."""
    columns = (levels.level_db, levels.energy_change_j)
    if levels.level_db.size < 3 or any(np.ptp(column) == 0 for column in columns):
        return float("nan")
    return float(spearmanr(*columns)[0])


def _rows(batch: FlowBatch, rows: slice) -> FlowBatch:
    return FlowBatch(**{name: getattr(batch, name)[rows] for name in FlowBatch.__slots__})


def impact_levels(
    mel: Tensor, store: ClipStore, clips: NDArray[np.int64], take: int = 0
) -> ImpactLevels:
    """Return the level of every audible impact that no other follows or precedes within 150 ms."""
    energy, level, row_of = [], [], []
    power = np.power(10.0, 2.0 * mel.numpy().astype(np.float64)).sum(axis=1)
    for row, clip in enumerate(clips):
        facts = store.facts[int(clip)]["takes"][take]
        times = np.asarray(facts["times_s"])
        heard = audible_contacts(times, facts["energy_change_j"])
        for time_s, energy_j in zip(times, facts["energy_change_j"], strict=True):
            near = np.abs(heard - time_s) < _ALONE_S
            if time_s not in heard or near.sum() != 1 or time_s > store.config.duration_s - 0.15:
                continue
            first = max(0, int(np.floor((time_s - 0.02) / _FRAME_S)))
            window = power[row, first : first + 8]
            level.append(10.0 * np.log10(window.mean() + 1e-12))
            energy.append(energy_j)
            row_of.append(row)
    return ImpactLevels(
        energy_change_j=np.asarray(energy),
        level_db=np.asarray(level),
        clip=np.asarray(row_of, dtype=np.int64),
    )


def validate(
    model: FlowModel,
    codec: LinearMelCodec,
    bank: FeatureBank,
    store: ClipStore,
    clips: NDArray[np.int64],
    sampling: Sampling,
    *,
    physics: PhysicsSet | None = None,
    edits: bool = False,
) -> dict[str, float]:
    """Return figures on held-out clips.

    ``spearman`` of level and energy change (``spearman_truth``: of the recorded sound), the
    median signed and absolute ``level_error``, and with ``edits`` the share of impacts whose
    level moves the right way when masses are doubled or halved.
    """
    batch = whole_clips(bank, clips, physics=physics)
    mel = sample_mel(model, codec, batch, sampling)
    true_mel = codec.decode(batch.latents.transpose(1, 2))
    have, want = impact_levels(mel, store, clips), impact_levels(true_mel, store, clips)
    difference = have.level_db - want.level_db
    out = {
        "impacts": float(have.level_db.size),
        "spearman": _rank_correlation(have),
        "spearman_truth": _rank_correlation(want),
        "level_error_db": float(np.median(difference)),
        "level_error_abs_db": float(np.median(np.abs(difference))),
        "mel_l1": float((mel - true_mel).abs().mean()),
    }
    if edits:
        for name in ("mass", "speed"):
            for factor in (2.0, 0.5):
                edited = whole_clips(
                    bank,
                    clips,
                    physics=physics,
                    mass_factor=factor if name == "mass" else 1.0,
                    speed_factor=factor if name == "speed" else 1.0,
                )
                moved = impact_levels(sample_mel(model, codec, edited, sampling), store, clips)
                change = (moved.level_db - have.level_db) * np.sign(np.log(factor))
                out[f"{name}_x{factor:g}_right"] = float((change > 0).mean())
                out[f"{name}_x{factor:g}_db"] = float(np.median(change) * np.sign(np.log(factor)))
    return out
