"""Moments that a curator should look at: where an onset of the sound and a change of speed agree."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import Contact
from pavas_sdk.data.claims import file_sha256
from pavas_sdk.errors import ComponentError, FormatError, MediaError
from pavas_sdk.evaluation import onset
from pavas_sdk.evaluation.impact_list import ImpactList, ListedClip, ListedImpact
from pavas_sdk.evaluation.impacts import merge_contacts
from pavas_sdk.evaluation.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pavas_sdk.data import PhysicsEstimate
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.physics.cache import CacheInput

__all__ = ["WITHIN_S", "ProposalRow", "propose_impacts"]

WITHIN_S = 0.06
"""How far an onset of the sound may be from a change of speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """What was found in one clip.

    Attributes:
        clip: With its proposals; of none when it failed.
        failure: Why it could not be looked at, or "".
    """

    clip: ListedClip
    failure: str = ""

    @property
    def clip_id(self) -> str:
        """Which clip."""
        return self.clip.clip_id

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"clip": self.clip.to_json(), "failure": self.failure}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ProposalRow:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        if "clip" not in data or "failure" not in data:
            raise FormatError("not the proposals of a clip")
        return cls(clip=ListedClip.from_json(data["clip"]), failure=str(data["failure"]))


def propose_impacts(
    videos: Mapping[str, Path],
    categories: Mapping[str, str],
    estimator: PhysicsEstimator,
    *,
    name: str = "",
    source: str = "",
    curator: str = "",
    within_s: float = WITHIN_S,
    cache: CacheInput = None,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ImpactList, dict[str, str]]:
    """Propose impacts of recorded clips that have their sound.

    The moment of a proposal is that of the onset, which is finer than a frame; mass and speeds are
    the estimator's. Its confidence is 1 where both agree, and falls to 0 at ``within_s``.

    Args:
        videos: File by clip id.
        categories: Sound class by clip id; also what the estimator is told.
        estimator: Finds objects, masses and speeds.
        name: Of the list.
        source: Of the clips.
        curator: Who will decide.
        within_s: Largest distance of onset and change of speed.
        cache: Where estimates are kept, see `PhysicsEstimator.estimate`.
        path: File of finished clips that is continued, see `run`.
        progress: Called with (done, all) after each clip.

    Returns:
        The list, also with clips without proposals; and why clips failed, by id.

    Raises:
        ComponentError: The estimator's packages are missing; a failure on one clip is no error.
        PavasError: See `run`.
    """
    estimator.check_ready()
    settings = {
        "measurement": "proposals",
        "estimator": estimator.to_json(),
        "within_s": within_s,
        "categories": dict(categories),
    }
    rows = run(
        tuple(videos),
        lambda: partial(_proposed, videos, categories, estimator, within_s, cache),
        ProposalRow.from_json,
        settings=settings,
        path=path,
        progress=progress,
    )
    listed = ImpactList(
        clips=tuple(row.clip for row in rows if not row.failure),
        name=name,
        source=source,
        curator=curator,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    return listed, {row.clip_id: row.failure for row in rows if row.failure}


def _proposed(
    videos: Mapping[str, Path],
    categories: Mapping[str, str],
    estimator: PhysicsEstimator,
    within_s: float,
    cache: CacheInput,
    clip_id: str,
) -> ProposalRow:
    from pavas_sdk.media import open_video, read_audio

    path, category = videos[clip_id], categories[clip_id]
    try:
        onsets = onset.detect_onsets(read_audio(path))
        with open_video(path) as video:
            physics = estimator.estimate(video, prompt=category, cache=cache).physics
            fps, duration_s = video.frame_rate_hz, video.duration_s
    except (MediaError, ComponentError) as err:
        empty = ListedClip(clip_id=clip_id, category=category, impacts=())
        return ProposalRow(clip=empty, failure=str(err)[:300])
    return ProposalRow(
        clip=ListedClip(
            clip_id=clip_id,
            category=category,
            impacts=agreeing(onsets, physics, within_s=within_s),
            fps=round(fps, 4),
            duration_s=round(duration_s, 4),
            sha256=file_sha256(path),
        )
    )


def agreeing(
    onsets_s: np.ndarray, physics: PhysicsEstimate, *, within_s: float = WITHIN_S
) -> tuple[ListedImpact, ...]:
    """Return proposals where onsets and impacts of an estimate agree, in order of time.

    Args:
        onsets_s: Of the sound, in order.
        physics: The estimate.
        within_s: Largest distance.
    """
    hits = physics.impacts()
    moments = merge_contacts(
        Contact(time_s=hit.time_s, object_id=hit.object_id, energy_change_j=hit.energy_change_j)
        for hit in hits
    )
    pairs = onset.match_onsets(onsets_s, [moment.time_s for moment in moments], within_s=within_s)
    proposals = []
    for heard, seen in pairs:
        moment = moments[seen]
        hit = min(hits, key=lambda one: (abs(one.time_s - moment.time_s), one.object_id))
        entry = physics[hit.object_id]
        apart = abs(float(onsets_s[heard]) - moment.time_s)
        proposals.append(
            ListedImpact(
                time_s=float(onsets_s[heard]),
                object=entry.object.label,
                mass_kg=None if entry.mass_kg is None else _short(entry.mass_kg),
                v_pre_mps=_known(hit.speed_before_m_s),
                v_post_mps=_known(hit.speed_after_m_s),
                confidence=round(1.0 - apart / within_s, 3),
                status="proposed",
            )
        )
    return tuple(proposals)


def _known(value: float) -> float | None:
    return _short(value) if np.isfinite(value) else None


def _short(value: float) -> float:
    return float(f"{value:.4g}")
