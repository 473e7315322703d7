"""Folders of memory-mapped arrays, so that training reads what it needs and memory stays small.

A shard's ``meta.json`` is written last; a folder without it is an interrupted one and is made
again.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch

from pavas_sdk.data.documents import holds_object, read_object
from pavas_sdk.data.files import write_text
from pavas_sdk.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Shards", "is_finished", "make_shards", "write_rows"]

logger = logging.getLogger(__name__)
Sizes = TypeVar("Sizes")


def is_finished(folder: Path) -> bool:
    """Return whether a shard is whole; one with half a ``meta.json`` is not."""
    return holds_object(folder / "meta.json")


def write_rows(
    folder: Path,
    rows: Iterable[tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]],
    *,
    count: int,
    config: Any,
    format_version: int,
) -> None:
    """Write a shard, in place of what is in the folder.

    Args:
        folder: Of the shard.
        rows: For each clip its arrays, of the same shapes for all of them, and its facts as JSON.
        count: How many.
        config: Sizes, a dataclass.
        format_version: Of what is kept.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    arrays: dict[str, Any] = {}
    facts = []
    for row, (values_of, told) in enumerate(rows):
        for name, values in values_of.items():
            if name not in arrays:
                arrays[name] = np.lib.format.open_memmap(
                    folder / f"{name}.npy",
                    mode="w+",
                    dtype=values.dtype,
                    shape=(count, *values.shape),
                )
            arrays[name][row] = values
        facts.append(dict(told))
    for array in arrays.values():
        array.flush()
    meta = {"format_version": format_version, "config": asdict(config), "clips": facts}
    write_text(folder / "meta.json", json.dumps(meta))


def make_shards(
    folder: Path,
    seeds: range,
    write: Callable[[Path, Sequence[int]], None],
    *,
    shard: int,
    jobs: int = 1,
) -> None:
    """Make the clips of ``seeds`` in shards; those that are finished are left alone.

    Args:
        folder: Of the shards.
        seeds: Of the clips.
        write: Makes a shard of the seeds in a folder; of a module-level function where there are
            several jobs.
        shard: Clips per shard.
        jobs: Processes.
    """
    starts = range(0, len(seeds), shard)
    work = [
        (folder / f"shard-{number:04d}", seeds[start : start + shard])
        for number, start in enumerate(starts)
    ]
    work = [entry for entry in work if not is_finished(entry[0])]
    if jobs == 1:
        for entry in work:
            write(*entry)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for done, _ in enumerate(pool.map(partial(_on_one_thread, write=write), work)):
            logger.info("shard %d of %d", done + 1, len(work))


def _on_one_thread(
    entry: tuple[Path, Sequence[int]], *, write: Callable[[Path, Sequence[int]], None]
) -> None:
    torch.set_num_threads(1)
    write(*entry)


class Shards(Generic[Sizes]):
    """Finished shards under one folder, read as one sequence of clips.

    Args:
        root: Their folder.
        sizes: Makes the sizes of what is kept from their JSON.
        format_version: Of what is kept.

    Attributes:
        folders: Of the shards, in order.
        config: Sizes.
        facts: What is kept of each clip as JSON.

    Raises:
        InputError: There is no finished shard.
        FormatError: A shard was written by another version, or shards differ in size.
    """

    def __init__(self, root: Path, sizes: Callable[..., Sizes], format_version: int) -> None:
        self.folders = sorted(path.parent for path in Path(root).glob("*/meta.json"))
        if not self.folders:
            raise InputError(f"{root} holds no finished shard; run the clip stage first")
        self.facts: list[dict[str, Any]] = []
        self._places: list[tuple[int, int]] = []
        configs = []
        for shard, folder in enumerate(self.folders):
            meta = read_object(folder / "meta.json")
            if meta.get("format_version") != format_version:
                raise FormatError(
                    f"{folder} has format {meta.get('format_version')}, this version reads "
                    f"{format_version}; make the clips again: delete {Path(root)}, or train in "
                    "another folder (--out)"
                )
            try:
                configs.append(sizes(**meta["config"]))
                self.facts += meta["clips"]
            except (KeyError, TypeError) as err:
                raise FormatError(
                    f"{folder / 'meta.json'} is no shard's ({err!r}); delete {folder}, and the "
                    "next run makes it again"
                ) from err
            self._places += [(shard, row) for row in range(len(meta["clips"]))]
        if len(set(configs)) != 1:
            raise FormatError(f"the shards under {root} differ in size: {set(configs)}")
        self.config = configs[0]
        self._open: dict[tuple[int, str], NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def get(self, name: str, clip: int) -> NDArray[Any]:
        """Return one array of one clip (a memory-mapped view)."""
        shard, row = self._places[clip]
        key = (shard, name)
        if key not in self._open:
            self._open[key] = np.load(self.folders[shard] / f"{name}.npy", mmap_mode="r")
        view: NDArray[Any] = self._open[key][row]
        return view

    def all(self, name: str) -> NDArray[Any]:
        """Return one array of all clips, stacked in memory."""
        return np.concatenate(
            [np.load(folder / f"{name}.npy", mmap_mode="r") for folder in self.folders]
        )
