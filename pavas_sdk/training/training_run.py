"""A training in progress: weights, optimiser, averages and position, and one step of it."""

from __future__ import annotations

import logging
import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk.errors import ConfigurationError, PavasError
from pavas_sdk.training.optimisation import build_optimizer, set_learning_rate
from pavas_sdk.training.post_hoc_ema import PowerEma

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

    from pavas_sdk.training.datasets.batch import TrainingBatch
    from pavas_sdk.training.flow_draws import FlowDraws
    from pavas_sdk.training.objective import FlowObjective
    from pavas_sdk.training.run_config import RunConfig

__all__ = ["TrainingRun", "Update", "make_accelerator"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What one step did.

    Attributes:
        step: Its number, from 0.
        loss: Mean over the rows of all processes.
        grad_norm: Of all gradients together, before clipping.
        learning_rate: That it used.
        skipped: Loss or gradient were not finite: nothing was changed.
    """

    step: int
    loss: float
    grad_norm: float
    learning_rate: float
    skipped: bool = False


def make_accelerator(*, log_with: str | None = None, **options: Any) -> Any:
    """Return accelerate's view of the devices and processes of this training.

    Args:
        log_with: A tracker by accelerate's name ("tensorboard", "wandb", "trackio").
        **options: Further ones of ``accelerate.Accelerator``.

    Raises:
        ConfigurationError: accelerate is not installed.
    """
    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs
    except ImportError as err:
        raise ConfigurationError(
            'training needs accelerate, which is not installed; pip install "pavas-sdk[train]"'
        ) from err
    return Accelerator(
        cpu=not torch.cuda.is_available(),
        log_with=log_with,
        # an adapter is not used by a batch without physics
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        **options,
    )


class TrainingRun:
    """All that a checkpoint holds.

    Args:
        objective: What is trained: its parameters that require a gradient.
        config: Numbers.
        accelerator: Of `make_accelerator`; None: one is made.

    Raises:
        ConfigurationError: Nothing in it requires a gradient.
    """

    def __init__(
        self, objective: FlowObjective, config: RunConfig, *, accelerator: Any | None = None
    ) -> None:
        self.objective = objective
        self.config = config
        self.accelerator = accelerator or make_accelerator()
        objective.to(self.accelerator.device)
        if config.gradient_checkpointing:
            objective.transformer.enable_gradient_checkpointing()
        self.trainable: dict[str, nn.Parameter] = {
            name: parameter
            for name, parameter in objective.named_parameters()
            if parameter.requires_grad
        }
        if not self.trainable:
            raise ConfigurationError("nothing is trained: no parameter requires a gradient")
        optimizer = build_optimizer(
            [p for name, p in self.trainable.items() if not name.startswith("adapter.")],
            config.optimisation,
            adapter_parameters=[
                p for name, p in self.trainable.items() if name.startswith("adapter.")
            ],
        )
        several = self.accelerator.num_processes > 1
        self.prepared = self.accelerator.prepare(objective) if several else objective
        self.optimizer = optimizer
        self.averages = [
            PowerEma(self.trainable, sigma, update_every=config.average.update_every)
            for sigma in config.average.sigma_rels
        ]
        self.step = 0
        self.skipped = 0
        self._bad_in_a_row = 0

    def update(
        self, parts: Iterable[tuple[TrainingBatch, FlowDraws]], *, count: int, total_rows: int
    ) -> Update:
        """Make one optimiser step.

        Args:
            parts: Micro-batches of this process.
            count: Number of them.
            total_rows: Rows of the whole step, in all processes: the loss is the mean over them.

        Raises:
            PavasError: Too many steps in a row were not finite.
        """
        config, step = self.config, self.step
        rate = set_learning_rate(self.optimizer, config.optimisation, step, config.steps)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(parts, count, total_rows)
        norm = float(
            torch.nn.utils.clip_grad_norm_(
                self.trainable.values(), config.optimisation.max_grad_norm
            )
        )
        finite = math.isfinite(norm) and math.isfinite(loss)
        if finite:
            self.optimizer.step()
            for average in self.averages:
                average.update(self.trainable)
            self._bad_in_a_row = 0
        else:
            self._count_bad(loss, norm)
        self.step = step + 1
        return Update(step=step, loss=loss, grad_norm=norm, learning_rate=rate, skipped=not finite)

    def _backward(
        self, parts: Iterable[tuple[TrainingBatch, FlowDraws]], count: int, total_rows: int
    ) -> float:
        """Add up the gradients of all micro-batches and return the mean loss of all processes."""
        device, processes = self.accelerator.device, self.accelerator.num_processes
        total: Tensor = torch.zeros((), device=device)
        for index, (batch, draws) in enumerate(parts):
            last = index == count - 1
            with nullcontext() if last else self.accelerator.no_sync(self.prepared):
                with self._autocast():
                    losses = self.prepared(batch.to(device), draws.to(device))
                # gradients are averaged over processes, but the loss is the mean over rows
                share = losses.sum() / total_rows
                self.accelerator.backward(share * processes)
            total = total + share.detach()
        return float(self.accelerator.reduce(total, reduction="sum"))

    def _autocast(self) -> AbstractContextManager[Any]:
        device, wanted = self.accelerator.device.type, self.config.mixed_precision
        if wanted == "no" or (wanted == "auto" and device == "cpu"):
            return nullcontext()
        return torch.autocast(device, dtype=torch.bfloat16)

    def _count_bad(self, loss: float, norm: float) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.skipped += 1
        self._bad_in_a_row += 1
        logger.warning("step %d skipped: loss %s, gradient norm %s", self.step, loss, norm)
        if self._bad_in_a_row >= self.config.max_bad_steps:
            raise PavasError(
                f"{self._bad_in_a_row} steps in a row, the last of them step {self.step}, had a "
                f"loss ({loss}) or gradient norm ({norm}) that is not finite. Go on from the last "
                "checkpoint with a lower optimisation.learning_rate, or look for features that "
                "are not finite"
            )
