"""Validation with the same clips, times and noise each time, and with physics of other clips."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.training.datasets.batch import TrainingBatch
from pavas_sdk.training.datasets.rows import RowBuffers
from pavas_sdk.training.flow_draws import draw_rows
from pavas_sdk.training.objective import DropShares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.batch import BatchObjects
    from pavas_sdk.training.datasets.mixture import Mixture
    from pavas_sdk.training.objective import FlowObjective

__all__ = ["read_rows", "swapped_physics", "validation_losses"]

_SEED_SHIFT = 1  # its draws are others than those of any training step
_NOTHING = DropShares(video=0.0, text=0.0, physics=0.0)


@torch.no_grad()
def validation_losses(
    objective: FlowObjective,
    clips: Mixture,
    *,
    rows: int,
    seed: int,
    device: torch.device | str,
    micro_batch: int = 16,
    draws_per_clip: int = 1,
) -> dict[str, float]:
    """Return the mean loss of a validation set with nothing dropped.

    Args:
        objective: What is trained.
        clips: The validation set.
        rows: So many clips from its start, at most.
        seed: Of times and noise, which are the same at each validation.
        device: Where the objective is.
        micro_batch: Clips at once.
        draws_per_clip: Times and noises of each clip; more give a steadier mean.

    Returns:
        "validation", and with an adapter and physics "swapped": the same with each clip's physics
        taken from the next clip. An adapter that has learned to use physics does worse then.
    """
    drop, was_training = objective.drop, objective.training
    objective.drop = _NOTHING
    objective.eval()
    totals: dict[str, float] = {}
    count = 0
    try:
        known = min(rows, len(clips))
        for draw in range(draws_per_clip):
            for first in range(0, known, micro_batch):
                places = np.arange(first, min(first + micro_batch, known))
                batch = read_rows(clips, places)
                draws = draw_rows(
                    seed + _SEED_SHIFT,
                    draw,
                    places.tolist(),
                    (batch.mean.shape[1], batch.mean.shape[2]),
                ).to(device)
                moved = batch.to(device)
                found = {"validation": objective(moved, draws)}
                other = swapped_physics(moved) if objective.adapter is not None else None
                if other is not None:
                    found["swapped"] = objective(other, draws)
                for name, losses in found.items():
                    totals[name] = totals.get(name, 0.0) + float(losses.double().sum())
                count += len(places)
    finally:
        objective.drop = drop
        objective.train(was_training)
    return {name: total / count for name, total in totals.items()}


def read_rows(clips: Mixture, rows: NDArray[np.int64]) -> TrainingBatch:
    """Return some clips of a set as a batch.

    Raises:
        FormatError: A file cannot be read.
    """
    buffers = RowBuffers.of(clips.layout, len(rows))
    for place, row in enumerate(rows):
        clips.read(int(row), buffers, place)
    return TrainingBatch.of(
        buffers, clips.layout, step=0, positions=np.arange(len(rows)), rows=rows
    )


def swapped_physics(batch: TrainingBatch) -> TrainingBatch | None:
    """Return the batch with masses, speeds and impacts of the next clip; None without physics.

    What is seen of the objects stays: only the numbers are another clip's.
    """
    objects = batch.objects
    if objects is None or len(batch) < 2 or not len(objects.row):
        return None
    # objects come clip by clip: those of a clip take the numbers of the next clip's
    known = objects.row.unique()
    following = dict(zip(known.tolist(), known.roll(-1).tolist(), strict=True))
    first = {int(row): int((objects.row == row).nonzero()[0, 0]) for row in known}
    counts = {int(row): int((objects.row == row).sum()) for row in known}
    source = torch.tensor(
        [
            first[following[row]] + slot % counts[following[row]]
            for row, slot in zip(objects.row.tolist(), objects.slot.tolist(), strict=True)
        ],
        device=objects.row.device,
    )
    return replace(batch, objects=_with_numbers(objects, source))


def _with_numbers(objects: BatchObjects, source: torch.Tensor) -> BatchObjects:
    return replace(
        objects,
        mass_kg=objects.mass_kg[source],
        speed_m_s=objects.speed_m_s[source],
        impact_energy_j=objects.impact_energy_j[source],
    )
