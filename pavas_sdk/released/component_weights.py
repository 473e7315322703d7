"""An official file's tensors as those of the network that it should belong to, or all differences."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch

from pavas_sdk.errors import WeightsError
from pavas_sdk.models.weight_differences import weight_differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from pavas_sdk.released.releases import ReleasedComponent
    from pavas_sdk.released.tensor_names import LazyTensor

__all__ = ["component_weights", "recognise"]


def component_weights(
    component: ReleasedComponent,
    official: Mapping[str, Tensor],
    path: Path,
    *,
    known: Iterable[ReleasedComponent] = (),
) -> tuple[nn.Module, dict[str, LazyTensor]]:
    """Return the network (on the meta device) and its tensors by our names, in its order.

    Args:
        component: What the file should be.
        official: What is in it.
        path: The file, for the message.
        known: Other components that it may be instead, for the message.

    Raises:
        WeightsError: Tensors are missing, unknown or of another shape: all are listed.
    """
    with torch.device("meta"):
        network: nn.Module = component.build()
    tensors = component.translate(official)
    expected = _shapes(network)
    differences = _differences(expected, tensors)
    if not differences:
        return network, {name: tensors[name] for name in expected}
    lines = "\n".join(f"  {line}" for line in differences)
    found = recognise(official, known)
    remedy = (
        f"it holds the weights of {' or '.join(found)}; use it for that"
        if found
        else f"get {component.file.path} again from {component.file.url}"
    )
    raise WeightsError(
        f"{path} does not hold the weights of {component.name} ({len(differences)} differences):\n"
        f"{lines}\n{remedy}"
    )


def recognise(official: Mapping[str, Tensor], components: Iterable[ReleasedComponent]) -> list[str]:
    """Return the names of the components whose weights these are."""
    return [
        component.name
        for component in components
        if not _differences(_expected(component), component.translate(official))
    ]


@cache
def _expected(component: ReleasedComponent) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return _shapes(component.build())


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _differences(
    expected: Mapping[str, tuple[int, ...]], tensors: Mapping[str, LazyTensor]
) -> list[str]:
    return weight_differences(expected, {name: tensor.shape for name, tensor in tensors.items()})
