"""Checks that the value types share: each returns the normalised, read-only array."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


def frozen_array(
    name: str,
    value: Any,
    dtype: DTypeLike,
    shape: tuple[int | None, ...],
    *,
    error: type[InputError] = InputError,
) -> NDArray[Any]:
    """Return ``value`` as a read-only array of ``dtype`` with the given shape.

    Args:
        name: Field name for the message.
        value: Anything ``numpy.asarray`` takes. An array of the right type is not copied.
        dtype: Wanted dtype.
        shape: Wanted shape; None matches any length.
        error: Error type to raise.

    Raises:
        InputError: The shape differs or the value is not an array of numbers.
    """
    try:
        array = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as err:
        msg = f"{name} must be an array of {np.dtype(dtype)}, got {type(value).__name__}: {err}"
        raise error(msg) from err
    matches = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not matches:
        wanted = "(" + ", ".join("·" if n is None else str(n) for n in shape) + ")"
        raise error(f"{name} must have shape {wanted}, got {array.shape}")
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def increasing_times(
    name: str, value: Any, *, length: int | None = None, error: type[InputError] = InputError
) -> NDArray[np.float64]:
    """Return ``value`` as finite, strictly increasing seconds, shape (length,).

    Raises:
        InputError: Not finite, not increasing, or of another length.
    """
    times = frozen_array(name, value, np.float64, (length,), error=error)
    if not np.isfinite(times).all():
        raise error(f"{name} must be finite seconds, got {times[~np.isfinite(times)][:3]}")
    if times.size > 1 and not (np.diff(times) > 0).all():
        at = int(np.argmin(np.diff(times)))
        raise error(
            f"{name} must increase strictly; entry {at + 1} is {times[at + 1]} after {times[at]}"
        )
    return times


def positive(name: str, value: float, *, error: type[InputError] = InputError) -> float:
    """Return ``value`` as a finite float above zero.

    Raises:
        InputError: NaN, infinite, zero or negative.
    """
    checked = number(name, value, error)
    if not (math.isfinite(checked) and checked > 0):
        raise error(f"{name} must be finite and above 0, got {value!r}")
    return checked


def not_negative(name: str, value: float, *, error: type[InputError] = InputError) -> float:
    """Return ``value`` as a finite float of 0 or more.

    Raises:
        InputError: NaN, infinite or negative.
    """
    checked = number(name, value, error)
    if not (math.isfinite(checked) and checked >= 0):
        raise error(f"{name} must be finite and 0 or more, got {value!r}")
    return checked


def finite(name: str, value: float, *, error: type[InputError] = InputError) -> float:
    """Return ``value`` as a finite float.

    Raises:
        InputError: NaN or infinite.
    """
    checked = number(name, value, error)
    if not math.isfinite(checked):
        raise error(f"{name} must be finite, got {value!r}")
    return checked


def number(name: str, value: Any, error: type[InputError] = InputError) -> float:
    """Return ``value`` as a float, whatever it is.

    Raises:
        InputError: It is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as err:
        raise error(f"{name} must be a number, got {value!r}") from err
