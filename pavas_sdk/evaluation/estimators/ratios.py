"""Estimated against true positive quantities (masses, speeds, energies), on a logarithmic scale.

Conventions
-----------
An error is log10(estimated / true), decades: 0.3 is twice too much. Figures of a set:

- ``error_decades``: median of |error|; ``bias_decades``: median error. Over what was answered.
- ``within_factor_two``: share with |error| <= log10(2), of everything that was asked: no answer is a
  wrong one.
- ``answered``: share of what was asked that has an answer.
- ``in_50``, ``in_90``: how often the truth lies within the estimator's own ranges, which hold 50 and
  90 % when they are calibrated; over answers that came with a standard deviation of ln.
- ``range_decades``: median width of its 90 % ranges.

An answer of 0 counts as a thousandth of the truth: an error is 3 decades at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RATIO_FIGURES", "RatioError", "log10_ratio", "ratio_figures"]

RATIO_FIGURES = (
    "error_decades",
    "bias_decades",
    "within_factor_two",
    "answered",
    "in_50",
    "in_90",
    "range_decades",
)
MOST_DECADES = 3.0
_DEVIATIONS = {"in_50": 0.674490, "in_90": 1.644854}
_TWO = math.log10(2.0) + 1e-12  # exactly twice is within


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioError:
    """One answer beside its truth.

    Attributes:
        decades: log10(estimated / true), or None without an answer.
        log_std: Standard deviation of ln that the estimator states, or None.
        true_log_std: The same of the truth, where it is a range; 0 when it is exact.
    """

    decades: float | None
    log_std: float | None = None
    true_log_std: float = 0.0


def log10_ratio(estimated: float, true: float) -> float:
    """Return log10(estimated / true), within `MOST_DECADES`.

    Raises:
        InputError: The truth is not above 0, or the estimate is negative or not finite.
    """
    if not 0 < true < math.inf or not 0 <= estimated < math.inf:
        raise InputError(
            f"expected a finite true value above 0 and an estimate of 0 or more, got {true} and "
            f"{estimated}"
        )
    if estimated == 0:
        return -MOST_DECADES
    return min(max(math.log10(estimated) - math.log10(true), -MOST_DECADES), MOST_DECADES)


def ratio_figures(errors: Sequence[RatioError]) -> dict[str, float]:
    """Return every name of `RATIO_FIGURES`, NaN where undefined.

    Args:
        errors: One per quantity that was asked for.
    """
    nothing = float("nan")
    known = np.asarray([error.decades for error in errors if error.decades is not None])
    ranged = [e for e in errors if e.decades is not None and e.log_std is not None]
    figures = {
        "error_decades": float(np.median(np.abs(known))) if known.size else nothing,
        "bias_decades": float(np.median(known)) if known.size else nothing,
        "within_factor_two": float((np.abs(known) <= _TWO).sum() / len(errors))
        if errors
        else nothing,
        "answered": known.size / len(errors) if errors else nothing,
    }
    for name, deviations in _DEVIATIONS.items():
        held = [_held(error, deviations) for error in ranged]
        figures[name] = float(np.mean(held)) if held else nothing
    widths = [2 * _DEVIATIONS["in_90"] * (e.log_std or 0.0) / math.log(10) for e in ranged]
    figures["range_decades"] = float(np.median(widths)) if widths else nothing
    return figures


def _held(error: RatioError, deviations: float) -> float:
    """How probable it is that the truth lies in the range: 0 or 1 where the truth is exact."""
    assert error.decades is not None
    assert error.log_std is not None
    off, half = error.decades * math.log(10), deviations * error.log_std
    if error.true_log_std <= 0:
        return float(abs(off) <= half + 1e-12)
    # the truth is log-normal around its middle, which lies ``off`` below the estimate
    scale = error.true_log_std * math.sqrt(2)
    return 0.5 * (math.erf((off + half) / scale) - math.erf((off - half) / scale))
