"""What distinguishes the tensors of a file from those of a network, by name and shape. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["weight_differences"]


def weight_differences(
    expected: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]]
) -> list[str]:
    """Return a line for each tensor that is missing, unexpected or of another shape.

    Args:
        expected: Shape of each tensor of the network, by name.
        found: Shape of each tensor that there is, by name.
    """
    missing = [f"missing: {name} {list(expected[name])}" for name in expected if name not in found]
    unexpected = [
        f"unexpected: {name} {list(found[name])}" for name in found if name not in expected
    ]
    of_another_shape = [
        f"shape: {name} is {list(found[name])}, expected {list(shape)}"
        for name, shape in expected.items()
        if name in found and tuple(found[name]) != tuple(shape)
    ]
    return missing + unexpected + of_another_shape
