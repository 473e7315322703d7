"""What is to be annotated: one entry per clip, read from folders, lists and tables."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pavas_sdk.annotation.clip_files import is_address, list_address
from pavas_sdk.annotation.tables import read_rows
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["VIDEO_SUFFIXES", "ClipEntry", "read_clips"]

VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".flv",
        ".wmv",
        ".ogv",
        ".3gp",
        ".gif",
    ]
)
_LISTS = frozenset({".txt", ".csv", ".tsv", ".jsonl", ".parquet"})
_NAMES = {
    "clip_id": ("clip_id", "id", "name", "youtube_id"),
    "path": ("path", "video", "file", "filename"),
    "start_s": ("start_s", "start", "start_seconds"),
    "duration_s": ("duration_s", "duration"),
    "label": ("label", "caption", "prompt"),
    "split": ("split",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntry:
    """One clip of a job.

    Attributes:
        clip_id: Its name, unique in the job.
        path: The video: a file, or an address that fsspec opens.
        start_s: Where in the file it begins, seconds.
        duration_s: Its length; None: as the job says.
        label: What is heard or seen, as text; may be empty.
        split: "train", "test" or the like; may be empty.
    """

    clip_id: str
    path: str
    start_s: float = 0.0
    duration_s: float | None = None
    label: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: No id or path, or times that are impossible.
        """
        if not self.clip_id or not self.path:
            raise InputError(f"a clip needs an id and a path, got {self.clip_id!r}, {self.path!r}")
        if not (math.isfinite(self.start_s) and self.start_s >= 0):
            raise InputError(f"clip {self.clip_id}: start {self.start_s} is not 0 s or later")
        length = self.duration_s
        if length is not None and not (math.isfinite(length) and length > 0):
            raise InputError(f"clip {self.clip_id}: duration {length} s is not above 0")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        try:
            return cls(**{entry.name: data[entry.name] for entry in fields(cls)})
        except (KeyError, TypeError, InputError) as err:
            raise FormatError(f"not a clip of a work list: {err}") from err


def read_clips(sources: Sequence[str | Path], *, videos: Path | None = None) -> list[ClipEntry]:
    """Return the clips that arguments mean, sorted by id.

    Args:
        sources: Videos, folders (searched to their ends), addresses of fsspec, lists (``.txt``
            with a path a line) and tables: ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` with columns
            id, path, start, duration, label, split (only path, or id, is needed), or VGGSound's own
            csv without a header: id, start second, label, split.
        videos: Where tables without paths find them: ``ID_000030.mp4`` (cut already, as VGGSound
            is usually kept) or ``ID.mp4`` (the whole video). Else paths are relative to the table.

    Raises:
        InputError: Nothing there, no video in it, an entry that is impossible, or an id that
            stands there twice.
        FormatError: A table that cannot be read.
    """
    found: list[ClipEntry] = []
    for source in sources:
        found += _of_source(str(source), videos)
    doubled = [name for name, count in Counter(clip.clip_id for clip in found).items() if count > 1]
    if doubled:
        raise InputError(
            f"{len(doubled)} ids stand there more than once: {', '.join(sorted(doubled)[:5])}; "
            "give each clip an id of its own"
        )
    if not found:
        raise InputError(f"no video in {', '.join(map(str, sources)) or 'nothing'}")
    return sorted(found, key=lambda clip: clip.clip_id)


def _of_source(source: str, videos: Path | None) -> list[ClipEntry]:
    if is_address(source):
        return _named(list_address(source, VIDEO_SUFFIXES), source)
    path = expanded(source)
    if path.is_dir():
        files = (file for file in path.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
        shown = (file for file in files if not _hidden(file.relative_to(path)) and file.is_file())
        return _named([str(file.absolute()) for file in shown], str(path.absolute()))
    if path.suffix.lower() in _LISTS:
        if not path.is_file():
            raise InputError(f"no such list: {path}")
        return _of_list(path, videos)
    if not path.is_file():
        raise InputError(f"no such video, folder or list: {path}")
    return [ClipEntry(clip_id=path.stem, path=str(path.absolute()))]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _named(paths: Iterable[str], root: str) -> list[ClipEntry]:
    """Name videos by their path below ``root``, without the suffix where that is unique."""
    root = root.rstrip("/") + "/"
    relative = {path: path.removeprefix(root) for path in paths}
    stems = Counter(name.rpartition(".")[0] for name in relative.values())
    return [
        ClipEntry(
            clip_id=name if stems[name.rpartition(".")[0]] > 1 else name.rpartition(".")[0],
            path=path,
        )
        for path, name in relative.items()
    ]


def _of_list(path: Path, videos: Path | None) -> list[ClipEntry]:
    folder = (videos or path.parent).absolute()
    if path.suffix.lower() == ".txt":
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except UnicodeDecodeError as err:
            raise FormatError(f"cannot read the list {path}: {err}") from err
        files = [_joined(folder, line) for line in lines if line and not line.startswith("#")]
        return _named(files, str(folder))
    if path.suffix.lower() == ".csv":
        vggsound = _vggsound_rows(path)
        if vggsound is not None:
            return [_vggsound_clip(row, path, videos) for row in vggsound]
    rows = read_rows(path)
    return [_of_row(row, number, path, folder) for number, row in enumerate(rows, start=1)]


def _joined(folder: Path, name: str) -> str:
    return name if is_address(name) else str(folder / expanded(name))


def _of_row(row: Mapping[str, Any], number: int, table: Path, folder: Path) -> ClipEntry:
    given: dict[str, Any] = {}
    for name, spellings in _NAMES.items():
        for spelling in spellings:
            if row.get(spelling) not in (None, ""):
                given[name] = row[spelling]
                break
    try:
        for name in ("start_s", "duration_s"):
            if name in given:
                given[name] = _seconds(name, given[name])
        for name in ("clip_id", "path", "label", "split"):
            if name in given:
                given[name] = str(given[name])
        if "path" in given:
            given["path"] = _joined(folder, given["path"])
            given.setdefault("clip_id", Path(given["path"]).stem)
        elif "clip_id" in given:
            given["path"] = str(_find(folder, [given["clip_id"]]))
        else:
            raise InputError(
                f"it has neither an id nor a path; columns: {', '.join(row) or 'none'}"
            )
        return ClipEntry(**given)
    except (TypeError, ValueError) as err:
        raise InputError(f"{table}, row {number}: {err}") from err


def _seconds(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as err:
        raise InputError(f"{name} is {value!r}, expected a number of seconds") from err


def _vggsound_rows(path: Path) -> list[list[str]] | None:
    """Return the rows of VGGSound's own csv, or None when the file has another form."""
    with path.open(encoding="utf-8", newline="") as stream:
        try:
            rows = [row for row in csv.reader(stream) if row]
        except (csv.Error, UnicodeDecodeError) as err:
            raise FormatError(f"cannot read {path}: {err}") from err
    if not rows or not all(len(row) == 4 and row[1].strip().isdigit() for row in rows):
        return None
    return rows


def _vggsound_clip(row: Sequence[str], table: Path, videos: Path | None) -> ClipEntry:
    name, start, label, split = (cell.strip() for cell in row)
    folder = (videos or table.parent).absolute()
    cut = f"{name}_{int(start):06d}"
    entry = ClipEntry(clip_id=cut, path=str(folder / f"{cut}.mp4"), label=label, split=split)
    found = _find(folder, [cut, name])
    if found.stem == name and name != cut:
        return replace(entry, path=str(found), start_s=float(start))
    return replace(entry, path=str(found))


def _find(folder: Path, stems: Sequence[str]) -> Path:
    """Return the first file of these names; what is missing fails when its turn comes."""
    for stem in stems:
        for suffix in (".mp4", ".mkv", ".webm", ".mov", ".avi"):
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
    return folder / f"{stems[0]}.mp4"


def dump_lines(clips: Iterable[ClipEntry]) -> str:
    """Return a work list as text, one JSON object a line."""
    return "".join(json.dumps(clip.to_json(), ensure_ascii=True) + "\n" for clip in clips)
