"""What extractors found, kept on disk: one SQLite file per extractor, version and weights.

A row is written when a batch is done, in one transaction: a run that is interrupted goes on from
there, and two runs may use one file. Nothing is ever trusted for its place in a folder: the key of
a row is made of the contents of the files, so a changed file is heard again.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.files import make_folder
from pavas_sdk.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["FeatureStore", "feature_key"]

_WAIT_S = 60.0


def feature_key(*parts: str | float | None) -> str:
    """Return the key of a row: a digest of file digests, lengths and options."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class FeatureStore:
    """Rows of one extractor: key to named float32 arrays.

    Args:
        folder: Of all stores; made when it is missing.
        extractor: Its qualified name.
        identity: Digest of its version, config and weights; another identity is another file.

    Raises:
        OutputError: The folder cannot be made, or the file is no store.
    """

    def __init__(self, folder: Path, extractor: str, identity: str) -> None:
        make_folder(folder)
        stem = re.sub(r"[^A-Za-z0-9.-]+", "+", extractor)
        self.path = folder / f"{stem}-{identity[:16]}.sqlite"
        with closing(self._open()) as database, self._errors(), database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS features (key TEXT, name TEXT, shape TEXT, "
                "numbers BLOB, PRIMARY KEY (key, name)) WITHOUT ROWID"
            )

    def known(self, keys: Iterable[str], name: str) -> set[str]:
        """Return those of the keys that are there."""
        with closing(self._open()) as database, self._errors():
            return {
                key
                for key in keys
                if database.execute(
                    "SELECT 1 FROM features WHERE key = ? AND name = ?", (key, name)
                ).fetchone()
            }

    def get(self, key: str, name: str) -> NDArray[np.float32] | None:
        """Return one array; None where there is none."""
        with closing(self._open()) as database, self._errors():
            return _read(database, key, name)

    def read(self, keys: Iterable[str], name: str) -> list[NDArray[np.float32] | None]:
        """Return the arrays of keys in their order; None where there is none."""
        with closing(self._open()) as database, self._errors():
            return [_read(database, key, name) for key in keys]

    def put(self, rows: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> None:
        """Keep rows, all or none of them.

        Raises:
            OutputError: The disk is full, or the file cannot be written.
        """
        values = [
            (key, name, json.dumps(array.shape), np.ascontiguousarray(array, dtype="<f4").tobytes())
            for key, arrays in rows.items()
            for name, array in arrays.items()
        ]
        with closing(self._open()) as database, self._errors(), database:
            database.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?)", values)

    def _open(self) -> sqlite3.Connection:
        with self._errors():
            return sqlite3.connect(self.path, timeout=_WAIT_S)

    def _errors(self) -> _StoreErrors:
        return _StoreErrors(self.path)


class _StoreErrors:
    """Turns SQLite's errors into ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, err: BaseException | None, trace: object) -> None:
        if isinstance(err, sqlite3.Error):
            raise OutputError(
                f"cannot use the kept features in {self._path}: {err}; remove the file, free some "
                "space, or choose another folder (--cache)"
            ) from err


def _read(database: sqlite3.Connection, key: str, name: str) -> NDArray[np.float32] | None:
    found = database.execute(
        "SELECT shape, numbers FROM features WHERE key = ? AND name = ?", (key, name)
    ).fetchone()
    if found is None:
        return None
    shape, numbers = found
    return np.frombuffer(numbers, dtype="<f4").reshape(json.loads(shape))
