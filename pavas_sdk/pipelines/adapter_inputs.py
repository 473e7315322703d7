"""What the adapter is told of one window: masks, masses, speeds, impacts on its physics frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.data.alignment import (
    impact_energies_at,
    impacts_within,
    mask_grids_at,
    speeds_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.data import Impact, MaskTrack, ObjectPhysics
    from pavas_sdk.interfaces import AdapterState
    from pavas_sdk.pipelines.components import AdapterModule

__all__ = ["AdapterInputs", "adapter_inputs", "encode_objects", "objects_within"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdapterInputs:
    """Arguments of ``ConditioningAdapter.encode`` beside the patch features.

    Attributes:
        masks: (1, K, L, P, P).
        mass_kg: (1, K), NaN where unknown.
        speed_m_s: (1, K, L), NaN where missing.
        valid: bool, (1, K).
        impact_energy_j: (1, K, L), NaN where unknown; None for an adapter without impacts.
    """

    masks: Tensor
    mass_kg: Tensor
    speed_m_s: Tensor
    valid: Tensor
    impact_energy_j: Tensor | None = None


def adapter_inputs(
    objects: Sequence[ObjectPhysics],
    masks: Mapping[int, MaskTrack],
    times_s: NDArray[np.float64],
    grid: int,
    *,
    impacts: Sequence[Impact] | None = None,
    device: torch.device | str = "cpu",
) -> AdapterInputs:
    """Align masks, masses, speeds and impacts with the physics frames of a window.

    Masks and speeds are taken nearest in time. Outside the span of a track (by more than half a
    step) the object is absent and its speed missing. An object without a mask track counts as
    occluded throughout. Impacts are shared by the frames beside them. An adapter that uses impacts is
    told of one unseen body at rest where there is no object: without any, it would be told nothing,
    and not that nothing hits.

    Args:
        objects: K objects.
        masks: Mask tracks by object id.
        times_s: (L,), times of the physics frames.
        grid: P, side of the patch grid.
        impacts: Of the clip, for an adapter that uses them; else None.
        device: Of the result.
    """
    count, length = len(objects), times_s.size
    mask = np.zeros((1, count, length, grid, grid), dtype=np.float32)
    mass = np.full((1, count), np.nan, dtype=np.float32)
    speed = np.full((1, count, length), np.nan, dtype=np.float32)
    energy = np.zeros((1, count, length), dtype=np.float32)
    for index, entry in enumerate(objects):
        if entry.mass_kg is not None:
            mass[0, index] = entry.mass_kg
        speed[0, index] = speeds_at(entry, times_s)
        mask[0, index] = mask_grids_at(masks.get(entry.object_id), times_s, grid)
        energy[0, index] = impact_energies_at(entry, impacts or (), times_s)
    if impacts is not None and count == 0:
        mask = np.zeros((1, 1, length, grid, grid), dtype=np.float32)
        mass = np.full((1, 1), np.nan, dtype=np.float32)
        speed = energy = np.zeros((1, 1, length), dtype=np.float32)
        count = 1
    return AdapterInputs(
        masks=torch.from_numpy(mask).to(device),
        mass_kg=torch.from_numpy(mass).to(device),
        speed_m_s=torch.from_numpy(speed).to(device),
        valid=torch.ones((1, count), dtype=torch.bool, device=device),
        impact_energy_j=None if impacts is None else torch.from_numpy(energy).to(device),
    )


def encode_objects(adapter: AdapterModule, patches: Tensor, inputs: AdapterInputs) -> AdapterState:
    """Return the adapter's state; impacts are given only to an adapter that was asked for them.

    Args:
        adapter: The adapter.
        patches: V^l, (1, L, P, P, D_p).
        inputs: Of `adapter_inputs`.
    """
    impacts = inputs.impact_energy_j
    told = {} if impacts is None else {"impact_energy_j": impacts}
    return adapter.encode(
        patches.to(adapter.dtype),
        inputs.masks,
        inputs.mass_kg,
        inputs.speed_m_s,
        inputs.valid,
        **told,
    )


def objects_within(
    objects: Sequence[ObjectPhysics],
    masks: Mapping[int, MaskTrack],
    times_s: NDArray[np.float64],
    impacts: Iterable[Impact] = (),
) -> tuple[ObjectPhysics, ...]:
    """Return the objects that exist in a window: of a long video it sees few.

    An object exists from the first to the last frame of its track and of its known speeds, and
    where it has an impact; one with neither track nor speeds is taken to be there all the time.

    Args:
        objects: Of the whole clip.
        masks: Mask tracks by object id.
        times_s: (L,), times of the physics frames of the window.
        impacts: Of the clip, for an adapter that uses them.
    """
    hit = {impact.object_id for impact in impacts_within(impacts, times_s)}
    return tuple(
        entry
        for entry in objects
        if entry.object_id in hit or _exists(entry, masks.get(entry.object_id), times_s)
    )


def _exists(entry: ObjectPhysics, track: MaskTrack | None, times_s: NDArray[np.float64]) -> bool:
    spans = [entry.speed_times_s[np.isfinite(entry.speed_m_s)]]
    if track is not None:
        spans.append(track.times_s)
    known = [span for span in spans if span.size]
    if not known or not times_s.size:
        return True
    return any(span[0] <= times_s[-1] and span[-1] >= times_s[0] for span in known)
