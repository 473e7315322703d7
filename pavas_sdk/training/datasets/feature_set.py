"""`FeatureSet`: what `pavas prepare` wrote, read clip by clip."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.documents import read_document
from pavas_sdk.errors import FormatError
from pavas_sdk.training.datasets.array_files import ArrayFile, OpenFiles
from pavas_sdk.training.datasets.layout import FORMAT_VERSION, SetDescription
from pavas_sdk.training.datasets.rows import OBJECT_ARRAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.layout import SetLayout
    from pavas_sdk.training.datasets.rows import RowBuffers

__all__ = ["SHARD_FORMAT", "FeatureSet", "check_shard"]

SHARD_FORMAT = "pavas.features.shard"


@dataclass(frozen=True, slots=True, eq=False)
class _Shard:
    """One folder of arrays.

    Attributes:
        folder: Where.
        rows: Clips.
        files: Arrays by name.
        offsets: int64, (rows + 1,), first object of each clip; None without physics.
        texts: int32, (rows,), place of each clip's text in the table; -1: none.
    """

    folder: Path
    rows: int
    files: dict[str, ArrayFile]
    offsets: NDArray[np.int64] | None
    texts: NDArray[np.int32]


class FeatureSet:
    """A finished folder of features.

    Memory does not grow with the number of clips but for some bytes each: rows are read where
    they lie on disk. One reader is for one thread; see `reopened`.

    Args:
        folder: Of `pavas prepare`.

    Raises:
        FormatError: No finished folder, a newer version, or arrays that are damaged or do not
            belong together.

    Example:
        >>> features = FeatureSet("data/features")
        >>> len(features), features.layout.latent_dim
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.description = SetDescription.load(self.folder)
        self._shards = [_shard(path.parent, self.layout) for path in _metas(self.folder)]
        self._starts = np.concatenate([[0], np.cumsum([shard.rows for shard in self._shards])])
        if int(self._starts[-1]) != self.description.rows:
            raise FormatError(
                f"{self.folder} holds {int(self._starts[-1])} clips, its description says "
                f"{self.description.rows}: a shard is missing or too much; run pavas prepare again"
            )
        self._texts = ArrayFile.npy(self.folder / "texts.npy")
        _check_shape(self._texts, (self._texts.shape[0], *self.layout.shapes()["text_features"]))
        self._open = OpenFiles()

    @property
    def layout(self) -> SetLayout:
        """Sizes of a row."""
        return self.description.layout

    def __len__(self) -> int:
        return self.description.rows

    def reopened(self) -> FeatureSet:
        """Return a reader of the same set for another thread; nothing is read again."""
        twin = object.__new__(FeatureSet)
        twin.__dict__.update(self.__dict__)
        twin._open = OpenFiles()
        return twin

    def close(self) -> None:
        """Close the files that are open."""
        self._open.close()

    def clip_id(self, row: int) -> str:
        """Return the name of a clip."""
        return str(self.facts(row)["id"])

    def facts(self, row: int) -> dict[str, Any]:
        """Return what was noted of a clip: id, label, source, peak, gain, objects; read from disk."""
        shard, place = self._place(row)
        return dict(_meta(shard.folder / "meta.json")["clips"][place])

    def read(self, row: int, into: RowBuffers, place: int) -> None:
        """Put one clip into row ``place`` of a batch.

        Raises:
            FormatError: A file cannot be read.
        """
        shard, at = self._place(row)
        for name in ("mean", "std", "clip_features", "sync_features"):
            target = into.features[name][place]
            if name in shard.files:
                self._open.read(shard.files[name], at, target)
            else:
                target[...] = 0
        text = int(shard.texts[at])
        into.text_exists[place] = text >= 0
        into.video_exists[place] = self.layout.has_video
        if text >= 0:
            self._open.read(self._texts, text, into.features["text_features"][place])
        else:
            into.features["text_features"][place] = 0
        if shard.offsets is not None:
            first, stop = int(shard.offsets[at]), int(shard.offsets[at + 1])
            things = into.add_objects(place, stop - first, self.layout)
            if stop > first:
                for name in OBJECT_ARRAYS:
                    self._open.read(shard.files[name], first, getattr(things, name))

    def _place(self, row: int) -> tuple[_Shard, int]:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        shard = bisect_right(self._starts, row) - 1
        return self._shards[shard], row - int(self._starts[shard])


def check_shard(folder: Path, layout: SetLayout) -> None:
    """Make sure that a shard is whole: all arrays are there, and of the sizes that belong together.

    Raises:
        FormatError: It is not.
    """
    _shard(folder, layout)


def _shard(folder: Path, layout: SetLayout) -> _Shard:
    rows = _rows(folder / "meta.json")
    wanted: dict[str, tuple[int, ...]] = {"mean": layout.shapes()["mean"]}
    wanted["std"] = wanted["mean"]
    if layout.has_video:
        wanted |= {name: layout.shapes()[name] for name in ("clip_features", "sync_features")}
    files = {name: ArrayFile.npy(folder / f"{name}.npy") for name in wanted}
    for name, shape in wanted.items():
        _check_shape(files[name], (rows, *shape))
    offsets = None
    if layout.patch_dim:
        offsets = _index(folder / "object_offsets.npy", rows + 1)
        files |= {name: ArrayFile.npy(folder / f"{name}.npy") for name in OBJECT_ARRAYS}
        count = int(offsets[-1])
        _check_shape(files["objects"], (count, layout.clip_length, layout.patch_dim))
        _check_shape(files["mass_kg"], (count,))
        for name in ("visible", "speed_m_s", "impact_energy_j"):
            _check_shape(files[name], (count, layout.clip_length))
    texts = _index(folder / "text_index.npy", rows)
    return _Shard(folder, rows, files, offsets, texts)


def _metas(folder: Path) -> list[Path]:
    return sorted((folder / "shards").glob("[0-9]*/meta.json"))


def _meta(path: Path) -> dict[str, Any]:
    return read_document(
        path, format_name=SHARD_FORMAT, newest=FORMAT_VERSION, what="shard of features"
    )


def _rows(path: Path) -> int:
    meta = _meta(path)
    try:
        return int(meta["rows"])
    except (KeyError, TypeError, ValueError) as err:
        raise FormatError(
            f"{path} does not say its number of clips ({err}); run pavas prepare again"
        ) from err


def _index(path: Path, count: int) -> NDArray[Any]:
    """Return a short array that is held in memory."""
    _check_shape(ArrayFile.npy(path), (count,))
    values: NDArray[Any] = np.load(path, allow_pickle=False)
    return values


def _check_shape(file: ArrayFile, shape: tuple[int, ...]) -> None:
    if file.shape != shape:
        raise FormatError(
            f"{file.path} has shape {file.shape}, expected {shape}: it belongs to another set; "
            "run pavas prepare again"
        )
