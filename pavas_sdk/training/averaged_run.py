"""What the trainings of pavas-tiny's networks share: a step, its average, reports and checkpoints."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any

import torch
from diffusers.training_utils import EMAModel

from pavas_sdk.errors import PavasError
from pavas_sdk.training.accelerated import Progress, present_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["AveragedRun"]

logger = logging.getLogger(__name__)
_REPORT_EVERY = 50


class AveragedRun:
    """A training in progress: all that a checkpoint holds.

    Args:
        accelerator: Of `training_accelerator`; it has prepared what is trained.
        optimizer: Of the network, prepared.
        schedule: Of its learning rate.
        trainable: Parameters of the network.
        ema_decay: Of their moving average.
        max_grad_norm: Gradients are clipped to this.
        checkpoint: Folder of the checkpoint.
    """

    def __init__(
        self,
        accelerator: Any,
        optimizer: Any,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        trainable: list[nn.Parameter],
        *,
        ema_decay: float,
        max_grad_norm: float,
        checkpoint: Path,
    ) -> None:
        self.accelerator = accelerator
        self.optimizer = optimizer
        self.schedule = schedule
        self.trainable = trainable
        self.max_grad_norm = max_grad_norm
        self.checkpoint = checkpoint
        self.average = EMAModel(trainable, decay=ema_decay, foreach=True)
        self.progress = Progress()
        accelerator.register_for_checkpointing(self.average, self.progress, schedule)

    def resume(self) -> None:
        """Continue from the checkpoint, if there is one.

        Raises:
            FormatError: It was written by another version.
        """
        if present_checkpoint(self.checkpoint):
            self.accelerator.load_state(str(self.checkpoint))
            self.average.to(self.accelerator.device)
            logger.info("resumed at step %d", self.progress.step)

    def apply(self, loss: Tensor) -> Tensor:
        """Make one optimiser step and return the loss; not as a number, which would wait for it."""
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.trainable, self.max_grad_norm)
        self.optimizer.step()
        self.schedule.step()
        self.average.step(self.trainable)
        self.progress.step += 1
        return loss.detach()

    def follow(
        self,
        losses: Iterable[Tensor],
        *,
        name: str,
        stop: int,
        save_every_s: float,
        on_saved: Callable[[], None] | None = None,
    ) -> None:
        """Take the steps that ``losses`` makes one by one; report and save where it is time.

        Args:
            losses: What `apply` returned, each after its step.
            name: Of the training, for the log.
            stop: Step at which the last checkpoint is written.
            save_every_s: Seconds between checkpoints.
            on_saved: Called after each checkpoint.

        Raises:
            PavasError: The mean loss of a report is not finite; the checkpoint before it stays.
            OutputError: A checkpoint cannot be written.
        """
        progress, recent, saved = self.progress, list[torch.Tensor](), time.monotonic()
        for loss in losses:
            recent.append(loss)
            if progress.step % _REPORT_EVERY == 0 or progress.step == stop:
                progress.losses.append(_finite_mean(recent, name, progress.step))
                recent.clear()
                logger.info("%s step %d loss %.4f", name, progress.step, progress.losses[-1])
            if progress.step == stop or time.monotonic() - saved > save_every_s:
                save_checkpoint(self.accelerator, self.checkpoint, progress)
                saved = time.monotonic()
                if on_saved is not None:
                    on_saved()


def _finite_mean(losses: list[Tensor], name: str, step: int) -> float:
    mean = float(torch.stack(losses).mean())
    if not math.isfinite(mean):
        raise PavasError(
            f"the {name} training diverged: the loss of the last {len(losses)} steps before step "
            f"{step} is {mean}; go on from the last checkpoint (--resume), or train with a lower "
            "peak_learning_rate in another folder"
        )
    return mean
