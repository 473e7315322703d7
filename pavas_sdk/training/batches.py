"""Batches of crops for the flow network; a pure function of (seed, step), so resuming is exact."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from pavas_sdk.training.batch_physics import disturbed, physics_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.training.batch_config import BatchConfig
    from pavas_sdk.training.features import FeatureBank, PhysicsSet

__all__ = ["FlowBatch", "batches_of", "draw_batch", "whole_clips"]

_WORKERS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlowBatch:
    """One batch, float32.

    Attributes:
        latents: (B, N, C), not normalised.
        clip: (B, T, D).
        sync: (B, M, D).
        text: (B, L, D).
        objects: (B, K, T, D_p), masked sums.
        visible: bool, (B, K, T).
        mass_kg: (B, K).
        speed_m_s: (B, K, T).
        impact_energy_j: (B, K, T).
        valid: bool, (B, K).
        keep_clip: bool, (B,); False: the learned empty visual features.
        keep_sync: bool, (B,); False: the learned empty synchronisation features.
        keep_physics: bool, (B,); False: the null state.
        weight: (B, N), of each latent in the loss.
    """

    latents: Tensor
    clip: Tensor
    sync: Tensor
    text: Tensor
    objects: Tensor
    visible: Tensor
    mass_kg: Tensor
    speed_m_s: Tensor
    impact_energy_j: Tensor
    valid: Tensor
    keep_clip: Tensor
    keep_sync: Tensor
    keep_physics: Tensor
    weight: Tensor

    def to(self, device: torch.device) -> FlowBatch:
        """Return the batch on ``device``."""
        return FlowBatch(
            **{entry.name: getattr(self, entry.name).to(device) for entry in fields(self)}
        )


def draw_batch(
    bank: FeatureBank, clips: NDArray[np.int64], config: BatchConfig, seed: int, step: int
) -> FlowBatch:
    """Return the batch of a step.

    Args:
        bank: Features.
        clips: Which clips may be drawn.
        config: How.
        seed: Of the run.
        step: Number of the step.
    """
    rng = np.random.default_rng([seed, step])
    size = config.batch
    units_in_clip = bank.latents.shape[2] // config.unit_latents
    units = min(config.latents // config.unit_latents, units_in_clip)
    rows = _draw_rows(bank, clips, config, rng)
    chosen, takes, shown = rows.clips, rows.takes, rows.pictures
    starts = rng.integers(0, units_in_clip - units + 1, size=size)
    for row in np.flatnonzero(rng.random(size) < config.near_contact):
        starts[row] = _start_near_contact(
            bank.weight[chosen[row], takes[row]], config.unit_latents, units, rng, starts[row]
        )
    keep_clip = rows.keep_visual & (rng.random(size) >= config.drop_clip)
    text = bank.text[chosen, takes] * rows.keep_text[:, None, None]
    sources = [bank.estimated if use else bank.true for use in rows.use_estimate]
    latents, frames, sync = (
        starts[:, None] * unit + np.arange(units * unit)
        for unit in (config.unit_latents, config.unit_frames, config.unit_sync)
    )
    given = physics_rows(sources, chosen.tolist(), takes.tolist(), frames)
    other = shown != chosen
    foreign = other & (rng.random(size) < 0.5)  # what the other picture has in its own masks
    for row in np.flatnonzero(foreign):
        given.objects[row] = bank.true.objects[shown[row]][:, frames[row]]
        given.visible[row] = bank.true.visible[shown[row]][:, frames[row]]
    physics = disturbed(
        given,
        config,
        rng,
        is_estimate=rows.use_estimate,
        keep_impacts=bank.edited[chosen, takes] | other,
    )
    return FlowBatch(
        latents=_tensor(bank.latents[chosen[:, None], takes[:, None], latents]),
        clip=_tensor(bank.pooled[shown[:, None], frames]),
        sync=_tensor(bank.sync[shown[:, None], sync]),
        text=_tensor(text),
        objects=_tensor(physics.objects),
        visible=torch.from_numpy(physics.visible),
        mass_kg=_tensor(physics.mass_kg),
        speed_m_s=_tensor(physics.speed_m_s),
        impact_energy_j=_tensor(physics.impact_energy_j),
        valid=torch.from_numpy(physics.valid),
        keep_clip=torch.from_numpy(keep_clip),
        keep_sync=torch.from_numpy(rows.keep_visual),
        keep_physics=torch.from_numpy(rows.keep_physics),
        weight=_tensor(bank.weight[chosen[:, None], takes[:, None], latents]),
    )


class _Steps(Dataset[FlowBatch]):
    """The batches of a training, by step."""

    def __init__(
        self, bank: FeatureBank, clips: NDArray[np.int64], config: BatchConfig, seed: int
    ) -> None:
        self._arguments = (bank, clips, config, seed)

    def __getitem__(self, step: int) -> FlowBatch:
        return draw_batch(*self._arguments, step)


def batches_of(
    bank: FeatureBank, clips: NDArray[np.int64], config: BatchConfig, seed: int, steps: range
) -> Iterator[FlowBatch]:
    """Yield the batches of ``steps``; beside a GPU, processes draw them ahead.

    Args:
        bank: Features.
        clips: Which clips may be drawn.
        config: How.
        seed: Of the run.
        steps: Which.
    """
    loader: DataLoader[FlowBatch] = DataLoader(
        _Steps(bank, clips, config, seed),
        batch_size=None,
        sampler=steps,
        num_workers=_WORKERS if torch.cuda.is_available() else 0,
        generator=torch.Generator(),
    )
    yield from loader


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """What each row of a batch is made of, (B,) each.

    Attributes:
        clips: Whose sound and physics.
        takes: Which take of them.
        pictures: Whose visual features; another clip's where picture and physics disagree.
        use_estimate: Whether estimated physics is given.
        keep_visual: False: no visual and synchronisation features.
        keep_physics: False: the null state.
        keep_text: False: no prompt.
    """

    clips: NDArray[np.int64]
    takes: NDArray[np.int64]
    pictures: NDArray[np.int64]
    use_estimate: NDArray[np.bool_]
    keep_visual: NDArray[np.bool_]
    keep_physics: NDArray[np.bool_]
    keep_text: NDArray[np.bool_]


def _draw_rows(
    bank: FeatureBank, clips: NDArray[np.int64], config: BatchConfig, rng: np.random.Generator
) -> _Rows:
    size = config.batch
    chosen = rng.choice(clips, size=size)
    use_estimate = np.zeros(size, dtype=np.bool_)
    if bank.has_estimate is not None and bank.has_estimate[clips].any():
        use_estimate = rng.random(size) < config.estimated_share
        chosen[use_estimate] = rng.choice(
            clips[bank.has_estimate[clips]], size=int(use_estimate.sum())
        )
    nothing = rng.random(size) < config.drop_all
    keep_physics = ~nothing & (rng.random(size) >= config.drop_physics)
    told = keep_physics & ~use_estimate  # exactly what is heard, and when
    takes = rng.integers(0, bank.latents.shape[1], size=size)
    takes = np.where(bank.edited[chosen, takes] & ~told, 0, takes)
    other = told & (rng.random(size) < config.other_picture)
    pictures = np.where(other, rng.choice(clips, size=size), chosen)
    return _Rows(
        clips=chosen,
        takes=takes,
        pictures=pictures,
        use_estimate=use_estimate,
        keep_visual=~nothing & (rng.random(size) >= config.drop_visual),
        keep_physics=keep_physics,
        keep_text=~nothing & (rng.random(size) >= config.drop_text),
    )


def _start_near_contact(
    weight: NDArray[np.float32], unit: int, units: int, rng: np.random.Generator, otherwise: int
) -> int:
    """Return a start, in units, of a crop with a latent that counts more than others."""
    heavy = np.flatnonzero(weight > weight.min())
    if heavy.size == 0:
        return int(otherwise)
    place = int(rng.choice(heavy)) // unit
    last = weight.size // unit - units
    return int(rng.integers(min(last, max(0, place - units + 1)), min(last, place) + 1))


def whole_clips(
    bank: FeatureBank,
    clips: NDArray[np.int64],
    *,
    take: int = 0,
    physics: PhysicsSet | None = None,
    mass_factor: float = 1.0,
    speed_factor: float = 1.0,
) -> FlowBatch:
    """Return whole clips with nothing dropped, for validation.

    Args:
        bank: Features.
        clips: Which.
        take: Which sound, and which true masses and speeds.
        physics: Estimated physics in place of the true one.
        mass_factor: A what-if edit of all masses.
        speed_factor: A what-if edit of all speeds.
    """
    count = len(clips)
    frames = np.tile(np.arange(bank.pooled.shape[1]), (count, 1))
    rows = physics_rows([physics or bank.true] * count, clips.tolist(), [take] * count, frames)
    kept = torch.ones(len(clips), dtype=torch.bool)
    return FlowBatch(
        latents=_tensor(bank.latents[clips, take]),
        clip=_tensor(bank.pooled[clips]),
        sync=_tensor(bank.sync[clips]),
        text=_tensor(bank.text[clips, take]),
        objects=_tensor(rows.objects),
        visible=torch.from_numpy(rows.visible),
        mass_kg=_tensor(rows.mass_kg) * mass_factor,
        speed_m_s=_tensor(rows.speed_m_s) * speed_factor,
        impact_energy_j=_tensor(rows.impact_energy_j) * mass_factor * speed_factor**2,
        valid=torch.from_numpy(rows.valid),
        keep_clip=kept,
        keep_sync=kept,
        keep_physics=kept,
        weight=_tensor(bank.weight[clips, take]),
    )
