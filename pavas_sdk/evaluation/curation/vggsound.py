"""VGGSound's list of clips, and where their videos lie in a folder.

The list is a table without a header: YouTube id, start second, label, split. Copies of the videos
are named in several ways; these are found, in any subfolder, for id ID and start second S:
``ID_SSSSSS`` (six digits, VGGSound's own), ``ID_S``, ``ID_S000_E000`` (milliseconds of start and end,
as AudioSet's tools name them), each with ``.mp4``, ``.mkv``, ``.webm`` or ``.mov``.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = [
    "VGGSoundClip",
    "find_listed_videos",
    "find_videos",
    "read_classes",
    "read_vggsound",
    "select_classes",
]

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov")
CLIP_S = 10
_NAME = re.compile(r"(.{11})_(\d{6})")
TEN_CLASSES = "vgg-impact"
"""In place of a file of classes: the ten that we chose, as the paper's are not published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VGGSoundClip:
    """A row of the list.

    Attributes:
        youtube_id: Eleven characters.
        start_s: Where the clip starts, whole seconds.
        label: Sound class.
        split: "train" or "test".
    """

    youtube_id: str
    start_s: int
    label: str
    split: str

    @property
    def clip_id(self) -> str:
        """VGGSound's own name: id, underscore, six digits."""
        return f"{self.youtube_id}_{self.start_s:06d}"

    @property
    def stems(self) -> tuple[str, ...]:
        """Names that copies of the data set give it."""
        start, end = self.start_s * 1000, (self.start_s + CLIP_S) * 1000
        return (
            self.clip_id,
            f"{self.youtube_id}_{self.start_s}",
            f"{self.youtube_id}_{start}_{end}",
        )


def read_vggsound(path: str | Path) -> tuple[VGGSoundClip, ...]:
    """Read VGGSound's table.

    Raises:
        FormatError: It cannot be read, is empty, or a row is no such row.
    """
    clips = []
    try:
        with Path(path).open(newline="", encoding="utf-8") as stream:
            for number, row in enumerate(csv.reader(stream), 1):
                if not row:
                    continue
                clips.append(_clip(row, f"{path}, line {number}"))
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise FormatError(f"cannot read {path}: {err}") from err
    if not clips:
        raise FormatError(f"{path} is empty; give VGGSound's vggsound.csv")
    return tuple(clips)


def _clip(row: Sequence[str], where: str) -> VGGSoundClip:
    if len(row) != 4 or not row[1].strip().isdecimal():
        raise FormatError(
            f"{where}: expected YouTube id, start second, label, split, got {','.join(row)[:100]}"
        )
    youtube_id, start, label, split = (cell.strip() for cell in row)
    return VGGSoundClip(youtube_id=youtube_id, start_s=int(start), label=label, split=split)


def read_classes(source: str | Path = TEN_CLASSES) -> tuple[str, ...]:
    """Return labels, one per line of a file; lines that begin with # are left out.

    Args:
        source: A file, or "vgg-impact" for the ten that are shipped.

    Raises:
        FormatError: It cannot be read, or holds no class.
    """
    try:
        if str(source) == TEN_CLASSES:
            folder = resources.files("pavas_sdk.evaluation.curation")
            text = folder.joinpath("vgg_impact_classes.txt").read_text("utf-8")
        else:
            text = Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise FormatError(
            f"cannot read classes from {source}: {err}; give a file with one label per line, or "
            f"{TEN_CLASSES}"
        ) from err
    lines = (line.strip() for line in text.splitlines())
    classes = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not classes:
        raise FormatError(f"{source} holds no class; expected one label per line")
    return classes


def select_classes(
    clips: Collection[VGGSoundClip], classes: Collection[str], *, split: str = "test"
) -> tuple[VGGSoundClip, ...]:
    """Return the clips of some classes and of one split.

    Args:
        clips: Of the table.
        classes: Labels.
        split: "train", "test", or "" for both.

    Raises:
        InputError: A label that no clip has; the nearest ones are named.
    """
    known = {clip.label for clip in clips}
    wrong = [label for label in classes if label not in known]
    if wrong:
        near = get_close_matches(wrong[0], sorted(known), n=3)
        raise InputError(
            f"no clip of the table has the label {wrong[0]!r}"
            + (f"; did you mean {' or '.join(map(repr, near))}?" if near else "")
        )
    wanted = set(classes)
    return tuple(c for c in clips if c.label in wanted and split in ("", c.split))


def find_videos(
    clips: Collection[VGGSoundClip], folder: str | Path
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Return the video of every clip by its own name, and the clips that have none.

    Raises:
        InputError: There is no such folder, none of the clips is in it, or one is there twice.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"there is no folder {root}")
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
    counts = Counter(path.stem for path in files)
    by_stem = {path.stem: path for path in files}
    found: dict[str, Path] = {}
    for clip in clips:
        stems = [stem for stem in clip.stems if stem in by_stem]
        if len(stems) > 1 or any(counts[stem] > 1 for stem in stems):
            raise InputError(f"{clip.clip_id} is more than once in {root}; keep one copy")
        if stems:
            found[clip.clip_id] = by_stem[stems[0]]
    if clips and not found:
        raise InputError(
            f"none of {len(clips)} clips is in {root} ({len(files)} videos); expected names like "
            f"{next(iter(clips)).clip_id}.mp4"
        )
    return found, tuple(clip.clip_id for clip in clips if clip.clip_id not in found)


def find_listed_videos(clip_ids: Collection[str], folder: str | Path) -> dict[str, Path]:
    """Return the videos of clips by id: of their own name, or of VGGSound's other names for it.

    Raises:
        InputError: There is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"there is no folder {root}")
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
    by_stem = {path.stem: path for path in reversed(files)}
    found = {}
    for clip_id in clip_ids:
        name = _NAME.fullmatch(clip_id)
        stems: tuple[str, ...] = (clip_id,)
        if name is not None:
            clip = VGGSoundClip(youtube_id=name[1], start_s=int(name[2]), label="", split="")
            stems = clip.stems
        there = [by_stem[stem] for stem in stems if stem in by_stem]
        if there:
            found[clip_id] = there[0]
    return found
