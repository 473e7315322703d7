"""Batches of crops for the flow network; a pure function of (seed, step), so resuming is exact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.training.batch_physics import disturbed, physics_rows

if TYPE_CHECKING:
    from concurrent.futures import Future

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.training.batch_config import BatchConfig
    from pavas_sdk.training.features import FeatureBank, PhysicsSet

__all__ = ["BatchesAhead", "FlowBatch", "draw_batch", "whole_clips"]

# Batches that are drawn while the network works on others, and the threads that draw them.
_AHEAD = 4


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
    given = physics_rows(sources, chosen.tolist(), takes.tolist())
    other = shown != chosen
    foreign = other & (rng.random(size) < 0.5)  # what the other picture has in its own masks
    given.objects[foreign] = bank.true.objects[shown[foreign]]
    given.visible[foreign] = bank.true.visible[shown[foreign]]
    physics = disturbed(
        given,
        config,
        rng,
        is_estimate=rows.use_estimate,
        keep_impacts=bank.edited[chosen, takes] | other,
    )
    latents = _Crop(starts=starts, units=units, per_unit=config.unit_latents)
    frames = _Crop(starts=starts, units=units, per_unit=config.unit_frames)
    sync = _Crop(starts=starts, units=units, per_unit=config.unit_sync)
    return FlowBatch(
        latents=_tensor(latents.of(bank.latents[chosen, takes], axis=0)),
        clip=_tensor(frames.of(bank.pooled[shown], axis=0)),
        sync=_tensor(sync.of(bank.sync[shown], axis=0)),
        text=_tensor(text),
        objects=_tensor(frames.of(physics.objects, axis=1)),
        visible=torch.from_numpy(frames.of(physics.visible, axis=1)),
        mass_kg=_tensor(physics.mass_kg),
        speed_m_s=_tensor(frames.of(physics.speed_m_s, axis=1)),
        impact_energy_j=_tensor(frames.of(physics.impact_energy_j, axis=1)),
        valid=torch.from_numpy(physics.valid),
        keep_clip=torch.from_numpy(keep_clip),
        keep_sync=torch.from_numpy(rows.keep_visual),
        keep_physics=torch.from_numpy(rows.keep_physics),
        weight=_tensor(latents.of(bank.weight[chosen, takes], axis=0)),
    )


class BatchesAhead:
    """Draws the next batches while the network works on the last one: only a GPU is that quick.

    Args:
        config: How batches are drawn.
        seed: Of the run.
        steps: Of the run; no batch after the last is drawn.
    """

    def __init__(self, config: BatchConfig, seed: int, steps: int) -> None:
        self._config, self._seed, self._steps = config, seed, steps
        self._ahead = _AHEAD if torch.cuda.is_available() else 0
        self._pool = ThreadPoolExecutor(max(1, self._ahead)) if self._ahead else None
        self._drawn: dict[int, Future[FlowBatch]] = {}

    def batch(self, bank: FeatureBank, clips: NDArray[np.int64], step: int) -> FlowBatch:
        """Return the batch of a step, see `draw_batch`."""
        if self._pool is None:
            return draw_batch(bank, clips, self._config, self._seed, step)
        for further in range(step, min(step + self._ahead + 1, self._steps)):
            if further not in self._drawn:
                self._drawn[further] = self._pool.submit(
                    draw_batch, bank, clips, self._config, self._seed, further
                )
        return self._drawn.pop(step).result()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Crop:
    """Which part of each row is cut out of one kind of feature.

    Attributes:
        starts: (B,), first unit of each row.
        units: Length.
        per_unit: Features per unit.
    """

    starts: NDArray[np.int64]
    units: int
    per_unit: int

    def of(self, array: NDArray[np.generic], *, axis: int) -> NDArray[np.generic]:
        """Cut ``array`` (B, ..., time, ...); ``axis`` is that of the time in a row."""
        parts = [
            np.take(
                row,
                np.arange(start * self.per_unit, (start + self.units) * self.per_unit),
                axis=axis,
            )
            for row, start in zip(array, self.starts, strict=True)
        ]
        return np.stack(parts)


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
    rows = physics_rows([physics or bank.true] * count, clips.tolist(), [take] * count)
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
