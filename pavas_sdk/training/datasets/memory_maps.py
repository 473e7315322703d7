"""`MemoryMapSet`: features that MMAudio's own extraction wrote, read as they are."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.documents import read_object
from pavas_sdk.errors import FormatError
from pavas_sdk.training.datasets.array_files import ArrayFile, OpenFiles
from pavas_sdk.training.datasets.layout import SetLayout

if TYPE_CHECKING:
    from pavas_sdk.training.datasets.rows import RowBuffers

__all__ = ["MemoryMapSet"]

_VIDEO_KEYS = ("clip_features", "sync_features")


@dataclass(frozen=True, slots=True)
class _Names:
    """Names and texts of the rows."""

    ids: list[str]
    texts: list[str]


class MemoryMapSet:
    """A folder of ``<key>.memmap`` files with ``meta.json``, and its tab-separated table.

    The form is TensorDict's: one raw little-endian C-order file per key. numpy reads it, and
    tensordict is not needed. A set without ``clip_features`` is an audio-text set.

    Args:
        folder: Holds ``meta.json``, ``mean.memmap``, ``std.memmap``, ``text_features.memmap`` and,
            with pictures, ``clip_features.memmap`` and ``sync_features.memmap``.
        table: Tab-separated, row i = item i, columns ``id`` and ``label`` (or ``caption``); by
            default the folder's name with ``.tsv`` beside it.
        duration_s: Seconds of a clip.

    Raises:
        FormatError: Files are missing, too short, or do not belong together; ids are missing or
            doubled.
    """

    def __init__(
        self, folder: str | Path, table: str | Path | None = None, *, duration_s: float = 8.0
    ) -> None:
        self.folder = Path(folder)
        self._files = _files(self.folder)
        self._names = _names(Path(table) if table else self.folder.with_suffix(".tsv"))
        rows = {name: file.shape[0] for name, file in self._files.items()}
        rows["the table"] = len(self._names.ids)
        if len(set(rows.values())) != 1:
            raise FormatError(f"{self.folder}: numbers of items differ: {rows}")
        self._layout = _layout(self._files, duration_s)
        self._open = OpenFiles()

    @property
    def layout(self) -> SetLayout:
        """Sizes of a row; a set without pictures has none of theirs."""
        return self._layout

    def __len__(self) -> int:
        return len(self._names.ids)

    def clip_id(self, row: int) -> str:
        """Return the name of a clip."""
        return self._names.ids[row]

    def text(self, row: int) -> str:
        """Return the label or caption of a clip."""
        return self._names.texts[row]

    def reopened(self) -> MemoryMapSet:
        """Return a reader of the same set for another thread."""
        twin = object.__new__(MemoryMapSet)
        twin.__dict__.update(self.__dict__)
        twin._open = OpenFiles()
        return twin

    def read(self, row: int, into: RowBuffers, place: int) -> None:
        """Put one clip into row ``place`` of a batch."""
        for name, target in into.features.items():
            if name in self._files:
                self._open.read(self._files[name], row, target[place])
            else:
                target[place] = 0
        into.video_exists[place] = self._layout.has_video
        into.text_exists[place] = True


def _files(folder: Path) -> dict[str, ArrayFile]:
    meta = read_object(folder / "meta.json")
    names = ["mean", "std", "text_features"]
    names += [name for name in _VIDEO_KEYS if name in meta]
    files: dict[str, ArrayFile] = {}
    for name in names:
        entry: Any = meta.get(name)
        try:
            dtype = np.dtype(str(entry["dtype"]).removeprefix("torch.")).newbyteorder("<")
            shape = tuple(int(side) for side in entry["shape"])
        except (KeyError, TypeError, ValueError) as err:
            raise FormatError(
                f'{folder / "meta.json"} says nothing usable about "{name}": {err}'
            ) from err
        if len(shape) != 3 or dtype.kind != "f":
            raise FormatError(f'{folder}: "{name}" is {dtype} {shape}, expected numbers (n, t, c)')
        files[name] = ArrayFile(folder / f"{name}.memmap", dtype, shape)
        files[name].check_size()
    if ("clip_features" in files) != ("sync_features" in files):
        raise FormatError(f"{folder} has only one of {' and '.join(_VIDEO_KEYS)}")
    return files


def _names(table: Path) -> _Names:
    try:
        with table.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except (OSError, UnicodeDecodeError) as err:
        raise FormatError(f"cannot read the table {table}: {err}") from err
    column = next((name for name in ("label", "caption") if rows and name in rows[0]), None)
    if column is None or "id" not in rows[0]:
        raise FormatError(f"{table}: expected tab-separated columns id and label (or caption)")
    ids = [str(row["id"] or "") for row in rows]
    if "" in ids:
        raise FormatError(f"{table}: row {ids.index('') + 1} has no id")
    if len(set(ids)) != len(ids):
        doubled = sorted({name for name in ids if ids.count(name) > 1})[:5]
        raise FormatError(f"{table}: ids stand there twice: {', '.join(doubled)}")
    return _Names(ids, [str(row[column] or "") for row in rows])


def _layout(files: dict[str, ArrayFile], duration_s: float) -> SetLayout:
    def size(name: str) -> tuple[int, int]:
        shape = files[name].shape if name in files else (0, 0, 0)
        return shape[1], shape[2]

    latent, text, clip, sync = (
        size(name) for name in ("mean", "text_features", "clip_features", "sync_features")
    )
    if files["std"].shape != files["mean"].shape:
        raise FormatError(
            f"mean has shape {files['mean'].shape}, std {files['std'].shape}: expected the same"
        )
    return SetLayout(
        latent_length=latent[0],
        latent_dim=latent[1],
        clip_length=clip[0],
        clip_dim=clip[1],
        sync_length=sync[0],
        sync_dim=sync[1],
        text_length=text[0],
        text_dim=text[1],
        duration_s=duration_s,
        has_video="clip_features" in files,
        dtype=files["mean"].dtype.name,
    )
