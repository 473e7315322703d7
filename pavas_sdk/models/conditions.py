"""The part of the flow network's input that does not depend on the time step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

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
