"""The part of the flow network's input that does not depend on the time step."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Conditions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Projected conditions of a batch, computed once per clip.

    Made by ``MMAudioTransformer.prepare_conditions``; D is the width of the network.

    Attributes:
        clip_f: Visual tokens, (B, T_clip, D).
        sync_f: Synchronisation features, already one per latent, (B, N, D).
        text_f: Text tokens, (B, T_text, D).
        clip_c: Mean visual vector, projected, (B, D).
        text_c: Mean text vector, projected, (B, D).
        global_c: Condition vector shared by all tokens, without the time embedding, (B, D).
    """

    clip_f: Tensor
    sync_f: Tensor
    text_f: Tensor
    clip_c: Tensor
    text_c: Tensor
    global_c: Tensor

    @property
    def batch_size(self) -> int:
        """Number of batch rows B."""
        return self.global_c.shape[0]

    @property
    def latent_length(self) -> int:
        """Number of latents N these conditions were prepared for."""
        return self.sync_f.shape[1]

    @staticmethod
    def cat(parts: Sequence[Conditions]) -> Conditions:
        """Join along the batch, so that the branches of guidance run in one pass.

        Raises:
            RuntimeError: Token counts differ between the parts.
        """
        names = [field.name for field in fields(Conditions)]
        return Conditions(
            **{name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        )

    def repeat_interleave(self, times: int) -> Conditions:
        """Repeat every row ``times`` times in place, for several waveforms per video."""
        return self._map(lambda tensor: tensor.repeat_interleave(times, dim=0))

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Conditions:
        """Move or cast every tensor."""
        return self._map(lambda tensor: tensor.to(device=device, dtype=dtype))

    def _map(self, function: Callable[[Tensor], Tensor]) -> Conditions:
        names = [field.name for field in fields(self)]
        return Conditions(**{name: function(getattr(self, name)) for name in names})
