"""The grid on which the points of a result stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_cut3r.focal import intrinsics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_cut3r.preprocessing import Placement

__all__ = ["OutputGrid"]


@dataclass(frozen=True, slots=True)
class OutputGrid:
    """The grid of the result: the whole picture, thinned; the model sees a crop of it.

    Attributes:
        placement: Where the model's picture lies in the whole one.
        step: Pixels of the resized picture per cell.
    """

    placement: Placement
    step: int

    @classmethod
    def of(cls, placement: Placement, max_side: int) -> OutputGrid:
        """Return the finest grid whose longer side is at most ``max_side``."""
        return cls(placement, -(-max(placement.resized_size) // max_side))

    @property
    def first(self) -> int:
        """Pixel that the first cell shows, along both axes."""
        return self.step // 2

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        height, width = (
            len(range(self.first, side, self.step)) for side in self.placement.resized_size
        )
        return height, width

    def write(self, target: NDArray[np.float32], values: NDArray[np.float32]) -> None:
        """Write a map of the model's picture, (H, W, ...), where it lies in ``target``."""
        whole = []
        own = []
        for start, length, cells in zip(
            (self.placement.top, self.placement.left), self.placement.size, self.size, strict=True
        ):
            where = self.first + self.step * np.arange(cells) - start
            inside = np.flatnonzero((where >= 0) & (where < length))
            whole.append(inside)
            own.append(where[inside])
        target[np.ix_(*whole)] = values[np.ix_(*own)]

    def intrinsics(self, focal_px: float) -> NDArray[np.float64]:
        """Intrinsics in pixels of the grid, of a focal length in pixels of the model's picture."""
        matrix = intrinsics(focal_px, *self.placement.size)
        matrix[0, 2] += self.placement.left - self.first
        matrix[1, 2] += self.placement.top - self.first
        matrix[:2] /= self.step
        return matrix
