"""Impact files: the moments of recorded clips at which strength and inertia can be seen.

One JSON document (``pavas.impacts``, see the data formats in the documentation). It holds ids and
times, no media.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json
from pavas_sdk.data.documents import check_format, read_object
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ClipImpacts", "KnownImpact", "read_impacts"]

FORMAT, FORMAT_VERSION = "pavas.impacts", 1
_STATES = ("proposed", "accepted", "rejected")


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
        FormatError: Not readable, another format or a newer version, a clip twice, or a value that
            is missing, of another type or impossible; file and clip are named.
    """
    document = read_object(path)
    try:
        check_format(document, format_name=FORMAT, newest=FORMAT_VERSION, what="impacts file")
        entries = _json.items(_json.required(document, "clips", "an impacts file"), "clips")
        clips = [_clip(_json.mapping(entry, "a clip")) for entry in entries]
        names = [clip.clip_id for clip in clips]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise FormatError(f"clips occur twice: {', '.join(twice[:5])}")
    except FormatError as err:
        raise FormatError(f"{path}: {err}") from err
    return tuple(clip for clip in clips if clip.impacts)


def _clip(data: Mapping[str, Any]) -> ClipImpacts:
    clip_id, category = data.get("id"), data.get("category")
    if not isinstance(clip_id, str) or not clip_id or not isinstance(category, str):
        raise FormatError(
            f'every clip needs an "id" and a "category" in words, got {clip_id!r}, {category!r}'
        )
    impacts = []
    for entry in _json.items(_json.required(data, "impacts", clip_id), f"{clip_id}: impacts"):
        row = _json.mapping(entry, f"{clip_id}: an impact")
        status = row.get("status", "accepted")
        if status not in _STATES:
            raise FormatError(f"{clip_id}: status is {status!r}, one of {', '.join(_STATES)}")
        if status == "accepted":
            impacts.append(_impact(row, clip_id))
    return ClipImpacts(
        clip_id=clip_id,
        category=category,
        impacts=tuple(sorted(impacts, key=lambda impact: impact.time_s)),
    )


def _impact(row: Mapping[str, Any], clip_id: str) -> KnownImpact:
    time_s = _json.number(_json.required(row, "time_s", clip_id), f"{clip_id}: time_s")
    numbers = []
    for key in ("mass_kg", "v_pre_mps", "v_post_mps"):
        value = row.get(key)
        numbers.append(float("nan") if value is None else _json.number(value, f"{clip_id}: {key}"))
    if time_s < 0 or any(number < 0 for number in numbers):
        raise FormatError(f"{clip_id}: times, masses and speeds must be 0 or more")
    mass, before, after = numbers
    return KnownImpact(time_s=time_s, energy_change_j=abs(0.5 * mass * (after**2 - before**2)))
