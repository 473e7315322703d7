"""The training loop: accelerate, AdamW, cosine schedule, EMA, checkpoints, exact resume."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from pavas_sdk.training.accelerated import training_accelerator
from pavas_sdk.training.averaged_run import AveragedRun
from pavas_sdk.training.batch_config import BatchConfig
from pavas_sdk.training.batches import batches_of
from pavas_sdk.training.flow import flow_loss

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.training.batches import FlowBatch
    from pavas_sdk.training.features import FeatureBank
    from pavas_sdk.training.flow import FlowModel

__all__ = ["FlowTraining", "learning_rate_schedule", "train_flow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTraining:
    """Numbers of the training of backbone and adapter.

    Attributes:
        steps: Optimiser steps.
        peak_learning_rate: Reached after ``warmup`` steps, then a cosine to ``final_share`` of it.
        warmup: Steps.
        final_share: Of the peak, at the end.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are clipped to this.
        ema_decay: Of the average that is exported.
        time_logit_mean: Of the flow times, see `flow_loss`.
        early_share: Of rows near the noise, see `flow_loss`.
        early_logit_mean: Of their flow times.
        seed: Of weights, batches and noise.
        save_every_s: Seconds between checkpoints.
        batches: How crops are drawn.
    """

    steps: int = 11000
    peak_learning_rate: float = 1.5e-3
    warmup: int = 200
    final_share: float = 0.02
    weight_decay: float = 1e-4
    max_grad_norm: float = 1.0
    ema_decay: float = 0.998
    time_logit_mean: float = -0.4
    early_share: float = 0.0
    early_logit_mean: float = -2.5
    seed: int = 0
    save_every_s: float = 240.0
    batches: BatchConfig = field(default_factory=BatchConfig)


class _Schedule(Protocol):
    """Numbers of a learning rate over time."""

    @property
    def steps(self) -> int: ...
    @property
    def warmup(self) -> int: ...
    @property
    def final_share(self) -> float: ...
    @property
    def peak_learning_rate(self) -> float: ...


def learning_rate_schedule(
    optimizer: torch.optim.Optimizer, training: _Schedule
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the schedule: linear warm-up from ``peak / warmup``, then a cosine.

    Args:
        optimizer: With the peak as its learning rate.
        training: Numbers.
    """
    cosine = CosineAnnealingLR(
        optimizer,
        T_max=max(1, training.steps - training.warmup),
        eta_min=training.final_share * training.peak_learning_rate,
    )
    if training.warmup == 0:
        return cosine
    rise = LinearLR(
        optimizer, start_factor=1.0 / training.warmup, total_iters=max(1, training.warmup - 1)
    )
    return SequentialLR(optimizer, [rise, cosine], milestones=[training.warmup])


class _Run(AveragedRun):
    """The training of backbone and adapter."""

    def __init__(self, model: FlowModel, training: FlowTraining, folder: Path) -> None:
        self.model = model
        self.training = training
        trainable = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            trainable,
            lr=training.peak_learning_rate,
            weight_decay=training.weight_decay,
            fused=True,
        )
        schedule = learning_rate_schedule(optimizer, training)
        accelerator = training_accelerator()
        self.prepared, prepared_optimizer = accelerator.prepare(model, optimizer)
        super().__init__(
            accelerator,
            prepared_optimizer,
            schedule,
            trainable,
            ema_decay=training.ema_decay,
            max_grad_norm=training.max_grad_norm,
            checkpoint=folder / "checkpoint",
        )

    def step(self, batch: FlowBatch) -> Tensor:
        """Make one optimiser step and return its loss."""
        training = self.training
        loss = flow_loss(
            self.prepared,
            batch.to(self.accelerator.device),
            training.seed,
            self.progress.step,
            time_logit_mean=training.time_logit_mean,
            early_share=training.early_share,
            early_logit_mean=training.early_logit_mean,
        )
        return self.apply(loss)

    def show_average(self, callback: Callable[[FlowModel, int], None]) -> None:
        """Call ``callback`` with the averaged model, then go on with the trained one."""
        self.average.store(self.trainable)
        self.average.copy_to(self.trainable)
        self.model.eval()
        callback(self.model, self.progress.step)
        self.average.restore(self.trainable)
        self.prepared.train()


def train_flow(
    model: FlowModel,
    bank: FeatureBank,
    clips: NDArray[np.int64],
    training: FlowTraining,
    folder: Path,
    *,
    resume: bool = False,
    until_step: int | None = None,
    on_checkpoint: Callable[[FlowModel, int], None] | None = None,
) -> list[float]:
    """Train ``model`` in place; at the end its parameters are the moving average.

    Stopping at any checkpoint and resuming gives the same weights to the bit on one machine:
    optimiser, average and position are saved, and batches and noise depend on the step alone.

    Args:
        model: Backbone and adapter.
        bank: Features.
        clips: Which clips of it to train on.
        training: Numbers.
        folder: Where ``checkpoint/`` and ``progress.json`` go.
        resume: Continue from ``folder/checkpoint`` when it is there.
        until_step: Stop (with a checkpoint, without the average) after this step.
        on_checkpoint: Called with the averaged model after each checkpoint.

    Returns:
        Mean losses of every 50 steps.

    Raises:
        ConfigurationError: accelerate is not installed.
        FormatError: The checkpoint was written by another version.
        OutputError: A checkpoint cannot be written.
        PavasError: The training diverged.
    """
    run = _Run(model, training, folder)
    progress = run.progress
    if resume:
        run.resume()
    stop = training.steps if until_step is None else min(until_step, training.steps)
    run.prepared.train()
    steps = range(progress.step, stop)
    batches = batches_of(bank, clips, training.batches, training.seed, steps)
    run.follow(
        (run.step(batch) for batch in batches),
        name="flow",
        stop=stop,
        save_every_s=training.save_every_s,
        on_saved=None if on_checkpoint is None else partial(run.show_average, on_checkpoint),
    )
    if progress.step >= training.steps:
        run.average.copy_to(run.trainable)
    model.cpu().eval()
    # accelerate's mark: with it the next training would leave the model on the CPU, its batches not
    vars(model).pop("_is_accelerate_prepared", None)
    return progress.losses
