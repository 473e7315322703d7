"""Measures how loud a trained pipeline makes impacts of a given energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.data.impact_level import SEARCH_S, WINDOW_S, levels_db
from pavas_sdk.pipelines.level import fit_level_law

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pavas_sdk.data import LabelledClip, PhysicsEstimate
    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.pipelines.level import LevelLaw

__all__ = ["impact_levels_of", "measure_level_law"]

_ALONE_S = 0.15


def measure_level_law(pipe: PavasPipeline, clips: Iterable[LabelledClip]) -> LevelLaw:
    """Return the law of a pipeline's own levels, from sounds made with true physics and masks.

    Args:
        pipe: The pipeline.
        clips: That it was not trained on; their seeds give the noise.

    Raises:
        ConfigurationError: Too few impacts, or levels that do not rise with energy.
    """
    pairs = [impact_levels_of(pipe, clip, seed) for seed, clip in enumerate(clips)]
    energy, level = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0))
    return fit_level_law(energy, level)


def impact_levels_of(pipe: PavasPipeline, clip: LabelledClip, seed: int) -> NDArray[np.float64]:
    """Return energies and physical levels of the impacts of a clip, (2, I).

    An impact counts when none within 150 ms is stronger and its 40 ms lie within the clip. Energies
    are those that the pipeline is told.

    Args:
        pipe: The pipeline.
        clip: The clip.
        seed: Of the noise.
    """
    times, energy = _strongest(clip.physics)
    if not times.size:
        return np.zeros((2, 0))
    output = pipe(
        clip.source,
        physics=clip.physics,
        masks=clip.masks,
        level="physical",
        generator=torch.Generator().manual_seed(seed),
    )
    return np.stack([energy, levels_db(output.audio, times)])


def _strongest(physics: PhysicsEstimate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and energies of impacts that are the strongest within 150 ms."""
    end_s = physics.duration_s - SEARCH_S - WINDOW_S
    known = [hit for hit in physics.impacts() if hit.energy_change_j > 0]
    alone = [
        hit
        for hit in known
        if hit.time_s <= end_s
        and all(
            other.energy_change_j < hit.energy_change_j
            for other in known
            if other is not hit and abs(other.time_s - hit.time_s) < _ALONE_S
        )
    ]
    return (
        np.asarray([hit.time_s for hit in alone], dtype=np.float64),
        np.asarray([hit.energy_change_j for hit in alone], dtype=np.float64),
    )
