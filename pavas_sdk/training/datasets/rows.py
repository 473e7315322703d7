"""Rows of a batch as they are read: features in one piece of memory, objects one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.layout import SetLayout

__all__ = ["OBJECT_ARRAYS", "ClipObjects", "RowBuffers", "RowSource"]

OBJECT_ARRAYS = ("objects", "visible", "mass_kg", "speed_m_s", "impact_energy_j")


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

    def __getitem__(self, part: slice) -> ClipObjects:
        """Return some of the objects; nothing is copied."""
        return ClipObjects(**{name: getattr(self, name)[part] for name in OBJECT_ARRAYS})


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
    _room: ClipObjects | None = None
    _used: int = 0

    @classmethod
    def of(cls, layout: SetLayout, rows: int) -> Self:
        """Return memory for so many rows."""
        dtype = np.dtype(layout.dtype)
        room = None
        if layout.patch_dim:  # as many as there may be; what is not used costs nothing
            room = _object_arrays(rows * layout.max_objects, layout)
        return cls(
            features={
                name: np.empty((rows, *shape), dtype=dtype)
                for name, shape in layout.shapes().items()
            },
            video_exists=np.zeros(rows, dtype=np.bool_),
            text_exists=np.zeros(rows, dtype=np.bool_),
            _room=room,
        )

    def add_objects(self, place: int, count: int, layout: SetLayout) -> ClipObjects:
        """Return memory for the objects of row ``place``, to be filled by its source."""
        first, stop = self._used, self._used + count
        if self._room is None or stop > len(self._room):  # buffers that are used again and again
            self.objects[place] = _object_arrays(count, layout)
        else:
            self.objects[place] = self._room[first:stop]
            self._used = stop
        return self.objects[place]

    def joined_objects(self, layout: SetLayout) -> tuple[list[int], list[int], ClipObjects]:
        """Return rows with objects, how many each has, and all objects one after another."""
        places = sorted(self.objects)
        counts = [len(self.objects[place]) for place in places]
        in_order = places == list(self.objects) and sum(counts) == self._used
        if in_order and self._room is not None:
            return places, counts, self._room[: self._used]  # as they lie: nothing is copied
        parts = [_object_arrays(0, layout), *(self.objects[place] for place in places)]
        joined = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in OBJECT_ARRAYS
        }
        return places, counts, ClipObjects(**joined)


def _object_arrays(count: int, layout: SetLayout) -> ClipObjects:
    length = layout.clip_length
    return ClipObjects(
        objects=np.empty((count, length, layout.patch_dim), dtype=layout.dtype),
        visible=np.empty((count, length), dtype=np.bool_),
        mass_kg=np.empty(count, dtype=np.float32),
        speed_m_s=np.empty((count, length), dtype=np.float32),
        impact_energy_j=np.empty((count, length), dtype=np.float32),
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
