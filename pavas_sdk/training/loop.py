"""The training loop: accelerate, AdamW, cosine schedule, EMA, checkpoints, exact resume."""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.batches import BatchConfig, draw_batch
from pavas_sdk.training.ema import ExponentialAverage
from pavas_sdk.training.flow import flow_loss

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.training.features import FeatureBank
    from pavas_sdk.training.flow import FlowModel

__all__ = ["FlowTraining", "learning_rate", "train_flow"]

logger = logging.getLogger(__name__)


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
    seed: int = 0
    save_every_s: float = 240.0
    batches: BatchConfig = field(default_factory=BatchConfig)


def learning_rate(step: int, training: FlowTraining) -> float:
    """Return the learning rate of a step: linear warm-up, then a cosine."""
    if step < training.warmup:
        return training.peak_learning_rate * (step + 1) / training.warmup
    done = (step - training.warmup) / max(1, training.steps - training.warmup)
    wave = 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
    return training.peak_learning_rate * (
        training.final_share + (1.0 - training.final_share) * wave
    )


class _Progress:
    """Number of finished steps and recent losses, saved with the checkpoint."""

    def __init__(self) -> None:
        self.step = 0
        self.losses: list[float] = []

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "losses": list(self.losses)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = int(state["step"])
        self.losses = [float(loss) for loss in state["losses"]]


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
        folder: Where ``checkpoint/`` and ``losses.jsonl`` go.
        resume: Continue from ``folder/checkpoint`` when it is there.
        until_step: Stop (with a checkpoint, without the average) after this step.
        on_checkpoint: Called with the averaged model after each checkpoint.

    Returns:
        Mean losses of every 50 steps.

    Raises:
        ConfigurationError: accelerate is not installed.
    """
    accelerator = _accelerator()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trainable, lr=training.peak_learning_rate, weight_decay=training.weight_decay, fused=True
    )
    average = ExponentialAverage(model, training.ema_decay)
    progress = _Progress()
    prepared, optimizer = accelerator.prepare(model, optimizer)
    accelerator.register_for_checkpointing(average, progress)
    checkpoint = folder / "checkpoint"
    if resume and checkpoint.exists():
        accelerator.load_state(str(checkpoint))
        logger.info("resumed at step %d", progress.step)
    stop = training.steps if until_step is None else min(until_step, training.steps)
    recent: list[float] = []
    saved = time.monotonic()
    prepared.train()
    while progress.step < stop:
        step = progress.step
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, training)
        batch = draw_batch(bank, clips, training.batches, training.seed, step)
        optimizer.zero_grad(set_to_none=True)
        loss = flow_loss(
            prepared, batch, training.seed, step, time_logit_mean=training.time_logit_mean
        )
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(trainable, training.max_grad_norm)
        optimizer.step()
        average.update(model)
        progress.step = step + 1
        recent.append(float(loss.detach()))
        if progress.step % 50 == 0 or progress.step == stop:
            progress.losses.append(float(np.mean(recent)))
            recent.clear()
            logger.info("flow step %d loss %.4f", progress.step, progress.losses[-1])
        if progress.step == stop or time.monotonic() - saved > training.save_every_s:
            _save(accelerator, checkpoint, progress)
            saved = time.monotonic()
            if on_checkpoint is not None:
                _with_average(model, average, on_checkpoint, progress.step)
                prepared.train()
    if progress.step >= training.steps:
        average.copy_to(model)
    model.eval()
    return progress.losses


def _accelerator() -> Any:
    try:
        from accelerate import Accelerator
    except ImportError as err:
        raise ConfigurationError(
            'training needs accelerate, which is not installed; pip install "pavas-sdk[train]"'
        ) from err
    return Accelerator(cpu=not torch.cuda.is_available())


def _save(accelerator: Any, checkpoint: Path, progress: _Progress) -> None:
    """Write a checkpoint beside the old one, then swap: an interrupt leaves one that is whole."""
    fresh = checkpoint.with_name("checkpoint.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    accelerator.save_state(str(fresh))
    old = checkpoint.with_name("checkpoint.old")
    if old.exists():
        shutil.rmtree(old)
    if checkpoint.exists():
        checkpoint.rename(old)
    fresh.rename(checkpoint)
    if old.exists():
        shutil.rmtree(old)
    note = {"step": progress.step, "losses": progress.losses}
    (checkpoint.parent / "progress.json").write_text(json.dumps(note), encoding="utf-8")


def _with_average(
    model: FlowModel,
    average: ExponentialAverage,
    callback: Callable[[FlowModel, int], None],
    step: int,
) -> None:
    kept = {name: value.detach().clone() for name, value in model.named_parameters()}
    average.copy_to(model)
    model.eval()
    callback(model, step)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(kept[name])
