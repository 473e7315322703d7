"""The files of a folder evaluation by the names of the clips: sounds, videos, captions."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.evaluation.pairing import pair_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

__all__ = ["FolderFiles", "find_sounds", "find_videos", "read_captions", "unmatched"]

_SOUNDS = (".wav", ".flac")
_VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFiles:
    """The files of an evaluation by the names of the clips.

    Attributes:
        reference: True sounds, in the order of their names.
        generated: Sounds by model, in the order of the table.
        unknown: By model, names that the reference has not.
        videos: Those that are there.
    """

    reference: Mapping[str, Path]
    generated: Mapping[str, Mapping[str, Path]]
    unknown: Mapping[str, list[str]]
    videos: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def find(
        cls,
        generated: Mapping[str, str | Path],
        reference: str | Path,
        *,
        videos: str | Path | None = None,
        names: Literal["exact", "vggsound"] = "exact",
        allow_missing: bool = False,
    ) -> FolderFiles:
        """Pair the files of folders; arguments as for `evaluate_folder`.

        Raises:
            InputError: A folder is missing or empty, a name occurs twice, or names do not match.
        """
        true = find_sounds(Path(reference))
        clips = list(true)
        made: dict[str, dict[str, Path]] = {}
        unknown: dict[str, list[str]] = {}
        for model, folder in generated.items():
            files = find_sounds(Path(folder))
            stems = list(files)
            found = pair_names(stems, clips, names=names)
            if (found.missing or found.unknown) and not allow_missing:
                raise InputError(unmatched(model, found.missing, found.unknown))
            if not found.pairs:
                raise InputError(f"no file of {model} has the name of a true sound")
            made[model] = {clips[row]: files[stems[own]] for row, own in found.pairs}
            unknown[model] = list(found.unknown)
        return cls(
            reference=true,
            generated=made,
            unknown=unknown,
            videos={} if videos is None else find_videos(videos, clips, names=names),
        )


def find_sounds(folder: Path) -> dict[str, Path]:
    """Return stem to file of a folder's sounds, in the order of the stems.

    Raises:
        InputError: No folder, no sounds in it, or a name occurs twice.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    files = sorted(
        (path for path in folder.iterdir() if path.suffix.lower() in _SOUNDS),
        key=lambda path: path.stem,
    )
    found: dict[str, Path] = {}
    for path in files:
        if path.stem in found:
            raise InputError(f"{folder} holds {found[path.stem].name} and {path.name}; keep one")
        found[path.stem] = path
    if not found:
        raise InputError(f"{folder} holds no .wav or .flac file (subfolders are not searched)")
    return found


def unmatched(model: str, missing: Sequence[str], unknown: Sequence[str]) -> str:
    """Say which clips of a model have no partner, and what to do."""
    parts = []
    for what, stems in (("without a sound", missing), ("that the reference has not", unknown)):
        if stems:
            more = ", ..." if len(stems) > 5 else ""
            clips = "clip" if len(stems) == 1 else "clips"
            parts.append(f"{len(stems)} {clips} {what} ({', '.join(stems[:5])}{more})")
    return (
        f"{model}: {' and '.join(parts)}; complete the folder, use --names vggsound for names around "
        "VGGSound's, or --allow-missing: then missing clips count with the worst values"
    )


def find_videos(
    folder: str | Path, clips: Sequence[str], *, names: Literal["exact", "vggsound"] = "exact"
) -> dict[str, Path]:
    """Return the video of every clip that has one, by the clip's name.

    Args:
        folder: Holds the videos, not in subfolders.
        clips: Names of the clips.
        names: As for the sounds, see `pair_names`.

    Raises:
        InputError: There is no such folder, no clip has a video in it, or a name occurs twice.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _VIDEOS)
    pairs = pair_names([path.stem for path in files], clips, names=names).pairs
    if not pairs:
        raise InputError(f"{folder} holds no video with the name of a true sound")
    return {clips[row]: files[own] for row, own in sorted(pairs)}


def read_captions(
    path: str | Path, clips: Sequence[str], *, names: Literal["exact", "vggsound"] = "exact"
) -> dict[str, str]:
    """Return the caption of every clip that has one.

    Args:
        path: A CSV file with the columns ``name`` and ``caption``; others are ignored.
        clips: Names of the clips.
        names: As for the sounds, see `pair_names`.

    Raises:
        InputError: There is no such file, no clip is in it, or a name occurs twice.
        FormatError: It has other columns, or is no text.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as err:
        raise InputError(f"cannot read {path}: {err.strerror or err}") from err
    except (UnicodeDecodeError, csv.Error) as err:
        raise FormatError(f"{path} is no CSV file in UTF-8: {err}") from err
    if not rows or not {"name", "caption"} <= set(rows[0]):
        raise FormatError(f"{path} needs the columns name and caption, and rows")
    stems = [row["name"] or "" for row in rows]
    pairs = pair_names(stems, clips, names=names).pairs
    if not pairs:
        raise InputError(f"{path} names none of the clips")
    return {clips[row]: rows[own]["caption"] or "" for row, own in sorted(pairs)}
