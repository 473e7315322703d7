"""What the trainings of both tiny encoders share; afterwards the encoders stay frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pavas_sdk.training.targets import class_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.training.store import ClipStore

__all__ = [
    "EncoderTraining",
    "StoreClasses",
    "encoder_optimizer",
    "exposed",
    "optimizer_step",
    "training_device",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderTraining:
    """Numbers of an encoder's training.

    Attributes:
        steps: Optimiser steps.
        batch: Clips per step.
        frames: Frames per clip and step: neighbours for the sync encoder, drawn at random for the
            visual encoder.
        learning_rate: Peak; warm-up over the first twentieth, then a cosine to zero.
        seed: Of weights, order and augmentation.
    """

    steps: int = 1000
    batch: int = 12
    frames: int = 48
    learning_rate: float = 2e-3
    seed: int = 0


def training_device() -> torch.device:
    """Return the device that trainings run on: a GPU where there is one, as accelerate chooses."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def encoder_optimizer(
    modules: Sequence[nn.Module], training: EncoderTraining
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return AdamW over the trainable parameters of ``modules``, and its schedule."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=max(2, training.steps), pct_start=0.05
    )
    return optimizer, schedule


def exposed(frames: Any, rng: np.random.Generator, device: torch.device) -> Tensor:
    """Return uint8 pictures as float in [0, 1] with a random exposure, on ``device``."""
    pixels = torch.tensor(np.asarray(frames), device=device).float() / 255.0
    gain = float(np.exp(rng.normal(0.0, 0.15)))
    return ((pixels - 0.5) * gain + 0.5 + float(rng.normal(0.0, 0.03))).clamp(0.0, 1.0)


class StoreClasses:
    """The classes that the clips of a store fall into."""

    def __init__(self, store: ClipStore) -> None:
        self.actions = class_names([fact["action"] for fact in store.facts])
        self.surfaces = class_names([fact["surface"] for fact in store.facts])
        self.materials = class_names([name for fact in store.facts for name in fact["materials"]])


def optimizer_step(
    loss: Tensor,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    modules: Sequence[nn.Module],
) -> float:
    """Make one step with clipped gradients and return the loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for module in modules:
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    return float(loss.detach())
