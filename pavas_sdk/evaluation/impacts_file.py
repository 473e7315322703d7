"""What a measurement takes from an impact list: the accepted moments and their energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.evaluation.impact_list import read_impact_list

if TYPE_CHECKING:
    from pathlib import Path

    from pavas_sdk.evaluation.impact_list import ImpactList

__all__ = ["ClipImpacts", "KnownImpact", "accepted_impacts", "read_impacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImpact:
    """One moment.

    Attributes:
        time_s: On the clip's clock, seconds.
        energy_change_j: |1/2 m (v_post^2 - v_pre^2)|, joules; NaN where mass or speeds are missing.
    """

    time_s: float
    energy_change_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipImpacts:
    """The accepted impacts of one clip.

    Attributes:
        clip_id: Stem of the clip's files.
        category: Sound class.
        impacts: In the order of time.
    """

    clip_id: str
    category: str
    impacts: tuple[KnownImpact, ...]


def read_impacts(path: str | Path) -> tuple[ClipImpacts, ...]:
    """Read the accepted impacts of a file; clips without any are left out.

    Raises:
        FormatError: See `read_impact_list`.
    """
    return accepted_impacts(read_impact_list(path))


def accepted_impacts(listed: ImpactList) -> tuple[ClipImpacts, ...]:
    """Return the accepted impacts of a list; clips without any are left out."""
    clips = (
        ClipImpacts(
            clip_id=clip.clip_id,
            category=clip.category,
            impacts=tuple(
                KnownImpact(time_s=impact.time_s, energy_change_j=impact.energy_change_j)
                for impact in clip.impacts
                if impact.status == "accepted"
            ),
        )
        for clip in listed.clips
    )
    return tuple(clip for clip in clips if clip.impacts)
