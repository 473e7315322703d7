"""Impact lists: moments of recorded clips at which strength and inertia can be seen.

One JSON document (``pavas.impacts``, see the data formats in the documentation). It holds ids and
times, no media.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json
from pavas_sdk.data.documents import check_format, read_object
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["STATES", "ImpactList", "ListedClip", "ListedImpact", "read_impact_list"]

FORMAT, FORMAT_VERSION = "pavas.impacts", 1
STATES = ("proposed", "accepted", "rejected")
_NUMBERS = ("mass_kg", "v_pre_mps", "v_post_mps", "confidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedImpact:
    """One moment.

    Attributes:
        time_s: On the clip's clock, seconds, 0 or more.
        object: What hits, in words; may be empty.
        mass_kg: Its mass, kilograms, or None.
        v_pre_mps: Its speed before, m/s, or None.
        v_post_mps: And after.
        visible: Whether the contact can be seen.
        confidence: Of a proposal, 0 to 1, or None.
        status: One of `STATES`; only accepted impacts count.
        note: Of the curator.
    """

    time_s: float
    object: str = ""
    mass_kg: float | None = None
    v_pre_mps: float | None = None
    v_post_mps: float | None = None
    visible: bool = True
    confidence: float | None = None
    status: str = "accepted"
    note: str = ""

    @property
    def energy_change_j(self) -> float:
        """|1/2 m (v_post^2 - v_pre^2)|, joules; NaN where mass or speeds are missing."""
        if self.mass_kg is None or self.v_pre_mps is None or self.v_post_mps is None:
            return float("nan")
        return abs(0.5 * self.mass_kg * (self.v_post_mps**2 - self.v_pre_mps**2))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; what is not known is left out."""
        data: dict[str, Any] = {"time_s": round(self.time_s, 4)}
        if self.object:
            data["object"] = self.object
        data |= {key: getattr(self, key) for key in _NUMBERS if getattr(self, key) is not None}
        data |= {"visible": self.visible, "status": self.status}
        return {**data, "note": self.note} if self.note else data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str) -> ListedImpact:
        """Read a moment.

        Raises:
            FormatError: A value is missing, of another type, or impossible.
        """
        data = _json.mapping(data, f"{where}: an impact")
        status = data.get("status", "accepted")
        if status not in STATES:
            raise FormatError(f"{where}: status is {status!r}, one of {', '.join(STATES)}")
        time_s = _json.number(_json.required(data, "time_s", where), f"{where}: time_s")
        numbers = {key: _json.optional_number(data.get(key), f"{where}: {key}") for key in _NUMBERS}
        if time_s < 0 or any(value is not None and value < 0 for value in numbers.values()):
            raise FormatError(f"{where}: times, masses, speeds and confidences must be 0 or more")
        visible = data.get("visible", True)
        if not isinstance(visible, bool):
            raise FormatError(f"{where}: visible must be true or false, got {visible!r}")
        return cls(
            time_s=time_s,
            object=_json.text(data.get("object") or "", f"{where}: object"),
            visible=visible,
            status=status,
            note=_json.text(data.get("note") or "", f"{where}: note"),
            **numbers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedClip:
    """A clip and its moments.

    Attributes:
        clip_id: Stem of its files.
        category: Sound class.
        impacts: In the order of time, of every status.
        fps: Frames per second of its video, or None.
        duration_s: Its length, seconds, or None.
        sha256: Of the video that was looked at, or "".
    """

    clip_id: str
    category: str
    impacts: tuple[ListedImpact, ...]
    fps: float | None = None
    duration_s: float | None = None
    sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        data: dict[str, Any] = {"id": self.clip_id, "category": self.category}
        data |= {k: getattr(self, k) for k in ("fps", "duration_s") if getattr(self, k) is not None}
        if self.sha256:
            data["sha256"] = self.sha256
        return {**data, "impacts": [impact.to_json() for impact in self.impacts]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ListedClip:
        """Read a clip.

        Raises:
            FormatError: A value is missing, of another type, or impossible.
        """
        data = _json.mapping(data, "a clip")
        clip_id, category = data.get("id"), data.get("category")
        if not isinstance(clip_id, str) or not clip_id or not isinstance(category, str):
            raise FormatError(
                f'every clip needs an "id" and a "category" in words, got {clip_id!r}, {category!r}'
            )
        rows = _json.items(_json.required(data, "impacts", clip_id), f"{clip_id}: impacts")
        impacts = [ListedImpact.from_json(row, clip_id) for row in rows]
        return cls(
            clip_id=clip_id,
            category=category,
            impacts=tuple(sorted(impacts, key=lambda impact: impact.time_s)),
            fps=_json.optional_number(data.get("fps"), f"{clip_id}: fps"),
            duration_s=_json.optional_number(data.get("duration_s"), f"{clip_id}: duration_s"),
            sha256=_json.text(data.get("sha256") or "", f"{clip_id}: sha256").lower(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactList:
    """A list of clips with their moments.

    Attributes:
        clips: Every id once.
        name: Of the list.
        source: Where the clips are from: "VGGSound test".
        curator: Who decided.
        created: Date, as YYYY-MM-DD.
    """

    clips: tuple[ListedClip, ...]
    name: str = ""
    source: str = ""
    curator: str = ""
    created: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of ids, classes, times and energies of the accepted impacts: what a result is of.

        Notes, names and what was rejected do not change it.
        """
        rows = [
            [clip.clip_id, clip.category, *_counted(impact)]
            for clip in sorted(self.clips, key=lambda clip: clip.clip_id)
            for impact in clip.impacts
            if impact.status == "accepted"
        ]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            **{key: getattr(self, key) for key in ("name", "source", "curator", "created")},
            "clips": [clip.to_json() for clip in self.clips],
        }

    def dumps(self) -> str:
        """Return the text of the file."""
        return _json.dumps(self.to_json())


def read_impact_list(path: str | Path) -> ImpactList:
    """Read a list with everything in it.

    Raises:
        FormatError: Not readable, another format or a newer version, a clip twice, or a value that
            is missing, of another type or impossible; file and clip are named.
    """
    document = read_object(path)
    try:
        check_format(document, format_name=FORMAT, newest=FORMAT_VERSION, what="impacts file")
        entries = _json.items(_json.required(document, "clips", "an impacts file"), "clips")
        clips = tuple(ListedClip.from_json(entry) for entry in entries)
        names = [clip.clip_id for clip in clips]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise FormatError(f"clips occur twice: {', '.join(twice[:5])}")
        return ImpactList(
            clips=clips,
            **{
                key: _json.text(document.get(key) or "", key)
                for key in ("name", "source", "curator", "created")
            },
        )
    except FormatError as err:
        raise FormatError(f"{path}: {err}") from err


def _counted(impact: ListedImpact) -> list[float | None]:
    return [round(impact.time_s, 4), impact.mass_kg, impact.v_pre_mps, impact.v_post_mps]
