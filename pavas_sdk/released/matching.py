"""Strict comparison of a file's tensors with a network's: every difference in one error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch

from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from pavas_sdk.models.translation import Entry
    from pavas_sdk.released.releases import ReleasedComponent

__all__ = ["match", "recognise"]


def match(
    component: ReleasedComponent,
    official: Mapping[str, Tensor],
    path: Path,
    *,
    known: Iterable[ReleasedComponent] = (),
) -> tuple[nn.Module, dict[str, Entry]]:
    """Return the network (on the meta device) and one entry for each of its tensors, in order.

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
    entries = component.translate(official)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    problems = _problems(expected, entries)
    if not problems:
        return network, {name: entries[name] for name in expected}
    lines = "\n".join(f"  {line}" for line in problems)
    found = recognise(official, known)
    remedy = (
        f"it holds the weights of {' or '.join(found)}; use it for that"
        if found
        else f"get {component.file.path} again from {component.file.url}"
    )
    raise WeightsError(
        f"{path} does not hold the weights of {component.name} ({len(problems)} differences):\n"
        f"{lines}\n{remedy}"
    )


def recognise(official: Mapping[str, Tensor], components: Iterable[ReleasedComponent]) -> list[str]:
    """Return the names of the components whose weights these are."""
    return [
        component.name
        for component in components
        if not _problems(_expected(component), component.translate(official))
    ]


@cache
def _expected(component: ReleasedComponent) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = component.build().state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _problems(expected: Mapping[str, tuple[int, ...]], entries: Mapping[str, Entry]) -> list[str]:
    missing = [
        f"missing: {name} {list(expected[name])}" for name in expected if name not in entries
    ]
    unknown = [
        f"unexpected: {name} {list(entry.shape)}"
        for name, entry in entries.items()
        if name not in expected
    ]
    shaped = [
        f"shape: {name} is {list(entries[name].shape)}, expected {list(shape)}"
        for name, shape in expected.items()
        if name in entries and entries[name].shape != shape
    ]
    return missing + unknown + shaped
