"""What the adapter is told about one window: masks, masses and speeds on its physics frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.data.alignment import mask_grids_at, speeds_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.data import MaskTrack, ObjectPhysics

__all__ = ["AdapterInputs", "adapter_inputs", "objects_within"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdapterInputs:
    """Arguments of ``ConditioningAdapter.encode`` beside the patch features.

    Attributes:
        masks: (1, K, L, P, P).
        mass_kg: (1, K), NaN where unknown.
        speed_m_s: (1, K, L), NaN where missing.
        valid: bool, (1, K).
    """

    masks: Tensor
    mass_kg: Tensor
    speed_m_s: Tensor
    valid: Tensor


def adapter_inputs(
    objects: Sequence[ObjectPhysics],
    masks: Mapping[int, MaskTrack],
    times_s: NDArray[np.float64],
    grid: int,
    *,
    device: torch.device | str = "cpu",
) -> AdapterInputs:
    """Align masks, masses and speeds with the physics frames of a window.

    Masks and speeds are taken nearest in time. Outside the span of a track (by more than half a
    step) the object is absent and its speed missing. An object without a mask track counts as
    occluded throughout.

    Args:
        objects: K objects.
        masks: Mask tracks by object id.
        times_s: (L,), times of the physics frames.
        grid: P, side of the patch grid.
        device: Of the result.
    """
    count, length = len(objects), times_s.size
    mask = np.zeros((1, count, length, grid, grid), dtype=np.float32)
    mass = np.full((1, count), np.nan, dtype=np.float32)
    speed = np.full((1, count, length), np.nan, dtype=np.float32)
    for index, entry in enumerate(objects):
        if entry.mass_kg is not None:
            mass[0, index] = entry.mass_kg
        speed[0, index] = speeds_at(entry, times_s)
        mask[0, index] = mask_grids_at(masks.get(entry.object_id), times_s, grid)
    return AdapterInputs(
        masks=torch.from_numpy(mask).to(device),
        mass_kg=torch.from_numpy(mass).to(device),
        speed_m_s=torch.from_numpy(speed).to(device),
        valid=torch.ones((1, count), dtype=torch.bool, device=device),
    )


def objects_within(
    objects: Sequence[ObjectPhysics],
    masks: Mapping[int, MaskTrack],
    times_s: NDArray[np.float64],
) -> tuple[ObjectPhysics, ...]:
    """Return the objects that exist in a window: of a long video it sees few.

    An object exists from the first to the last frame of its track and of its known speeds; one
    with neither is taken to be there all the time.

    Args:
        objects: Of the whole clip.
        masks: Mask tracks by object id.
        times_s: (L,), times of the physics frames of the window.
    """
    return tuple(entry for entry in objects if _exists(entry, masks.get(entry.object_id), times_s))


def _exists(entry: ObjectPhysics, track: MaskTrack | None, times_s: NDArray[np.float64]) -> bool:
    spans = [entry.speed_times_s[np.isfinite(entry.speed_m_s)]]
    if track is not None:
        spans.append(track.times_s)
    known = [span for span in spans if span.size]
    if not known or not times_s.size:
        return True
    return any(span[0] <= times_s[-1] and span[-1] >= times_s[0] for span in known)
