"""A batch as the training loop gets it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from pavas_sdk.training.datasets.rows import OBJECT_ARRAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.training.datasets.layout import SetLayout
    from pavas_sdk.training.datasets.rows import RowBuffers

__all__ = ["BatchObjects", "PaddedObjects", "TrainingBatch"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaddedObjects:
    """Objects of a batch in a fixed number of places.

    Attributes:
        objects: (B, K, L, D_p), masked sums (Eq. 4); 0 where there is none.
        visible: bool, (B, K, L).
        mass_kg: float32, (B, K); NaN = unknown.
        speed_m_s: float32, (B, K, L); NaN = missing.
        impact_energy_j: float32, (B, K, L); NaN = unknown.
        valid: bool, (B, K), whether there is an object.
    """

    objects: Tensor
    visible: Tensor
    mass_kg: Tensor
    speed_m_s: Tensor
    impact_energy_j: Tensor
    valid: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchObjects:
    """Objects of a batch one after another: as many as there are, not as many as there may be.

    Attributes:
        row: int64, (M,), the clip's place in the batch.
        slot: int64, (M,), the object's place in its clip.
        objects: (M, L, D_p).
        visible: bool, (M, L).
        mass_kg: float32, (M,).
        speed_m_s: float32, (M, L).
        impact_energy_j: float32, (M, L).
    """

    row: Tensor
    slot: Tensor
    objects: Tensor
    visible: Tensor
    mass_kg: Tensor
    speed_m_s: Tensor
    impact_energy_j: Tensor

    @classmethod
    def of(cls, buffers: RowBuffers, layout: SetLayout) -> Self:
        """Return the objects that were read."""
        places, counts, things = buffers.joined_objects(layout)
        slots = [np.arange(count) for count in counts]
        return cls(
            row=torch.from_numpy(np.repeat(np.array(places, np.int64), counts)),
            slot=torch.from_numpy(np.concatenate([np.empty(0, np.int64), *slots])),
            **{name: torch.from_numpy(getattr(things, name)) for name in OBJECT_ARRAYS},
        )

    def padded(self, rows: int, slots: int) -> PaddedObjects:
        """Return the objects in ``slots`` places of each of ``rows`` clips."""
        at = (self.row, self.slot)

        def spread(values: Tensor, missing: float | bool) -> Tensor:
            out = values.new_full((rows, slots, *values.shape[1:]), missing)
            out[at] = values
            return out

        return PaddedObjects(
            objects=spread(self.objects, 0.0),
            visible=spread(self.visible, False),
            mass_kg=spread(self.mass_kg, float("nan")),
            speed_m_s=spread(self.speed_m_s, float("nan")),
            impact_energy_j=spread(self.impact_energy_j, float("nan")),
            valid=spread(torch.ones_like(self.row, dtype=torch.bool), False),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingBatch:
    """Rows of one step, or the part of them that one process or micro-batch works on.

    Attributes:
        step: Number of the step.
        positions: int64, (B,), places in the whole batch of the step. Draw noise by (seed, step,
            position), and the result does not depend on how the batch is shared out.
        rows: int64, (B,), rows of the mixture.
        mean: (B, N, C), mean of the codec's posterior, as encoded: not normalised.
        std: (B, N, C), its standard deviation.
        clip_features: (B, L, D); zeros where ``video_exists`` is False.
        sync_features: (B, M, D_sync); likewise.
        text_features: (B, T, D_text); zeros where ``text_exists`` is False.
        video_exists: bool, (B,); False: the learned empty tokens belong there.
        text_exists: bool, (B,); False: the stored empty text belongs there.
        has_physics: bool, (B,), whether the row's set holds physics at all; a row with physics
            and without objects is a clip in which nothing moves.
        objects: Objects, or None when no set holds physics.
        max_objects: K, for `BatchObjects.padded`.
    """

    step: int
    positions: Tensor
    rows: Tensor
    mean: Tensor
    std: Tensor
    clip_features: Tensor
    sync_features: Tensor
    text_features: Tensor
    video_exists: Tensor
    text_exists: Tensor
    has_physics: Tensor
    objects: BatchObjects | None
    max_objects: int

    def __len__(self) -> int:
        return int(self.mean.shape[0])

    @classmethod
    def of(
        cls,
        buffers: RowBuffers,
        layout: SetLayout,
        *,
        step: int,
        positions: NDArray[np.int64],
        rows: NDArray[np.int64],
    ) -> Self:
        """Return the batch that was read."""
        has_physics = np.zeros(len(rows), dtype=np.bool_)
        has_physics[list(buffers.objects)] = True
        return cls(
            step=step,
            positions=torch.from_numpy(positions),
            rows=torch.from_numpy(rows),
            video_exists=torch.from_numpy(buffers.video_exists),
            text_exists=torch.from_numpy(buffers.text_exists),
            has_physics=torch.from_numpy(has_physics),
            objects=BatchObjects.of(buffers, layout) if layout.patch_dim else None,
            max_objects=layout.max_objects,
            **{name: torch.from_numpy(values) for name, values in buffers.features.items()},
        )

    def padded_objects(self) -> PaddedObjects | None:
        """Return the objects in K places per clip, or None when no set holds physics."""
        return None if self.objects is None else self.objects.padded(len(self), self.max_objects)

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> Self:
        """Return a copy on a device, features (not physics) in ``dtype``."""
        wide = ("mean", "std", "clip_features", "sync_features", "text_features")
        moved = {name: getattr(self, name).to(device).to(dtype) for name in wide}
        narrow = ("positions", "rows", "video_exists", "text_exists", "has_physics")
        moved |= {name: getattr(self, name).to(device) for name in narrow}
        objects = self.objects
        if objects is not None:
            values = {f.name: getattr(objects, f.name).to(device) for f in fields(objects)}
            values["objects"] = values["objects"].to(dtype)
            objects = BatchObjects(**values)
        return replace(self, objects=objects, **moved)
