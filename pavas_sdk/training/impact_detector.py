"""Training of the impact detector, which learns from simulated pictures to look at any video.

Its pictures are changed more than those of the encoders, which see no video but through the same
window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.data.seeds import TRAINING_SEEDS
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.training.accelerated import training_accelerator
from pavas_sdk.training.averaged_run import AveragedRun
from pavas_sdk.training.impact_examples import draw_example
from pavas_sdk.training.impact_losses import impact_losses
from pavas_sdk.training.impact_store import PictureConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from pavas_sdk.models import TinyImpactDetector
    from pavas_sdk.training.impact_examples import ImpactExample
    from pavas_sdk.training.impact_store import ImpactStore

__all__ = ["ImpactTraining", "train_impact_detector"]

_CELL_PX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactTraining:
    """Numbers of the impact detector's training, and of the pictures that it makes for itself.

    Attributes:
        clips: Pictures.
        first_seed: Of the first one.
        shard: Pictures per shard.
        pictures: Sizes of what is kept of them.
        steps: Optimiser steps.
        batch: Rows per step.
        frames: Of a row.
        hard_actions: Clips of these are drawn twice as often: slow rolling things, and walls that are
            hit far from the picture's plane.
        peak_learning_rate: Reached after ``warmup_share`` of the steps; then it falls to nearly 0.
        warmup_share: Of the steps.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are clipped to this.
        ema_decay: Of the average that is kept.
        bfloat16: Whether the network computes in bfloat16 where that is safe: quicker on GPUs, and
            on CPUs that have it (avx512_bf16), much slower on others.
        seed: Of weights, rows and changes.
        save_every_s: Seconds between checkpoints.
        network: Arguments of `TinyImpactDetector`, where they differ from its defaults.
    """

    clips: int = 5000
    first_seed: int = 6_000_000
    shard: int = 50
    pictures: PictureConfig = field(default_factory=PictureConfig)
    steps: int = 4600
    batch: int = 8
    frames: int = 48
    hard_actions: tuple[str, ...] = ("bounce", "collide", "roll")
    peak_learning_rate: float = 2e-3
    warmup_share: float = 0.08
    weight_decay: float = 1e-3
    max_grad_norm: float = 1.0
    ema_decay: float = 0.998
    bfloat16: bool = False
    seed: int = 0
    save_every_s: float = 240.0
    network: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Seeds outside the range for training, or no picture.
        """
        last = self.first_seed + self.clips - 1
        if not 0 <= self.first_seed <= last <= TRAINING_SEEDS[-1]:
            raise ConfigurationError(
                f"pictures {self.first_seed} to {last} leave the seeds for training, 0 to "
                f"{TRAINING_SEEDS[-1]}, or there are none"
            )

    @property
    def seeds(self) -> range:
        """Of the pictures."""
        return range(self.first_seed, self.first_seed + self.clips)


class _Run(AveragedRun):
    """The training of an impact detector."""

    def __init__(
        self,
        detector: TinyImpactDetector,
        store: ImpactStore,
        training: ImpactTraining,
        folder: Path,
    ) -> None:
        self.store, self.training = store, training
        self.slots = int(detector.config.slots)
        hard = [fact["action"] in training.hard_actions for fact in store.facts]
        self.clips = np.repeat(np.arange(len(store)), 1 + np.asarray(hard, dtype=np.int64))
        trainable = list(detector.parameters())
        optimizer = torch.optim.AdamW(
            trainable,
            lr=training.peak_learning_rate,
            weight_decay=training.weight_decay,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            training.peak_learning_rate,
            total_steps=max(2, training.steps),
            pct_start=training.warmup_share,
        )
        accelerator = training_accelerator()
        self.prepared, prepared_optimizer = accelerator.prepare(detector, optimizer)
        super().__init__(
            accelerator,
            prepared_optimizer,
            schedule,
            trainable,
            ema_decay=training.ema_decay,
            max_grad_norm=training.max_grad_norm,
            checkpoint=folder / "checkpoint",
        )

    def rows(self, step: int) -> list[ImpactExample]:
        """Return the rows of a step, which depend on the seed and the step alone."""
        training = self.training
        rng = np.random.default_rng([training.seed, step])
        return [
            draw_example(
                self.store,
                int(clip),
                frames=training.frames,
                slots=self.slots,
                rng=rng,
                device=self.accelerator.device,
            )
            for clip in rng.choice(self.clips, training.batch)
        ]

    def step(self) -> Tensor:
        """Make one optimiser step and return its loss."""
        rows = self.rows(self.progress.step)
        device, bfloat16 = self.accelerator.device, self.training.bfloat16
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
            said = self.prepared(torch.stack([row.changes for row in rows]))
        return self.apply(impact_losses(said, rows).total())


def train_impact_detector(
    detector: TinyImpactDetector,
    store: ImpactStore,
    training: ImpactTraining,
    folder: Path,
    *,
    resume: bool = False,
    until_step: int | None = None,
) -> list[float]:
    """Teach the detector when, where, how fast and how heavy things hit, and what moves.

    It is trained in place; at the end its parameters are the moving average, and stay so. Stopping
    at any checkpoint and resuming gives the same weights to the bit on one CPU.

    Args:
        detector: With the weights that it starts from.
        store: Of pictures.
        training: Numbers.
        folder: Where ``checkpoint/`` and ``progress.json`` go.
        resume: Continue from ``folder/checkpoint`` when it is there.
        until_step: Stop (with a checkpoint, without the average) after this step.

    Returns:
        Mean losses of every 50 steps.

    Raises:
        InputError: The store's pictures are not those that the detector looks at.
        ConfigurationError: accelerate is not installed.
        FormatError: The checkpoint was written by another version.
        OutputError: A checkpoint cannot be written.
        PavasError: The training diverged.
    """
    _check_pictures(detector, store)
    detector.requires_grad_(requires_grad=True)
    run = _Run(detector, store, training, folder)
    progress = run.progress
    if resume:
        run.resume()
    stop = training.steps if until_step is None else min(until_step, training.steps)
    run.prepared.train()
    run.follow(
        (run.step() for _ in range(progress.step, stop)),
        name="impact detector",
        stop=stop,
        save_every_s=training.save_every_s,
    )
    if progress.step >= training.steps:
        run.average.copy_to(run.trainable)
    detector.cpu().eval().requires_grad_(requires_grad=False)
    # accelerate's mark: with it the next training would leave the detector on the CPU
    detector.__dict__.pop("_is_accelerate_prepared", None)
    return progress.losses


def _check_pictures(detector: TinyImpactDetector, store: ImpactStore) -> None:
    """Check that pictures have the detector's size, rate and cells."""
    size, rate_hz = int(detector.config.image_size), float(detector.config.frame_rate_hz)
    kept, cells = store.config, size // _CELL_PX
    if (kept.grey_size, kept.frame_rate_hz, kept.grid) != (size, rate_hz, cells):
        raise InputError(
            f"the store keeps {kept.grey_size} px, {kept.frame_rate_hz:g} frames per second and "
            f"{kept.grid} cells a side, the detector takes {size}, {rate_hz:g} and {cells}; make "
            f"them with PictureConfig(grey_size={size}, frame_rate_hz={rate_hz:g}, grid={cells})"
        )
