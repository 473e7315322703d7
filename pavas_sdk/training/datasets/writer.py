"""Writing a folder of features: shards that appear whole or not at all, the description last."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.documents import holds_object, read_document
from pavas_sdk.data.files import make_folder, write_failure, write_text
from pavas_sdk.data.temporary_names import clear_abandoned, temporary_name
from pavas_sdk.errors import FormatError, OutputError
from pavas_sdk.training.datasets.array_files import ArrayFile, ArrayWriter
from pavas_sdk.training.datasets.feature_set import SHARD_FORMAT
from pavas_sdk.training.datasets.layout import DESCRIPTION_NAME, FORMAT_VERSION
from pavas_sdk.training.datasets.rows import OBJECT_ARRAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.layout import SetDescription, SetLayout
    from pavas_sdk.training.datasets.rows import ClipObjects

__all__ = [
    "FeatureRow",
    "has_texts",
    "shard_folder",
    "shard_meta",
    "write_description",
    "write_feature_shard",
    "write_texts",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureRow:
    """One clip to be written.

    Attributes:
        features: mean, std and, with pictures, clip_features and sync_features
            (`SetLayout.shapes`).
        text: Place of its text in the table, -1: it has none.
        objects: Its objects, at most K; None in a set without physics.
        facts: What is noted of it as JSON; ``"id"`` names it.
    """

    features: Mapping[str, NDArray[Any]]
    text: int
    objects: ClipObjects | None
    facts: Mapping[str, Any]


def shard_folder(folder: Path, number: int) -> Path:
    """Return the folder of a shard."""
    return folder / "shards" / f"{number:05d}"


def shard_meta(folder: Path) -> dict[str, Any] | None:
    """Return what is noted of a finished shard: "rows", "clips", "failures"; None: it is not."""
    path = folder / "meta.json"
    if not holds_object(path):
        return None
    return read_document(
        path, format_name=SHARD_FORMAT, newest=FORMAT_VERSION, what="shard of features"
    )


def write_feature_shard(
    folder: Path,
    rows: Iterable[FeatureRow],
    layout: SetLayout,
    *,
    failures: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Write a shard and return its number of clips; a finished one is left alone.

    Rows are written as they come: memory holds one.

    Args:
        folder: Of `shard_folder`.
        rows: The clips.
        layout: Sizes.
        failures: Clips that could not be encoded; read when all rows were taken.

    Raises:
        FormatError: A row has other sizes, or numbers that float16 cannot hold.
        OutputError: The disk is full, or not writable; nothing is left behind.
    """
    known = shard_meta(folder)
    if known is not None:
        return int(known["rows"])
    make_folder(folder.parent)
    clear_abandoned(folder.parent)
    draft = folder.with_name(temporary_name(folder.name))
    try:
        draft.mkdir()
        count = _write_rows(draft, rows, layout, failures)
        if folder.exists():  # without a whole meta.json: left by a copy that broke off
            shutil.rmtree(folder)
        os.replace(draft, folder)  # noqa: PTH105 - the atomic call, by its own name
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise write_failure(folder, err) from err
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return count


def _write_rows(
    folder: Path,
    rows: Iterable[FeatureRow],
    layout: SetLayout,
    failures: Sequence[Mapping[str, Any]],
) -> int:
    shapes = layout.shapes()
    names = ["mean", "std"] + (["clip_features", "sync_features"] if layout.has_video else [])
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {n: (layout.dtype, shapes[n]) for n in names}
    if layout.patch_dim:
        length = layout.clip_length
        kinds |= {
            "objects": (layout.dtype, (length, layout.patch_dim)),
            "visible": ("bool", (length,)),
            "mass_kg": ("float32", ()),
            "speed_m_s": ("float32", (length,)),
            "impact_energy_j": ("float32", (length,)),
        }
    facts, texts, offsets = [], [], [0]
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(ArrayWriter(folder / f"{name}.npy", dtype, shape))
            for name, (dtype, shape) in kinds.items()
        }
        for row in rows:
            for name in names:
                _check_finite(row, name)
                files[name].add(np.asarray(row.features[name]))
            if layout.patch_dim:
                offsets.append(offsets[-1] + _write_objects(files, row, layout))
            texts.append(row.text)
            facts.append(dict(row.facts))
    np.save(folder / "text_index.npy", np.asarray(texts, dtype=np.int32))
    if layout.patch_dim:
        np.save(folder / "object_offsets.npy", np.asarray(offsets, dtype=np.int64))
    meta = {
        "format": SHARD_FORMAT,
        "format_version": FORMAT_VERSION,
        "rows": len(facts),
        "clips": facts,
        "failures": [dict(failure) for failure in failures],
    }
    write_text(folder / "meta.json", json.dumps(meta, allow_nan=False))
    return len(facts)


def _write_objects(files: Mapping[str, ArrayWriter], row: FeatureRow, layout: SetLayout) -> int:
    things = row.objects
    count = 0 if things is None else len(things)
    if things is None or count > layout.max_objects:
        raise FormatError(
            f"clip {row.facts.get('id')} has {count} objects, expected at most "
            f"{layout.max_objects}, and physics of its own"
        )
    if not np.isfinite(things.objects).all():
        raise FormatError(f"clip {row.facts.get('id')}: masked sums are NaN or infinite")
    for name in OBJECT_ARRAYS:
        for values in getattr(things, name):
            files[name].add(np.asarray(values))
    return count


def _check_finite(row: FeatureRow, name: str) -> None:
    if not np.isfinite(row.features[name]).all():
        raise FormatError(f"clip {row.facts.get('id')}: {name} is NaN or infinite")


def write_texts(folder: Path, texts: Sequence[str], rows: Iterable[NDArray[Any]]) -> None:
    """Write the table of distinct texts: ``texts.json`` and, last, ``texts.npy``.

    Args:
        folder: Of the set.
        texts: Distinct texts.
        rows: Tokens of each, (T, D_text); at least one row is given, so that sizes are known.

    Raises:
        OutputError: The disk is full, or not writable.
    """
    make_folder(folder)
    draft = folder / temporary_name("texts")
    writer: ArrayWriter | None = None
    try:
        for tokens in rows:
            writer = writer or ArrayWriter(draft, "float16", tokens.shape)
            writer.add(tokens)
        assert writer is not None
        writer.close()
        write_text(folder / "texts.json", json.dumps(list(texts)), overwrite=True)
        os.replace(draft, folder / "texts.npy")  # noqa: PTH105
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise write_failure(folder / "texts.npy", err) from err
    finally:
        draft.unlink(missing_ok=True)


def has_texts(folder: Path, texts: Sequence[str]) -> bool:
    """Whether the table of these texts is there, whole."""
    try:
        found = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
        rows = ArrayFile.npy(folder / "texts.npy").shape[0]
    except (OSError, ValueError):  # missing, cut off, or no such file; FormatError is among them
        return False
    return bool(found == list(texts) and rows == len(texts))


def write_description(folder: Path, description: SetDescription) -> None:
    """Write ``dataset.json``: the set is finished.

    Raises:
        OutputError: It cannot be written.
    """
    text = json.dumps(description.to_json(), indent=2, allow_nan=False)
    write_text(folder / DESCRIPTION_NAME, text + "\n", overwrite=True)
