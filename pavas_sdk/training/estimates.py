"""Estimated beside true physics, for a share of the clips.

A model that has only seen true masses and speeds believes them too much. The estimators' own
errors are not noise that could be drawn: objects are missed, doubled, and scaled all together.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import ComponentError
from pavas_sdk.pipelines.adapter_inputs import adapter_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.training.store import StoreConfig

__all__ = ["estimate_arrays", "no_estimate"]

logger = logging.getLogger(__name__)
# The estimator is told what the clip shows in so many clips of ten.
_PROMPTED = 3


def no_estimate(config: StoreConfig) -> dict[str, NDArray[Any]]:
    """Return the arrays of a clip without an estimate: no object, nothing known."""
    count, frames, grid = config.max_objects, config.frames, config.grid
    return {
        "estimated_masks": np.zeros((count, frames, grid, grid), dtype=np.uint8),
        "estimated_mass_kg": np.full(count, np.nan, dtype=np.float32),
        "estimated_speed_m_s": np.full((count, frames), np.nan, dtype=np.float32),
        "estimated_impact_energy_j": np.full((count, frames), np.nan, dtype=np.float32),
        "estimated_valid": np.zeros(count, dtype=np.bool_),
    }


def estimate_arrays(
    clip: LabelledClip, config: StoreConfig, estimator: PhysicsEstimator, *, number: int
) -> dict[str, NDArray[Any]] | None:
    """Return what an estimator sees in a clip, as the adapter would be given it.

    ``estimated_masks`` uint8 (K, T, P, P) in 1/255, ``estimated_mass_kg`` float32 (K,),
    ``estimated_speed_m_s`` and ``estimated_impact_energy_j`` float32 (K, T), ``estimated_valid``
    bool (K,).

    Args:
        clip: With its picture.
        config: Sizes of what is kept.
        estimator: Of objects, masses, speeds and impacts.
        number: Of the clip in its set: in three clips of ten the estimator is given the prompt.

    Returns:
        None when a component failed on the clip.
    """
    prompt = clip.prompt if number % 10 < _PROMPTED else ""
    try:
        seen = estimator.estimate(clip.source, prompt=prompt)
    except ComponentError as err:
        logger.warning("no estimate for clip %s: %s", clip.clip_id, err)
        return None
    inputs = adapter_inputs(
        seen.physics.objects[: config.max_objects],
        seen.masks,
        config.times_s,
        config.grid,
        impacts=seen.physics.impacts(),
    )
    assert inputs.impact_energy_j is not None
    found = inputs.masks.shape[1]
    arrays = no_estimate(config)
    masks = inputs.masks[0].numpy()
    arrays["estimated_masks"][:found] = np.ceil(masks * 255.0 - 1e-3).astype(np.uint8)
    arrays["estimated_mass_kg"][:found] = inputs.mass_kg[0].numpy()
    arrays["estimated_speed_m_s"][:found] = inputs.speed_m_s[0].numpy()
    arrays["estimated_impact_energy_j"][:found] = inputs.impact_energy_j[0].numpy()
    arrays["estimated_valid"][:found] = True
    return arrays
