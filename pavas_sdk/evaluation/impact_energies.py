"""Energies of listed impacts: those of the list, else estimated from the video, once per clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import apcc
from pavas_sdk.evaluation.curation.vggsound import find_listed_videos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import PhysicsEstimate
    from pavas_sdk.evaluation.impacts_file import ClipImpacts
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.physics.cache import CacheInput

__all__ = ["impact_energies"]


def impact_energies(
    known: Mapping[str, ClipImpacts],
    videos: str | Path | None,
    estimator: PhysicsEstimator | None,
    cache: CacheInput = None,
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Return the energies of every clip's impacts, joules, and where they are from.

    An estimated energy is that of the object whose kinetic energy changes most around the moment.

    Args:
        known: Accepted impacts by clip; the estimator is told the class.
        videos: Folder of the videos, or None.
        estimator: Estimates, or None.
        cache: Where estimates are kept.

    Returns:
        Energies by clip (NaN where unknown), and the numbers ``energies_given``,
        ``energies_estimated``, ``without_energy`` with the ``estimator``.

    Raises:
        InputError: A video that is needed is not there.
        ComponentError: The estimator failed.
    """
    energies = {
        clip_id: [impact.energy_change_j for impact in clip.impacts]
        for clip_id, clip in known.items()
    }
    open_clips = [clip_id for clip_id, row in energies.items() if np.isnan(row).any()]
    given = int(sum(np.isfinite(row).sum() for row in energies.values()))
    estimated = 0
    if estimator is not None and videos is not None:
        files = _videos(Path(videos), open_clips)
        for clip_id in open_clips:
            estimate = _estimated(files[clip_id], known[clip_id].category, estimator, cache)
            for index, impact in enumerate(known[clip_id].impacts):
                if np.isnan(energies[clip_id][index]):
                    energies[clip_id][index] = _largest_change(estimate, impact.time_s)
                    estimated += int(np.isfinite(energies[clip_id][index]))
    missing = int(sum(np.isnan(row).sum() for row in energies.values()))
    return energies, {
        "energies_given": given,
        "energies_estimated": estimated,
        "without_energy": missing,
        "estimator": None if estimator is None else estimator.to_json(),
    }


def _videos(folder: Path, clips: list[str]) -> dict[str, Path]:
    found = find_listed_videos(clips, folder)
    missing = [clip_id for clip_id in clips if clip_id not in found]
    if missing:
        raise InputError(
            f"{len(missing)} clips whose energies must be estimated have no video in {folder}: "
            f"{', '.join(missing[:5])}; expected names like {missing[0]}.mp4"
        )
    return found


def _estimated(
    path: Path, category: str, estimator: PhysicsEstimator, cache: CacheInput
) -> PhysicsEstimate:
    from pavas_sdk.media import open_video

    with open_video(path) as source:
        return estimator.estimate(source, prompt=category, cache=cache).physics


def _largest_change(physics: PhysicsEstimate, time_s: float) -> float:
    changes = [apcc.energy_change_j(physics, entry.object_id, time_s) for entry in physics]
    known = [change for change in changes if np.isfinite(change)]
    return max(known, default=float("nan"))
