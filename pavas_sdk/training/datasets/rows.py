"""Rows of a batch as they are read: features in one piece of memory, objects one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.layout import SetLayout

__all__ = ["ClipObjects", "RowBuffers", "RowSource"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipObjects:
    """Objects of one clip as the adapter is told of them.

    Attributes:
        objects: (M, L, D_p), sums of patch features under each object's mask (Eq. 4).
        visible: bool, (M, L), frames in which some of its mask is seen.
        mass_kg: float32, (M,); NaN = unknown.
        speed_m_s: float32, (M, L); NaN = missing.
        impact_energy_j: float32, (M, L), kinetic-energy change by impacts; NaN = unknown.
    """

    objects: NDArray[Any]
    visible: NDArray[np.bool_]
    mass_kg: NDArray[np.float32]
    speed_m_s: NDArray[np.float32]
    impact_energy_j: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.objects.shape[0])


@dataclass(slots=True, kw_only=True, eq=False)
class RowBuffers:
    """Memory of one batch that sources fill row by row.

    Attributes:
        features: By name (`SetLayout.shapes`), (B, ...); zeros where a row has none.
        video_exists: bool, (B,).
        text_exists: bool, (B,).
        objects: By place in the batch; rows without physics are not in it.
    """

    features: dict[str, NDArray[Any]]
    video_exists: NDArray[np.bool_]
    text_exists: NDArray[np.bool_]
    objects: dict[int, ClipObjects] = field(default_factory=dict)

    @classmethod
    def of(cls, layout: SetLayout, rows: int) -> Self:
        """Return memory for so many rows."""
        dtype = np.dtype(layout.dtype)
        return cls(
            features={
                name: np.empty((rows, *shape), dtype=dtype)
                for name, shape in layout.shapes().items()
            },
            video_exists=np.zeros(rows, dtype=np.bool_),
            text_exists=np.zeros(rows, dtype=np.bool_),
        )


@runtime_checkable
class RowSource(Protocol):
    """A set of clips that a loader can read: `FeatureSet`, `MemoryMapSet`, or one of your own."""

    @property
    def layout(self) -> SetLayout:
        """Sizes of a row."""

    def __len__(self) -> int:
        """Return the number of clips."""

    def read(self, row: int, into: RowBuffers, place: int) -> None:
        """Put one clip into row ``place`` of a batch; every feature is set, zeros included."""

    def clip_id(self, row: int) -> str:
        """Return the name of a clip."""

    def reopened(self) -> RowSource:
        """Return a reader of the same set for another thread."""
