"""The physics of a batch: true or estimated, with parts of it missing or disturbed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.training.batch_config import BatchConfig
    from pavas_sdk.training.features import PhysicsSet

__all__ = ["PhysicsRows", "disturbed", "physics_rows"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhysicsRows:
    """Objects of the clips of a batch, in one take each.

    Attributes:
        objects: float16, (B, K, T, D_p), masked sums of patch features.
        visible: bool, (B, K, T).
        mass_kg: float32, (B, K); NaN = unknown.
        speed_m_s: float32, (B, K, T); NaN = missing.
        impact_energy_j: float32, (B, K, T); NaN = unknown.
        valid: bool, (B, K).
    """

    objects: NDArray[np.float16]
    visible: NDArray[np.bool_]
    mass_kg: NDArray[np.float32]
    speed_m_s: NDArray[np.float32]
    impact_energy_j: NDArray[np.float32]
    valid: NDArray[np.bool_]


def physics_rows(
    sources: Sequence[PhysicsSet | None],
    clips: Sequence[int],
    takes: Sequence[int],
    frames: NDArray[np.int64],
) -> PhysicsRows:
    """Return one row per entry.

    Args:
        sources: Where each row's physics comes from; None only if it is never reached.
        clips: Clip of each row.
        takes: Take of each row; a source with fewer takes begins anew.
        frames: (B, T), frames of each row.
    """
    rows = [_row(*row) for row in zip(sources, clips, takes, frames, strict=True)]
    return PhysicsRows(
        **{name: np.stack([row[name] for row in rows]) for name in PhysicsRows.__slots__}
    )


def disturbed(
    given: PhysicsRows,
    config: BatchConfig,
    rng: np.random.Generator,
    *,
    is_estimate: NDArray[np.bool_],
    keep_impacts: NDArray[np.bool_],
) -> PhysicsRows:
    """Return rows with parts missing or disturbed, as ``config`` says.

    As in inference, an object without a mass has impacts of unknown energy, and of one without
    speeds nothing is known of its impacts.

    Args:
        given: The rows.
        config: Shares of what is dropped, spread of the noise.
        rng: What is drawn last came last: older settings keep their batches.
        is_estimate: (B,), rows that have errors of their own and get no noise.
        keep_impacts: (B,), rows whose impacts stay as they are: nothing else tells of them.
    """
    mass, speed, energy = given.mass_kg, given.speed_m_s, given.impact_energy_j
    size, count = given.valid.shape
    mass = np.where(rng.random(mass.shape) < config.drop_mass, np.nan, mass)
    noisy = (rng.random(size) < 0.5) & ~is_estimate
    factor = np.exp(rng.normal(0.0, config.speed_noise, speed.shape))
    speed = np.where(noisy[:, None, None], speed * factor, speed)
    share = np.where(rng.random(size) < 0.3, rng.random(size), 0.0)
    gone = rng.random(speed.shape) < config.miss_frames * share[:, None, None]
    gone |= (rng.random((size, count)) < config.drop_speed)[:, :, None]
    speed = np.where(gone, np.nan, speed)
    hidden = rng.random((size, count)) < config.drop_mask
    unknown = rng.random((size, count)) < config.drop_impacts
    unknown |= np.isnan(speed).all(axis=2)
    energy = np.where(np.isnan(mass)[:, :, None] & (energy > 0), np.nan, energy)
    energy = np.where(unknown[:, :, None], np.nan, energy)
    energy = np.where(keep_impacts[:, None, None], given.impact_energy_j, energy)
    return replace(
        given,
        visible=given.visible & ~hidden[:, :, None],
        mass_kg=mass.astype(np.float32),
        speed_m_s=speed.astype(np.float32),
        impact_energy_j=energy.astype(np.float32),
    )


def _row(
    physics: PhysicsSet | None, clip: int, take: int, frames: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    assert physics is not None
    take = take % physics.mass_kg.shape[1]
    return {
        "objects": physics.objects[clip][:, frames],
        "visible": physics.visible[clip][:, frames],
        "mass_kg": physics.mass_kg[clip, take],
        "speed_m_s": physics.speed_m_s[clip, take][:, frames],
        "impact_energy_j": physics.impact_energy_j[clip, take][:, frames],
        "valid": physics.valid[clip],
    }
