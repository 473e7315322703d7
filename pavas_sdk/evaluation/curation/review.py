"""A list under review: every decision is checked, kept in memory, and written at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.claims import file_sha256
from pavas_sdk.data.files import write_text
from pavas_sdk.errors import InputError, OutputError
from pavas_sdk.evaluation.impact_list import ListedImpact, read_impact_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Review"]

CHANGEABLE = (
    "time_s",
    "object",
    "mass_kg",
    "v_pre_mps",
    "v_post_mps",
    "visible",
    "status",
    "note",
)


class Review:
    """One curator's work on a list.

    Args:
        path: The list; decisions are written to it.
        videos: File by clip id; clips without one are not shown.
        curator: Set as the list's curator, when given.

    Attributes:
        videos: File by clip id.

    Raises:
        FormatError: See `read_impact_list`.
        InputError: No clip of the list has a video.
    """

    def __init__(self, path: Path, videos: Mapping[str, Path], *, curator: str = "") -> None:
        self._path = path
        self._listed = read_impact_list(path)
        if curator:
            self._listed = replace(self._listed, curator=curator)
        self._sha256 = file_sha256(path)
        self.videos = {
            c.clip_id: videos[c.clip_id] for c in self._listed.clips if c.clip_id in videos
        }
        if not self.videos:
            raise InputError(
                f"none of the {len(self._listed.clips)} clips of {path} has a video; give their "
                "folder with --videos"
            )
        # threads of the server; numbers stay with a moment however it is moved
        self._lock = threading.Lock()
        self._moments = {
            number: (clip.clip_id, impact)
            for number, (clip, impact) in enumerate(
                (clip, impact) for clip in self._listed.clips for impact in clip.impacts
            )
        }
        self._next = len(self._moments)

    @property
    def without_video(self) -> tuple[str, ...]:
        """Clips of the list that cannot be shown."""
        return tuple(c.clip_id for c in self._listed.clips if c.clip_id not in self.videos)

    def to_json(self) -> dict[str, Any]:
        """Return what the page shows: the name of the list and its moments in order."""
        categories = {clip.clip_id: clip.category for clip in self._listed.clips}
        order = {clip.clip_id: place for place, clip in enumerate(self._listed.clips)}
        shown = [
            {"number": number, "clip": clip_id, "category": categories[clip_id], **impact.to_json()}
            for number, (clip_id, impact) in sorted(
                self._moments.items(), key=lambda item: (order[item[1][0]], item[1][1].time_s)
            )
            if clip_id in self.videos
        ]
        return {"name": self._listed.name, "curator": self._listed.curator, "moments": shown}

    def clip_of(self, number: int) -> tuple[str, float]:
        """Return the clip and the time of a moment.

        Raises:
            InputError: There is no such moment.
        """
        if number not in self._moments:
            raise InputError(f"there is no moment {number}")
        clip_id, impact = self._moments[number]
        return clip_id, impact.time_s

    def change(self, number: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change a moment, write the list, and return the moment.

        Args:
            number: Which.
            changes: Some of `CHANGEABLE`; null takes a number away.

        Raises:
            InputError: No such moment, or something else than `CHANGEABLE`.
            FormatError: An impossible value.
            OutputError: The list cannot be written, or was changed by somebody else.
        """
        clip_id, _ = self.clip_of(number)
        wrong = sorted(set(changes) - set(CHANGEABLE))
        if wrong:
            raise InputError(f"{', '.join(wrong)} cannot be changed, only {', '.join(CHANGEABLE)}")
        with self._lock:
            before = self._moments[number]
            impact = ListedImpact.from_json({**before[1].to_json(), **changes}, clip_id)
            self._moments[number] = clip_id, impact
            self._write_or(number, before)
        return {"number": number, "clip": clip_id, **impact.to_json()}

    def add(self, clip_id: str, time_s: float) -> dict[str, Any]:
        """Add an accepted moment, write the list, and return the moment.

        Raises:
            InputError: No such clip.
            FormatError: An impossible time.
            OutputError: See `change`.
        """
        if clip_id not in self.videos:
            raise InputError(f"there is no clip {clip_id}")
        impact = ListedImpact.from_json({"time_s": time_s, "note": "added by hand"}, clip_id)
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._moments[number] = clip_id, impact
            self._write_or(number, None)
        return {"number": number, "clip": clip_id, **impact.to_json()}

    def _write_or(self, number: int, before: tuple[str, ListedImpact] | None) -> None:
        """Write; when that fails the moment is as it was, so that page and file say the same."""
        try:
            self._write()
        except OutputError:
            del self._moments[number]
            if before is not None:
                self._moments[number] = before
            raise

    def _write(self) -> None:
        if file_sha256(self._path) != self._sha256:
            raise OutputError(
                f"{self._path} was changed by somebody else since it was opened; end this review and "
                "start it again"
            )
        by_clip: dict[str, list[ListedImpact]] = {}
        for clip_id, impact in self._moments.values():
            by_clip.setdefault(clip_id, []).append(impact)
        self._listed = replace(
            self._listed,
            clips=tuple(
                replace(
                    clip,
                    impacts=tuple(sorted(by_clip.get(clip.clip_id, ()), key=lambda i: i.time_s)),
                )
                for clip in self._listed.clips
            ),
        )
        write_text(self._path, self._listed.dumps(), overwrite=True)
        self._sha256 = file_sha256(self._path)
