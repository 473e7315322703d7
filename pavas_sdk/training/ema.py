"""An exponential moving average of a network's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["ExponentialAverage"]


class ExponentialAverage:
    """Keeps ``average = decay * average + (1 - decay) * parameter``.

    The decay grows from 0 as (1 + n) / (10 + n), so that the start is forgotten quickly.

    Args:
        model: Whose trainable parameters are averaged.
        decay: Final decay.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.shadow = {
            name: value.detach().clone()
            for name, value in model.named_parameters()
            if value.requires_grad
        }

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the parameters of ``model``."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        values = dict(model.named_parameters())
        shadow = list(self.shadow.values())
        torch._foreach_lerp_(shadow, [values[name].detach() for name in self.shadow], 1.0 - decay)

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Overwrite the parameters of ``model`` with the average."""
        values = dict(model.named_parameters())
        for name, value in self.shadow.items():
            values[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {"updates": self.updates, "shadow": self.shadow}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.updates = int(state["updates"])
        shadow: dict[str, Tensor] = state["shadow"]
        for name, value in self.shadow.items():
            value.copy_(shadow[name])
