"""APCC: how onset strength follows the kinetic energy that impacts lose (PAVAS Sec. 4.1).

Conventions
-----------
For impact k of a clip in sound class c: dE_k = |1/2 m (v_post^2 - v_pre^2)|, the speeds being means
over 200 ms before and after the moment with a gap around it left out; s_k is the maximum of the
onset strength within 100 ms of the moment. APCC_c is Pearson's correlation of dE_k and s_k over the
impacts of class c; APCC-delta is the mean over classes of |APCC_c(generated) - APCC_c(reference)|.
Lower is better. Where classes differ in size, the mean is a matter of the smallest one; the same
difference weighted by the number of impacts is given beside it.

Degenerate input: impacts with a missing energy are left out. A class with fewer than 3 impacts is
left out and named. Where one of the sequences is constant (a silent result), APCC_c is 0: nothing
follows. Without any class, all values are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.impacts import speeds_around
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pavas_sdk.data import PhysicsEstimate

__all__ = [
    "MIN_IMPACTS",
    "WINDOW_S",
    "ApccResult",
    "apcc",
    "energy_change_j",
    "evaluate",
    "validate",
]

WINDOW_S = 0.2
MIN_IMPACTS = 3


def energy_change_j(
    physics: PhysicsEstimate, object_id: int, time_s: float, *, window_s: float = WINDOW_S
) -> float:
    """Return dE_k of one object at one moment, joules; NaN where mass or speeds are missing.

    Args:
        physics: Masses and speeds of the clip.
        object_id: Which object.
        time_s: The moment, on the video's clock.
        window_s: Length of the averages before and after, in real seconds (slow motion stretches
            it on the video's clock).

    Raises:
        PhysicsInputError: No such object.
    """
    entry = physics[object_id]
    if entry.mass_kg is None:
        return float("nan")
    before, after = speeds_around(
        entry.speed_times_s,
        entry.speed_m_s,
        time_s,
        window_s=window_s * physics.time_scale,
    )
    return abs(0.5 * entry.mass_kg * (after**2 - before**2))


def validate(
    energy_change_j: ArrayLike, strength: ArrayLike, categories: Sequence[str] | None = None
) -> None:
    """Check the sequences of a set of impacts.

    Raises:
        InputError: Different lengths, or a negative energy or strength.
    """
    energy, values = np.asarray(energy_change_j), np.asarray(strength)
    if energy.ndim != 1 or energy.shape != values.shape:
        raise InputError(f"expected one strength per energy, got {energy.shape}, {values.shape}")
    if categories is not None and len(categories) != energy.size:
        raise InputError(f"expected one class per impact, got {len(categories)} of {energy.size}")
    if (energy < 0).any() or (values < 0).any():
        raise InputError("energy changes and onset strengths must be 0 or more")


def apcc(energy_change_j: ArrayLike, strength: ArrayLike) -> float:
    """Return Pearson's correlation of energy change and onset strength.

    NaN for fewer than 2 impacts; 0 where one of the sequences is constant.

    Raises:
        InputError: See `validate`.
    """
    validate(energy_change_j, strength)
    energy = np.asarray(energy_change_j, dtype=np.float64)
    values = np.asarray(strength, dtype=np.float64)
    keep = ~(np.isnan(energy) | np.isnan(values))
    energy, values = energy[keep], values[keep]
    if energy.size < 2:
        return float("nan")
    return _pearson(energy, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApccResult:
    """APCC of a set of impacts.

    Attributes:
        apcc: Mean over classes, of the generated sound.
        apcc_reference: Mean over classes, of the reference sound.
        apcc_delta: Mean over classes of the absolute difference.
        apcc_delta_weighted: The same, each class weighted by its impacts.
        classes: Class to (generated, reference, impacts).
        left_out: Classes with too few impacts, with their number.
    """

    apcc: float
    apcc_reference: float
    apcc_delta: float
    apcc_delta_weighted: float
    classes: dict[str, tuple[float, float, int]]
    left_out: dict[str, int]


def evaluate(
    energy_change_j: ArrayLike,
    generated: ArrayLike,
    reference: ArrayLike,
    categories: Sequence[str],
    *,
    min_impacts: int = MIN_IMPACTS,
) -> ApccResult:
    """Compare generated with reference sound, class by class.

    Args:
        energy_change_j: dE_k, (I,).
        generated: s_k in the generated sound, (I,).
        reference: s_k in the reference sound, (I,).
        categories: Sound class of each impact.
        min_impacts: Smaller classes are left out.

    Raises:
        InputError: See `validate`.
    """
    validate(energy_change_j, generated, categories)
    validate(energy_change_j, reference, categories)
    energy = np.asarray(energy_change_j, dtype=np.float64)
    made, true = np.asarray(generated, np.float64), np.asarray(reference, np.float64)
    names = np.asarray(categories, dtype=object)
    known = ~(np.isnan(energy) | np.isnan(made) | np.isnan(true))
    classes: dict[str, tuple[float, float, int]] = {}
    left_out: dict[str, int] = {}
    for name in sorted(set(categories)):
        rows = known & (names == name)
        count = int(rows.sum())
        if count < min_impacts:
            left_out[name] = count
            continue
        x = energy[rows]
        classes[name] = (_pearson(x, made[rows]), _pearson(x, true[rows]), count)
    table = np.asarray([entry[:2] for entry in classes.values()]).reshape(-1, 2)
    nothing = float("nan")
    deltas = np.abs(table[:, 0] - table[:, 1])
    counts = [entry[2] for entry in classes.values()]
    return ApccResult(
        apcc=float(table[:, 0].mean()) if classes else nothing,
        apcc_reference=float(table[:, 1].mean()) if classes else nothing,
        apcc_delta=float(deltas.mean()) if classes else nothing,
        apcc_delta_weighted=float(np.average(deltas, weights=counts)) if classes else nothing,
        classes=classes,
        left_out=left_out,
    )


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    # np.ptp is exactly 0 for a constant sequence; its variance may not be
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    # scaled, so that the squares of tiny or huge energies stay within a float's range
    return float(np.corrcoef(x / np.ptp(x), y / np.ptp(y))[0, 1])
