"""Optimiser and learning rate of MMAudio's trainer: one AdamW group, steps down after a warm-up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

__all__ = ["Optimisation", "build_optimizer", "learning_rate_factor", "set_learning_rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimisation:
    """Numbers of optimiser and schedule; the defaults are those of MMAudio's released runs.

    Attributes:
        learning_rate: After the warm-up.
        adapter_learning_rate_factor: Times it for the adapter, whose layers start at zero.
        warmup: Steps of a linear rise; step i (from 0) uses the share (i + 1) / (warmup + 1).
        schedule: "steps": times ``decay_factor`` after each of ``decay_after``; "cosine": down to
            ``final_share`` at the last step; "constant".
        decay_after: Steps after the warm-up.
        decay_factor: Of "steps".
        final_share: Of "cosine".
        betas: Of AdamW.
        eps: Of AdamW; the reference takes 1e-6 with mixed precision and 1e-8 without.
        weight_decay: On every parameter: no group is left out.
        max_grad_norm: The norm of all gradients together is clipped to this.

    Raises:
        ConfigurationError: Numbers outside their ranges.
    """

    learning_rate: float = 1e-4
    adapter_learning_rate_factor: float = 1.0
    warmup: int = 1000
    schedule: Literal["steps", "cosine", "constant"] = "steps"
    decay_after: tuple[int, ...] = (240_000, 270_000)
    decay_factor: float = 0.1
    final_share: float = 0.02
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-6
    weight_decay: float = 1e-6
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be positive and finite, got {value}"
            for name, value in (
                ("learning_rate", self.learning_rate),
                ("adapter_learning_rate_factor", self.adapter_learning_rate_factor),
                ("decay_factor", self.decay_factor),
                ("eps", self.eps),
                ("max_grad_norm", self.max_grad_norm),
            )
            if not (value > 0 and math.isfinite(value))
        ]
        if self.schedule not in ("steps", "cosine", "constant"):
            problems.append(f"schedule is steps, cosine or constant, got {self.schedule!r}")
        if self.warmup < 0 or list(self.decay_after) != sorted(set(self.decay_after)):
            problems.append(
                "warmup must be 0 or more and decay_after increasing, got "
                f"{self.warmup} and {list(self.decay_after)}"
            )
        if not all(0 <= beta < 1 for beta in self.betas):
            problems.append(f"betas are two numbers in [0, 1), got {self.betas}")
        if self.weight_decay < 0:
            problems.append(f"weight_decay must be 0 or more, got {self.weight_decay}")
        if problems:
            raise ConfigurationError("; ".join(problems))


def learning_rate_factor(numbers: Optimisation, step: int, steps: int) -> float:
    """Return what the learning rate is multiplied by in step ``step`` (from 0).

    Args:
        numbers: Of the schedule.
        step: Number of the step.
        steps: Of the whole training, for "cosine".
    """
    if step < numbers.warmup:
        return (step + 1) / (numbers.warmup + 1)
    if numbers.schedule == "steps":
        # counted after the warm-up, as in the reference
        passed = sum(step - numbers.warmup >= after for after in numbers.decay_after)
        return float(numbers.decay_factor**passed)
    if numbers.schedule == "cosine":
        share = min(1.0, (step - numbers.warmup) / max(1, steps - numbers.warmup))
        return numbers.final_share + (1 - numbers.final_share) * (1 + math.cos(math.pi * share)) / 2
    return 1.0


def build_optimizer(
    parameters: Iterable[nn.Parameter],
    numbers: Optimisation,
    *,
    adapter_parameters: Iterable[nn.Parameter] = (),
) -> torch.optim.AdamW:
    """Return AdamW over all parameters; the adapter's are a second group.

    Args:
        parameters: Of backbone (or of its LoRA).
        numbers: Of the optimiser.
        adapter_parameters: Of the adapter.
    """
    rate = numbers.learning_rate
    adapter_rate = rate * numbers.adapter_learning_rate_factor
    groups: list[dict[str, Any]] = [
        {"params": list(parameters), "lr": rate, "full_lr": rate},
        {"params": list(adapter_parameters), "lr": adapter_rate, "full_lr": adapter_rate},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        betas=numbers.betas,
        eps=numbers.eps,
        weight_decay=numbers.weight_decay,
        fused=True,
    )


def set_learning_rate(
    optimizer: torch.optim.Optimizer, numbers: Optimisation, step: int, steps: int
) -> float:
    """Set the learning rates of a step and return the backbone's (the first group's).

    They depend on the step alone, so that resuming needs no state of a schedule.

    Args:
        optimizer: Of `build_optimizer`.
        numbers: Of the schedule.
        step: Number of the step, from 0.
        steps: Of the whole training.
    """
    factor = learning_rate_factor(numbers, step, steps)
    for group in optimizer.param_groups:
        group["lr"] = group["full_lr"] * factor
    return float(optimizer.param_groups[0]["lr"])
