"""Official tensor names to ours, without touching the numbers until they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

__all__ = ["Entry", "as_they_are", "entry_of", "fold_weight_norm", "without"]

_SPELLINGS = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A tensor that will be made when it is written.

    Attributes:
        shape: Its shape.
        read: Returns it.
    """

    shape: tuple[int, ...]
    read: Callable[[], Tensor]


def entry_of(tensor: Tensor) -> Entry:
    """Return an entry that is ``tensor``; of a memory-mapped one nothing is read yet."""
    return Entry(tuple(tensor.shape), lambda: tensor)


def as_they_are(official: Mapping[str, Tensor]) -> dict[str, Entry]:
    """Keep every tensor and its name."""
    return {name: entry_of(tensor) for name, tensor in official.items()}


def without(official: Mapping[str, Tensor], *, names: tuple[str, ...]) -> dict[str, Entry]:
    """Drop tensors that are derived from others and never stored by us; keep the rest."""
    return as_they_are({name: value for name, value in official.items() if name not in names})


def fold_weight_norm(official: Mapping[str, Tensor]) -> dict[str, Entry]:
    """Replace each weight-norm pair by the weight it stands for: ``g * v / ||v||``.

    The norm is taken over all axes but the first, in float32. Both spellings of a pair are
    understood, as is a plain ``weight``. Half a pair passes through, so that it is reported.
    """
    entries = as_they_are(official)
    for name in official:
        for ending_g, ending_v in _SPELLINGS:
            stem = name.removesuffix(ending_g)
            if stem == name or f"{stem}{ending_v}" not in official:
                continue
            gain, direction = official[name], official[f"{stem}{ending_v}"]
            del entries[name], entries[f"{stem}{ending_v}"]
            entries[f"{stem}weight"] = Entry(
                tuple(direction.shape), partial(_folded, gain, direction)
            )
    return entries


def _folded(gain: Tensor, direction: Tensor) -> Tensor:
    folded: Tensor = torch._weight_norm(direction.float(), gain.float(), 0)
    return folded
