"""CPRS: does the sound change as it should when one physical factor changes (PhyAVBench)?

Conventions
-----------
A pair is two sounds a and b of prompts that differ in one factor; ``direction`` is the mean of the
same difference over recordings, in the space of the same network (normalised LAION-CLAP embeddings,
or ImageBind's audio embeddings with their factor 20: the score depends on their scale). With
g = b - a and r the direction::

    p = g.r / |r|^2      CPRS = 1/2 [ (1 + cos(g, r)) / 2 + exp(-5 (p - 1)^2) ]

0 to 1, higher is better; 1 is a change of the right kind and size.

Source: PhyAVBench's public scoring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["CprsResult", "cprs"]

_EPS = 1e-8
_SHARPNESS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CprsResult:
    """CPRS of a set of pairs.

    Attributes:
        scores: Of every pair, (pairs,), 0 to 1.
        cosines: Of the change and the recorded direction, (pairs,).
        projections: Length of the change along it, 1 being right, (pairs,).
        closeness: exp(-5 (projection - 1)^2), (pairs,).
    """

    scores: NDArray[np.float64]
    cosines: NDArray[np.float64]
    projections: NDArray[np.float64]
    closeness: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The score of the set."""
        return float(self.scores.mean())


def cprs(a: ArrayLike, b: ArrayLike, direction: ArrayLike) -> CprsResult:
    """Return the CPRS of pairs of sounds.

    Args:
        a: Embeddings of the first sounds, (pairs, d).
        b: Embeddings of the second sounds, (pairs, d).
        direction: Recorded directions from a to b, (pairs, d).

    Raises:
        InputError: Different shapes, no pairs, or numbers that are not finite.
    """
    values = [np.asarray(array, dtype=np.float64) for array in (a, b, direction)]
    shapes = {array.shape for array in values}
    if len(shapes) != 1 or values[0].ndim != 2 or not values[0].size:
        raise InputError(
            f"expected three arrays (pairs, d), got {[array.shape for array in values]}"
        )
    if not all(np.isfinite(array).all() for array in values):
        raise InputError("embeddings and directions must be finite")
    change, recorded = values[1] - values[0], values[2]
    dot = (change * recorded).sum(axis=1)
    lengths = np.linalg.norm(change, axis=1) * np.linalg.norm(recorded, axis=1)
    cosine = dot / (lengths + _EPS)
    projection = dot / (np.square(recorded).sum(axis=1) + _EPS)
    closeness = np.exp(-_SHARPNESS * np.square(projection - 1.0))
    return CprsResult(
        scores=0.5 * ((1.0 + cosine) / 2.0 + closeness),
        cosines=cosine,
        projections=projection,
        closeness=closeness,
    )
