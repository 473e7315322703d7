"""Loading released weights into a network: every difference of names and shapes in one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from pavas_sdk.models.translation import Entry

__all__ = ["load_strictly"]

_LISTED = 12


def load_strictly(module: nn.Module, entries: Mapping[str, Entry], *, what: str) -> None:
    """Load translated weights, which must be exactly those of ``module``.

    A module on the meta device takes the tensors as they are.

    Args:
        module: Takes the weights.
        entries: Tensors by the module's own names.
        what: The module in words, for the error.

    Raises:
        WeightsError: Tensors are missing, unknown or of another shape.
    """
    own = module.state_dict()
    problems = [f"missing {key} {list(own[key].shape)}" for key in own if key not in entries]
    problems += [f"unexpected {key}" for key in entries if key not in own]
    problems += [
        f"{key} has shape {list(entry.shape)}, expected {list(own[key].shape)}"
        for key, entry in entries.items()
        if key in own and tuple(own[key].shape) != entry.shape
    ]
    if problems:
        more = len(problems) - _LISTED
        listed = "; ".join(problems[:_LISTED]) + (f"; and {more} more" if more > 0 else "")
        raise WeightsError(f"these weights do not belong to {what}: {listed}")
    on_meta = any(value.is_meta for value in own.values())
    tensors = {key: entry.read() for key, entry in entries.items()}
    module.load_state_dict(tensors, strict=True, assign=on_meta)
