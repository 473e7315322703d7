"""Rows of a condition that repeat are mapped once.

The condition of a latent repeats: synchronisation features come at 24 Hz and are spread over
latents at 31 or 43 Hz, and where there is no video the learned empty feature differs only by its
place in a segment of eight. At 8 s and 16 kHz, 210 of the 500 rows of a guided step are distinct.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.models.blocks import Modulator

__all__ = ["DistinctRows", "distinct_rows", "modulator", "transformer"]

_WORTH = 0.8  # above this share of distinct rows, gathering costs what it saves

# Conditions of the running step by identity, beside the tensor itself: it must live for its identity.
_seen: ContextVar[dict[int, tuple[Tensor, DistinctRows | None]] | None] = ContextVar(
    "seen", default=None
)


@dataclass(frozen=True, slots=True, eq=False)
class DistinctRows:
    """The distinct rows of a tensor (B, N, D).

    Attributes:
        rows: (U, D), in the order in which they first occur.
        index: Place in ``rows`` of every row, (B * N,).
        batch: B.
    """

    rows: Tensor
    index: Tensor
    batch: int

    def spread(self, mapped: Tensor) -> Tensor:
        """Return (B, N, E) for the rows mapped to (U, E)."""
        spread: Tensor = mapped.index_select(0, self.index).unflatten(0, (self.batch, -1))
        return spread


def distinct_rows(x: Tensor) -> DistinctRows | None:
    """Return the distinct rows of ``x`` (B, N, D), or None where that gains nothing.

    Equal means equal to the bit. On other devices than the CPU it gains nothing: their number would
    have to be waited for.
    """
    if x.device.type != "cpu" or x.shape[1] == 1:
        return None
    flat = x.reshape(-1, x.shape[-1]).contiguous()
    places: dict[bytes, int] = {}
    index = [
        places.setdefault(row.tobytes(), len(places)) for row in flat.view(torch.uint8).numpy()
    ]
    if len(places) > _WORTH * len(index):
        return None
    first = [0] * len(places)
    for token in range(len(index) - 1, -1, -1):
        first[index[token]] = token
    return DistinctRows(flat[first], torch.tensor(index), x.shape[0])


def transformer(plain: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """Run a step of the flow network; all its blocks share what is found about its condition."""
    token = _seen.set({})
    try:
        return plain(*args, **kwargs)
    finally:
        _seen.reset(token)


def modulator(plain: Callable[..., Tensor], layer: Modulator, activated: Tensor) -> Tensor:
    """Project (B, N or 1, D) as ``layer`` does, each distinct row once."""
    seen = _seen.get()
    if seen is None:
        return plain(layer, activated)
    if id(activated) not in seen:
        seen[id(activated)] = activated, distinct_rows(activated)
    distinct = seen[id(activated)][1]
    if distinct is None:
        return plain(layer, activated)
    return distinct.spread(plain(layer, distinct.rows))
