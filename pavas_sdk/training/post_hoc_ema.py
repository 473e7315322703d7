"""Post-hoc EMA (Karras et al. 2023): power-function averages, mixed to any length afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

__all__ = ["EmaSnapshot", "PowerEma", "gamma_of", "mixing_weights"]


def gamma_of(sigma_rel: float) -> float:
    """Return the exponent gamma of the profile of relative width ``sigma_rel``.

    The largest real root of g^3 + 7 g^2 + (16 - s) g + (12 - s), s = sigma_rel^-2.

    Raises:
        ConfigurationError: A width outside (0, 0.28): no profile is so wide.
    """
    if not 0 < sigma_rel < 0.28:
        raise ConfigurationError(f"sigma_rel lies between 0 and 0.28, got {sigma_rel}")
    s = sigma_rel**-2
    roots = np.roots([1, 7, 16 - s, 12 - s])
    return float(roots.real[np.abs(roots.imag) < 1e-9].max())


class PowerEma:
    """One average whose memory is a fixed share of the training so far.

    Args:
        parameters: What is averaged, by name; copied at the first update, in float32.
        sigma_rel: Relative width of the profile.
        update_every: Only update calls 1, 1 + this, 1 + 2 x this, ... move the average.

    Raises:
        ConfigurationError: Numbers outside their ranges.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor], sigma_rel: float, *, update_every: int = 1
    ) -> None:
        if update_every < 1:
            raise ConfigurationError(f"update_every must be at least 1, got {update_every}")
        self.sigma_rel = sigma_rel
        self.gamma = gamma_of(sigma_rel)
        self.update_every = update_every
        self.updates = 0
        self.values = {
            name: tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32), copy=True)
            for name, tensor in parameters.items()
        }

    def beta(self) -> float:
        """Return the weight of the past in the update that has just been counted.

        With the correction for the step size: the mean of both ends of the interval.
        """
        n, every, power = self.updates, self.update_every, 1.0 + self.gamma
        product = (1 - 1 / (n + 1)) ** power * (1 - 1 / (n + 1 + every)) ** power
        return float(product ** (every / 2))

    @torch.no_grad()
    def update(self, parameters: Mapping[str, Tensor]) -> None:
        """Count one update call and move the average.

        Args:
            parameters: Their present values; the same names as at the start.
        """
        self.updates += 1
        if self.updates == 1:
            for name, value in self.values.items():
                value.copy_(parameters[name])
            return
        if (self.updates - 1) % self.update_every:
            return
        weight = 1.0 - self.beta()
        values = list(self.values.values())
        now = [
            parameters[name].detach().to(value.device, value.dtype)
            for name, value in self.values.items()
        ]
        torch._foreach_lerp_(values, now, weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmaSnapshot:
    """One stored average.

    Attributes:
        step: Update calls until then.
        sigma_rel: Relative width of its profile.
    """

    step: int
    sigma_rel: float


def mixing_weights(
    snapshots: Sequence[EmaSnapshot], *, sigma_rel: float, step: int | None = None
) -> list[float]:
    """Return how much of each snapshot goes into the average of another width or step.

    Least squares: the mixture of the stored profiles that comes closest to the wanted one.

    Args:
        snapshots: What is stored; later ones than ``step`` take part, too.
        sigma_rel: Wanted width.
        step: Wanted step; None: the last one.

    Raises:
        ConfigurationError: Nothing is stored, or two snapshots are the same one.
    """
    if not snapshots:
        raise ConfigurationError("there are no stored averages to mix")
    if len(set(snapshots)) != len(snapshots):
        raise ConfigurationError("a stored average is there twice")
    stored = [(float(entry.step), gamma_of(entry.sigma_rel)) for entry in snapshots]
    last = max(entry.step for entry in snapshots)
    wanted = (float(last if step is None else step), gamma_of(sigma_rel))
    between = np.array([[_overlap(a, b) for b in stored] for a in stored])
    towards = np.array([_overlap(a, wanted) for a in stored])
    return [float(weight) for weight in np.linalg.solve(between, towards)]


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Inner product of two profiles, (step, gamma) each."""
    (t_a, g_a), (t_b, g_b) = a, b
    exponent = g_b if t_a < t_b else -g_a
    ratio = math.exp(exponent * math.log(t_a / t_b))
    return (g_a + 1) * (g_b + 1) * ratio / ((g_a + g_b + 1) * max(t_a, t_b))


def mixed(
    parts: Iterator[tuple[float, Mapping[str, Tensor]]],
) -> dict[str, Tensor]:
    """Return the weighted sum of stored averages, float32; one is in memory at a time.

    Args:
        parts: (weight, tensors by name) of each.
    """
    total: dict[str, Tensor] = {}
    for weight, tensors in parts:
        for name, tensor in tensors.items():
            part = tensor.to(torch.float64) * weight
            total[name] = total[name] + part if name in total else part
    return {name: tensor.float() for name, tensor in total.items()}
