"""Frechet distance of two sets of features (FD_PaSST, FD_PANNs, FD_VGG).

Conventions
-----------
Rows are clips (of VGGish: all pieces of all clips); neither set is paired with the other. Both sets
are taken for normal distributions with covariance over n - 1, and the *squared* distance is what
papers print::

    |m_x - m_y|^2 + tr C_x + tr C_y - 2 tr (C_x C_y)^(1/2)

No shrinkage and no correction of bias: with fewer rows than columns the value is large (64 against
48 rows of 768 give 1791 where 900 against 1000 rows of the same distributions give 369). Values of
different n are not comparable; print n beside them.

The trace of the root is the nuclear norm of A B', with C_x = A'A and C_y = B'B: the same number as
that of ``scipy.linalg.sqrtm``, without its imaginary parts and its minutes on singular products.

Source: Heusel et al. 2017; Kilgour et al. 2019 for sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ROWS_PER_COLUMN", "FrechetTerms", "frechet_distance", "frechet_terms", "validate"]

ROWS_PER_COLUMN = 10
"""With fewer rows than this many per column, the bias is not small beside the distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrechetTerms:
    """What a Frechet distance is made of.

    Attributes:
        mean: Squared distance of the means.
        traces: Sum of both traces.
        root_trace: Trace of the root of the product.
    """

    mean: float
    traces: float
    root_trace: float

    @property
    def distance(self) -> float:
        """The squared distance."""
        return self.mean + self.traces - 2.0 * self.root_trace


def validate(generated: ArrayLike, reference: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return both sets in double precision.

    Raises:
        InputError: Not (rows, columns), different columns, fewer than 2 rows, or numbers that are
            not finite.
    """
    sets = []
    for name, values in (("generated", generated), ("reference", reference)):
        rows = np.asarray(values, dtype=np.float64)
        if rows.ndim != 2:
            raise InputError(f"{name} features have shape {rows.shape}, expected (rows, columns)")
        if rows.shape[0] < 2:
            raise InputError(
                f"a Frechet distance needs 2 or more rows per set, and {name} has {rows.shape[0]}: "
                "one row has no covariance"
            )
        if not np.isfinite(rows).all():
            bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
            raise InputError(f"{name} features are not finite in rows {bad[:5].tolist()}")
        sets.append(rows)
    if sets[0].shape[1] != sets[1].shape[1]:
        raise InputError(
            f"generated features have {sets[0].shape[1]} columns and reference features "
            f"{sets[1].shape[1]}; both must come from one network"
        )
    return tuple(sets)


def frechet_distance(generated: ArrayLike, reference: ArrayLike) -> float:
    """Return the squared Frechet distance of two sets; 0 or more up to rounding, lower is better.

    Args:
        generated: Features, (n, d), n of 2 or more.
        reference: Features of the same network, (m, d).

    Raises:
        InputError: See `validate`.
    """
    return frechet_terms(generated, reference).distance


def frechet_terms(generated: ArrayLike, reference: ArrayLike) -> FrechetTerms:
    """Return the terms of the squared Frechet distance of two sets.

    Raises:
        InputError: See `validate`.
    """
    x, y = validate(generated, reference)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    root_x, root_y = _covariance_root(x - mean_x), _covariance_root(y - mean_y)
    return FrechetTerms(
        mean=float(np.square(mean_x - mean_y).sum()),
        traces=float(np.square(root_x).sum() + np.square(root_y).sum()),
        root_trace=float(np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()),
    )


def _covariance_root(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return A with A'A the covariance, (min(n, d), d)."""
    count, width = centred.shape
    if count <= width:
        return np.asarray(centred / np.sqrt(count - 1))
    values, vectors = np.linalg.eigh(centred.T @ centred / (count - 1))
    return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T)
