"""JSON values, strictly: a wrong type is named, NaN is null."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBER_LIST = re.compile(r"\[\n\s*((?:[-+0-9.eE]+|null)(?:,\n\s*(?:[-+0-9.eE]+|null))*)\n\s*\]")


def dumps(data: Any) -> str:
    """Return JSON text: one series of numbers per line, so that a diff shows what changed.

    Raw line breaks never stand inside JSON strings, so joining lines cannot touch a label.
    """
    text = json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate in a label: written as an escape
        text = json.dumps(data, indent=1, allow_nan=False)
    return _NUMBER_LIST.sub(lambda m: "[" + re.sub(r",\s+", ", ", m.group(1)) + "]", text) + "\n"


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return ``value`` if it is a JSON object.

    Raises:
        FormatError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise FormatError(f"{name} must be a JSON object, got {_short(value)}")
    return value


def items(value: Any, name: str) -> list[Any]:
    """Return ``value`` as a list if it is a JSON array.

    Raises:
        FormatError: It is something else.
    """
    if not isinstance(value, list | tuple):
        raise FormatError(f"{name} must be a JSON array, got {_short(value)}")
    return list(value)


def required(data: Mapping[str, Any], key: str, name: str) -> Any:
    """Return ``data[key]``.

    Raises:
        FormatError: The key is missing.
    """
    if key not in data:
        raise FormatError(f'{name} lacks "{key}"; it has {", ".join(sorted(data)) or "nothing"}')
    return data[key]


def text(value: Any, name: str) -> str:
    """Return ``value`` if it is a string.

    Raises:
        FormatError: It is something else.
    """
    if not isinstance(value, str):
        raise FormatError(f"{name} must be a string, got {_short(value)}")
    return value


def integer(value: Any, name: str) -> int:
    """Return ``value`` as an int if it is a whole number.

    Raises:
        FormatError: It is something else.
    """
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise FormatError(f"{name} must be a whole number, got {_short(value)}")
    if abs(value) >= 2**53:  # the first that JSON's other readers confuse with its neighbours
        raise FormatError(f"{name} is too large: {_short(value)}")
    return int(value)


def number(value: Any, name: str) -> float:
    """Return ``value`` as a float if it is a number.

    Raises:
        FormatError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"{name} must be a number, got {_short(value)}")
    try:
        return float(value)
    except OverflowError as err:
        raise FormatError(f"{name} is too large: {_short(value)}") from err


def optional_number(value: Any, name: str) -> float | None:
    """Return None for null, else `number`."""
    return None if value is None else number(value, name)


def series(value: Any, name: str, *, columns: int | None = None) -> NDArray[np.float64]:
    """Return an array of numbers with null as NaN, (S,) or (S, columns).

    Raises:
        FormatError: Something that is no number, or rows of another length.
    """
    entries = items(value, name)
    if columns is None:
        # nearly all are floats: a call for each would take seconds of a long clip
        cells = [
            cell if type(cell) is float else np.nan if cell is None else number(cell, name)
            for cell in entries
        ]
        return np.asarray(cells, dtype=np.float64)
    rows = [items(row, name) for row in entries]
    if any(len(row) != columns for row in rows):
        raise FormatError(f"{name} must have rows of {columns} numbers")
    return series([cell for row in rows for cell in row], name).reshape(len(rows), columns)


def optional_series(
    value: Any, name: str, *, columns: int | None = None
) -> NDArray[np.float64] | None:
    """Return None for null, else `series`."""
    return None if value is None else series(value, name, columns=columns)


def plain_numbers(array: NDArray[np.float64] | None) -> Any:
    """Return nested lists of numbers with NaN as None; None stays None."""
    if array is None:
        return None
    if array.ndim == 1:
        return [None if math.isnan(value) else float(value) for value in array]
    return [plain_numbers(row) for row in array]


def _short(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
