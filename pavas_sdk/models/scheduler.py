"""The sampler: straight Euler steps of a flow from noise (t = 0) to data (t = 1)."""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from pavas_sdk.errors import ConfigurationError

__all__ = ["FlowMatchEuler"]


class FlowMatchEuler(SchedulerMixin, ConfigMixin):  # type: ignore[misc]
    """Euler integration of ``dx/dt = v(x, t)`` upwards in time.

    Nothing is stored between steps: one scheduler may serve many clips at once.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved pipelines

    order = 1

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self) -> None:
        pass

    def times(self, num_inference_steps: int, device: torch.device | str | None = None) -> Tensor:
        """Return the ends of all steps, float32 (num_inference_steps + 1,), from 0 to 1.

        Raises:
            ConfigurationError: Fewer than one step.
        """
        if num_inference_steps < 1:
            raise ConfigurationError(
                f"num_inference_steps must be at least 1, got {num_inference_steps}"
            )
        return torch.linspace(0, 1, num_inference_steps + 1, dtype=torch.float32, device=device)

    def step(self, velocity: Tensor, sample: Tensor, time: Tensor, next_time: Tensor) -> Tensor:
        """Return the sample at ``next_time``, with ``velocity`` taken at ``time``.

        Args:
            velocity: At ``sample`` and ``time``, (B, N, C).
            sample: (B, N, C).
            time: Scalar of :meth:`times`.
            next_time: The one after it.
        """
        return sample + (next_time - time) * velocity
