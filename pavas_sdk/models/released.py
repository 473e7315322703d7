"""Released weights: strict loading, and weight norm folded into plain weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = ["fold_weight_norm", "load_strictly"]

# The pair (magnitude, direction) of weight norm: the classic names, and those of
# torch.nn.utils.parametrizations.
_PAIRS = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)
_LISTED = 12


def fold_weight_norm(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace every weight-norm pair by the weight that it stands for.

    ``w = g * v / ||v||`` with the norm over all axes but the first, in float32. Both spellings
    are known; a weight that is plain already stays as it is.

    Raises:
        WeightsError: Half of a pair is missing.
    """
    folded: dict[str, Tensor] = {}
    for key, value in state_dict.items():
        for magnitude, direction in _PAIRS:
            if key.endswith(f".{magnitude}") or key == magnitude:
                stem = key.removesuffix(magnitude)
                if stem + direction not in state_dict:
                    raise WeightsError(f"{key} has no {stem + direction} beside it")
                break
            if key.endswith(f".{direction}") or key == direction:
                stem = key.removesuffix(direction)
                if stem + magnitude not in state_dict:
                    raise WeightsError(f"{key} has no {stem + magnitude} beside it")
                g, v = state_dict[stem + magnitude].float(), value.float()
                norm = torch.linalg.vector_norm(v.flatten(1), dim=1).reshape(g.shape)
                folded[f"{stem}weight"] = (v * (g / norm)).to(value.dtype)
                break
        else:
            folded[key] = value
    return folded


def load_strictly(module: nn.Module, state_dict: Mapping[str, Tensor], *, what: str) -> None:
    """Load ``state_dict``; every difference of names and shapes is listed in one error.

    A module on the meta device takes the given tensors as they are.

    Args:
        module: Takes the weights.
        state_dict: Its own names.
        what: The module in words, for the error.

    Raises:
        WeightsError: Keys are missing, unknown or of another shape.
    """
    own = module.state_dict()
    problems = [f"missing {key} {list(own[key].shape)}" for key in own if key not in state_dict]
    problems += [f"unexpected {key}" for key in state_dict if key not in own]
    problems += [
        f"{key} has shape {list(value.shape)}, expected {list(own[key].shape)}"
        for key, value in state_dict.items()
        if key in own and own[key].shape != value.shape
    ]
    if problems:
        more = len(problems) - _LISTED
        listed = "; ".join(problems[:_LISTED]) + (f"; and {more} more" if more > 0 else "")
        raise WeightsError(f"these weights do not belong to {what}: {listed}")
    on_meta = any(value.is_meta for value in own.values())
    module.load_state_dict(dict(state_dict), strict=True, assign=on_meta)
