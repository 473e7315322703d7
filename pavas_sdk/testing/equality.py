"""Are two answers of a component the same, bit for bit?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from pavas_sdk.data import FrameSource

__all__ = ["same_answer"]


def same_answer(first: Any, second: Any) -> bool:
    """Return whether two value objects, mappings, sequences or arrays are equal; NaN equals NaN.

    Frame sources are equal when their frames are.
    """
    if is_dataclass(first) and not isinstance(first, type):
        return type(first) is type(second) and all(
            same_answer(getattr(first, field.name), getattr(second, field.name))
            for field in fields(first)
            if field.init  # what is derived, and perhaps not yet, is no part of the value
        )
    if isinstance(first, FrameSource) and isinstance(second, FrameSource):
        return same_answer(first.read(), second.read())
    if isinstance(first, Mapping):
        return (
            isinstance(second, Mapping)
            and set(first) == set(second)
            and all(same_answer(first[key], second[key]) for key in first)
        )
    if isinstance(first, np.ndarray):
        return (
            isinstance(second, np.ndarray)
            and first.dtype == second.dtype
            and np.array_equal(first, second, equal_nan=first.dtype.kind in "fc")
        )
    if isinstance(first, Sequence) and not isinstance(first, str):
        return (
            isinstance(second, Sequence)
            and len(first) == len(second)
            and all(same_answer(a, b) for a, b in zip(first, second, strict=True))
        )
    if isinstance(first, float) and isinstance(second, float):
        return first == second or (first != first and second != second)
    return bool(first == second)
