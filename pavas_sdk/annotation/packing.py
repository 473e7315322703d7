"""A finished annotation as a few large files, without media: to publish, or to read elsewhere."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, Literal

from pavas_sdk.annotation.annotating import MASKS_SUFFIX
from pavas_sdk.annotation.tables import import_parquet
from pavas_sdk.data.files import make_folder, replacing
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pavas_sdk.annotation.job_folder import JobFolder

__all__ = ["PackFormat", "pack"]

PackFormat = Literal["jsonl", "parquet", "webdataset"]
_SUFFIXES = {"jsonl": ".jsonl.gz", "parquet": ".parquet", "webdataset": ".tar"}


def pack(folder: JobFolder, form: PackFormat, *, shard_size: int = 1000) -> list[Path]:
    """Write ``shards/part-00000.*`` of all finished clips, and return the files.

    Columns: ``clip_id``, ``source`` (the file's name alone), ``source_sha256``, ``start_s``,
    ``duration_s``, ``label``, ``split``, ``status``, ``physics`` (JSON as text), ``masks`` (deflated
    JSON; base 64 in JSON Lines), ``peak``, ``failure``. A tar (for webdataset) holds ``ID.json`` and
    ``ID.masks.json.gz`` per clip.

    Args:
        folder: Of the job.
        form: "jsonl" (gzip), "parquet" (needs pyarrow) or "webdataset".
        shard_size: Clips per file.

    Raises:
        InputError: No clip is done.
        ConfigurationError: Parquet, and pyarrow is not installed.
        OutputError: They cannot be written.
    """
    if form == "parquet":
        import_parquet()  # before any work
    done = [clip.clip_id for clip in folder.clips() if folder.status(clip.clip_id)]
    if not done:
        raise InputError(f"{folder.root} holds no finished clip to pack")
    make_folder(folder.root / "shards")
    write = {"jsonl": _write_lines, "parquet": _write_parquet, "webdataset": _write_tar}[form]
    files = []
    for number, first in enumerate(range(0, len(done), shard_size)):
        path = folder.root / "shards" / f"part-{number:05d}{_SUFFIXES[form]}"
        with replacing(path, overwrite=True) as draft:
            write(draft, folder, done[first : first + shard_size])
        files.append(path)
    return files


def _rows(folder: JobFolder, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        found = folder.result(name)
        clip, sound = found["clip"], found.get("sound") or {}
        masks = folder.result_path(name, MASKS_SUFFIX)
        physics = found.get("physics")
        yield {
            "clip_id": name,
            "source": clip["path"].rpartition("/")[2],
            "source_sha256": found.get("sha256"),
            "start_s": clip["start_s"],
            "duration_s": physics["duration_s"] if physics else clip["duration_s"],
            "label": clip["label"],
            "split": clip["split"],
            "status": found["status"],
            "physics": json.dumps(physics) if physics else None,
            "masks": masks.read_bytes() if found.get("masks") else None,
            "peak": sound.get("peak"),
            "failure": (found.get("failure") or {}).get("message"),
        }


def _write_lines(path: Path, folder: JobFolder, names: Sequence[str]) -> None:
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as out:
        for row in _rows(folder, names):
            masks = row["masks"]
            row["masks"] = None if masks is None else base64.b64encode(masks).decode()
            out.write(json.dumps(row).encode() + b"\n")


def _write_parquet(path: Path, folder: JobFolder, names: Sequence[str]) -> None:
    import pyarrow

    texts = ["clip_id", "source", "source_sha256", "label", "split", "status", "physics", "failure"]
    numbers = ["start_s", "duration_s", "peak"]
    kinds = dict.fromkeys(texts, pyarrow.string()) | dict.fromkeys(numbers, pyarrow.float64())
    kinds["masks"] = pyarrow.binary()
    table = pyarrow.Table.from_pylist(
        list(_rows(folder, names)), schema=pyarrow.schema(list(kinds.items()))
    )
    import_parquet().write_table(table, path, compression="zstd")


def _write_tar(path: Path, folder: JobFolder, names: Sequence[str]) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for row in _rows(folder, names):
            # webdataset takes what stands before the first dot for the key
            key = folder.result_path(row["clip_id"], "").name.replace(".", "_")
            masks = row.pop("masks")
            _add(tar, f"{key}.json", json.dumps(row).encode())
            if masks is not None:
                _add(tar, f"{key}.masks.json.gz", masks)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
