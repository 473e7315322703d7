"""Draws tokens with noise from the caller's seed, never from torch's global generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GumbelDraw"]


class GumbelDraw:
    """A logits processor after which the largest logit is a draw from the distribution.

    Adding Gumbel noise to the logits and taking the largest draws exactly from their softmax, so
    that plain greedy decoding does the rest. The noise is drawn on the CPU: the same seed gives
    the same draw on every device, up to rounding of the logits.

    Args:
        temperature: Above 0.
        top_p: Only the likeliest tokens that together have this probability are drawn from.
        seed: Of the noise.
    """

    def __init__(self, temperature: float, top_p: float, seed: int) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._rng = np.random.default_rng(seed)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores, (B, vocabulary), with noise; what is left out is -inf."""
        del input_ids
        scaled = scores.float() / self._temperature
        ordered, order = scaled.sort(dim=-1, descending=True)
        before = ordered.softmax(dim=-1).cumsum(dim=-1) - ordered.softmax(dim=-1)
        left_out = (before >= self._top_p).scatter(-1, order, before >= self._top_p)
        noise = self._rng.gumbel(size=tuple(scaled.shape)).astype(np.float32)
        drawn = scaled + torch.from_numpy(noise).to(scaled.device)
        return drawn.masked_fill(left_out, float("-inf"))
