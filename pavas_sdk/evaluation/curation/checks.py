"""Is a list of impacts fit to be measured with?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.evaluation.apcc import MIN_IMPACTS
from pavas_sdk.evaluation.impacts import APART_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pavas_sdk.evaluation.impact_list import ImpactList, ListedClip

__all__ = ["ListFinding", "check_list"]

LARGEST_SHARE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFinding:
    """Something that is wrong with a list, or should be known.

    Attributes:
        is_error: Whether the list should not be used as it is.
        where: Clip or class, or "" for the whole list.
        what: In words.
    """

    is_error: bool
    where: str
    what: str


def check_list(listed: ImpactList) -> tuple[ListFinding, ...]:
    """Return what is wrong with a list.

    Errors: no accepted impacts; a class with fewer than 3; accepted impacts of a clip that are less
    than 150 ms apart (one onset would serve both); a moment outside the clip. To be known: proposals
    that nobody decided; a class with more than 40 % of all impacts; impacts without an energy; accepted
    ones that cannot be seen.
    """
    accepted = {
        clip.clip_id: [impact for impact in clip.impacts if impact.status == "accepted"]
        for clip in listed.clips
    }
    counts: Counter[str] = Counter()
    for clip in listed.clips:
        counts[clip.category] += len(accepted[clip.clip_id])
    total = counts.total()
    found: list[ListFinding] = []
    if not total:
        found.append(ListFinding(is_error=True, where="", what="no impact is accepted"))
    for category, count in sorted(counts.items()):
        if total and count < MIN_IMPACTS:
            what = f"{count} accepted impacts; APCC needs {MIN_IMPACTS} per class"
            found.append(ListFinding(is_error=True, where=category, what=what))
        if total and len(counts) > 2 and count > LARGEST_SHARE * total:
            what = f"{count / total:.0%} of all accepted impacts are of this class"
            found.append(ListFinding(is_error=False, where=category, what=what))
    for clip in listed.clips:
        found += _of_clip(clip)
    waiting = sum(impact.status == "proposed" for clip in listed.clips for impact in clip.impacts)
    every = [impact for rows in accepted.values() for impact in rows]
    unknown = sum(bool(np.isnan(impact.energy_change_j)) for impact in every)
    unseen = sum(not impact.visible for impact in every)
    for count, what in (
        (waiting, "proposals are not decided: pavas impacts review"),
        (unknown, "accepted impacts have no mass or speeds, so no energy of their own"),
        (unseen, "accepted impacts cannot be seen"),
    ):
        if count:
            found.append(ListFinding(is_error=False, where="", what=f"{count} {what}"))
    return tuple(found)


def _of_clip(clip: ListedClip) -> Iterator[ListFinding]:
    times = [impact.time_s for impact in clip.impacts if impact.status == "accepted"]
    for first, second in pairwise(times):
        if second - first < APART_S:
            what = f"impacts at {first:.3f} and {second:.3f} s are less than {APART_S:g} s apart"
            yield ListFinding(is_error=True, where=clip.clip_id, what=what)
    if clip.duration_s is not None and times and times[-1] > clip.duration_s:
        what = f"an impact at {times[-1]:.3f} s is after the end ({clip.duration_s:.3f} s)"
        yield ListFinding(is_error=True, where=clip.clip_id, what=what)
