"""One simulated clip: the estimate beside the truth, object by object and impact by impact.

Conventions
-----------
Estimated and true objects are paired one to one by their masks (most total overlap); a pair overlaps
by 0.3 at least (intersection over union, pooled over frames). An estimated object without a partner
is a false one.

Speeds are compared where the object moves at a quarter of its highest true speed at least, and both
are known; an object needs four such moments. True impacts are contacts within 30 ms taken together,
whose energy is a two-hundredth of the clip's largest at least; detections are paired with them one
to one within 100 ms. A detection that is near any other contact is neither right nor false.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from pavas_sdk.data import Contact
from pavas_sdk.data.timing import nearest_index
from pavas_sdk.errors import FormatError
from pavas_sdk.evaluation.estimators.ratios import MOST_DECADES, log10_ratio
from pavas_sdk.evaluation.impacts import merge_contacts
from pavas_sdk.evaluation.onset import WITHIN_S, match_onsets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data import LabelledClip, MaskTrack, ObjectPhysics, PhysicsEstimate

__all__ = ["EstimateRow", "ObjectRow", "measure_simulated"]

LEAST_OVERLAP, MOVING_SHARE, LEAST_SAMPLES, CLEAR_SHARE = 0.3, 0.25, 4, 5e-3
_90 = 1.644854


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRow:
    """One true object. None where nothing is known.

    Attributes:
        label: What it is.
        overlap: Of its masks with those of its partner; 0 when it was not found.
        mass_decades: log10 of estimated over true mass.
        mass_log_std: Standard deviation of ln(mass) that the estimator states.
        mass_source: How it came to the mass.
        speed_decades: Median of log10 of estimated over true speed.
        speed_error_decades: Median of its absolute value.
        speed_within_two: Share of the moments within a factor of two.
        speed_in_90: Share of the moments whose true speed lies within 1.645 stated deviations.
    """

    label: str
    overlap: float
    mass_decades: float | None = None
    mass_log_std: float | None = None
    mass_source: str = ""
    speed_decades: float | None = None
    speed_error_decades: float | None = None
    speed_within_two: float | None = None
    speed_in_90: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRow:
    """What is known about the estimate of one clip.

    Attributes:
        clip_id: Seed.
        category: What happens.
        objects: Of the truth.
        false_objects: Estimated objects that are none.
        impacts: True impacts.
        false_impacts: Detections with no contact near.
        timing_errors_s: Detection minus impact, of each pair.
        energy_decades: log10 of estimated over true energy change, of each pair where it is known.
        seconds: Of the estimate.
    """

    clip_id: int
    category: str
    objects: tuple[ObjectRow, ...]
    false_objects: int
    impacts: int
    false_impacts: int
    timing_errors_s: tuple[float, ...]
    energy_decades: tuple[float, ...]
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EstimateRow:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        try:
            given = {**data, "objects": tuple(ObjectRow(**row) for row in data["objects"])}
            for key in ("timing_errors_s", "energy_decades"):
                given[key] = tuple(data[key])
            return cls(**given)
        except (KeyError, TypeError) as err:
            raise FormatError(f"not the measurements of an estimate: {err!r}") from err


def measure_simulated(
    clip: LabelledClip,
    physics: PhysicsEstimate,
    masks: Mapping[int, MaskTrack],
    *,
    seconds: float = 0.0,
) -> EstimateRow:
    """Compare an estimate with the truth of a simulated clip.

    Args:
        clip: With exact masses, speeds, masks and contacts.
        physics: The estimate.
        masks: Its masks by object id.
        seconds: Copied into the result.
    """
    partners = _partners(clip.masks, masks)
    objects = []
    for truth in clip.physics:
        own, overlap = partners.get(truth.object_id, (None, 0.0))
        row = ObjectRow(label=truth.object.label, overlap=overlap)
        objects.append(row if own is None else _object_row(truth, physics[own], overlap))
    times, energies, impacts, false = _impacts(clip, physics)
    return EstimateRow(
        clip_id=int(clip.clip_id),
        category=clip.action,
        objects=tuple(objects),
        false_objects=len(physics) - len(partners),
        impacts=impacts,
        false_impacts=false,
        timing_errors_s=tuple(times),
        energy_decades=tuple(energies),
        seconds=seconds,
    )


def _partners(
    true: Mapping[int, MaskTrack], found: Mapping[int, MaskTrack]
) -> dict[int, tuple[int, float]]:
    """Return the estimated object and the overlap by true id."""
    if not true or not found:
        return {}
    rows, columns = list(true), list(found)
    overlaps = np.asarray(
        [[_overlap(true[row], found[column]) for column in columns] for row in rows]
    )
    return {
        rows[row]: (columns[column], float(overlaps[row, column]))
        for row, column in zip(*linear_sum_assignment(-overlaps), strict=True)
        if overlaps[row, column] >= LEAST_OVERLAP
    }


def _overlap(true: MaskTrack, found: MaskTrack) -> float:
    """Intersection over union over all frames of the truth; the estimate may have fewer or smaller."""
    near = nearest_index(found.times_s, true.times_s)
    step_s = float(np.median(np.diff(found.times_s))) if found.times_s.size > 1 else math.inf
    there = np.abs(found.times_s[near] - true.times_s) <= step_s
    height, width = true.masks.shape[1:]
    rows = (np.arange(height) + 0.5) * found.masks.shape[1] / height
    columns = (np.arange(width) + 0.5) * found.masks.shape[2] / width
    picture = found.masks[near][:, rows.astype(int)][:, :, columns.astype(int)]
    picture = picture & there[:, None, None]
    union = int((picture | true.masks).sum())
    return float((picture & true.masks).sum() / union) if union else 0.0


def _object_row(truth: ObjectPhysics, own: ObjectPhysics, overlap: float) -> ObjectRow:
    mass: float | None = None
    if truth.mass_kg is not None and own.mass_kg is not None:
        mass = log10_ratio(own.mass_kg, truth.mass_kg)
    given: dict[str, Any] = {}
    speeds = _speeds(truth, own)
    if speeds is not None:
        decades, held = speeds
        given = {
            "speed_decades": float(np.median(decades)),
            "speed_error_decades": float(np.median(np.abs(decades))),
            "speed_within_two": float((np.abs(decades) <= math.log10(2)).mean()),
            "speed_in_90": held,
        }
    return ObjectRow(
        label=truth.object.label,
        overlap=overlap,
        mass_decades=mass,
        mass_log_std=own.mass_log_std,
        mass_source=own.sources.get("mass", ""),
        **given,
    )


def _speeds(
    truth: ObjectPhysics, own: ObjectPhysics
) -> tuple[NDArray[np.float64], float | None] | None:
    """Return log10 of estimated over true speed at moments at which it moves, and the calibration."""
    true = truth.speed_m_s
    if not own.speed_times_s.size or not np.isfinite(true).any():
        return None
    near = nearest_index(own.speed_times_s, truth.speed_times_s)
    half_s = 0.51 * float(np.median(np.diff(truth.speed_times_s))) if true.size > 1 else 0.0
    moves = true > MOVING_SHARE * np.nanmax(true)
    moves &= np.abs(own.speed_times_s[near] - truth.speed_times_s) <= half_s
    moves &= np.isfinite(own.speed_m_s[near])
    if moves.sum() < LEAST_SAMPLES:
        return None
    estimated, wanted = own.speed_m_s[near][moves], true[moves]
    with np.errstate(divide="ignore"):
        decades = np.clip(np.log10(estimated / wanted), -MOST_DECADES, MOST_DECADES)
    if own.speed_std_m_s is None:
        return decades, None
    std = own.speed_std_m_s[near][moves]
    known = np.isfinite(std)
    held = np.abs(estimated - wanted)[known] <= _90 * std[known]
    return decades, float(held.mean()) if known.any() else None


def _impacts(
    clip: LabelledClip, physics: PhysicsEstimate
) -> tuple[list[float], list[float], int, int]:
    """Return timing errors, energy errors, the number of true impacts and of false detections."""
    events = merge_contacts(clip.contacts)
    loudest = max((event.energy_change_j for event in events), default=0.0)
    clear = [event for event in events if event.energy_change_j > CLEAR_SHARE * loudest]
    found = merge_contacts(
        Contact(time_s=hit.time_s, object_id=hit.object_id, energy_change_j=hit.energy_change_j)
        for hit in physics.impacts()
    )
    at_s = [hit.time_s for hit in found]
    pairs = match_onsets([event.time_s for event in clear], at_s)
    matched = {index for _, index in pairs}
    every = np.asarray([contact.time_s for contact in clip.contacts])
    false = sum(
        index not in matched and not (np.abs(every - hit.time_s) <= WITHIN_S).any()
        for index, hit in enumerate(found)
    )
    errors = [at_s[index] - clear[true].time_s for true, index in pairs]
    energies = [
        log10_ratio(found[index].energy_change_j, clear[true].energy_change_j)
        for true, index in pairs
        if math.isfinite(found[index].energy_change_j) and clear[true].energy_change_j > 0
    ]
    return errors, energies, len(clear), false
