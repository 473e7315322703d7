"""Tables of clips as rows of named values: CSV, TSV, JSON Lines, Parquet."""

from __future__ import annotations

import csv
import gzip
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.documents import parse_json
from pavas_sdk.errors import ConfigurationError, FormatError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["import_parquet", "read_rows"]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table.

    Args:
        path: ``.csv``, ``.tsv`` (with a header), ``.jsonl``, ``.jsonl.gz`` or ``.parquet``.

    Raises:
        FormatError: It cannot be read.
        ConfigurationError: Parquet, and pyarrow is not installed.
    """
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix.lower()
    try:
        if suffix == ".parquet":
            rows: list[dict[str, Any]] = import_parquet().read_table(path).to_pylist()
            return rows
        if suffix in (".csv", ".tsv"):
            with path.open(encoding="utf-8-sig", newline="") as stream:
                delimiter = "\t" if suffix == ".tsv" else ","
                reader = csv.DictReader(stream, delimiter=delimiter, strict=True)
                return [{str(k).strip().lower(): v for k, v in row.items() if k} for row in reader]
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as stream:
            rows = [
                _parsed(line, number, path)
                for number, line in enumerate(stream, start=1)
                if line.strip()
            ]
    except (OSError, UnicodeDecodeError, csv.Error, EOFError) as err:
        raise FormatError(f"cannot read {path}: {err}") from err
    if not all(isinstance(row, dict) for row in rows):
        raise FormatError(f"{path}: expected one JSON object a line")
    return rows


def _parsed(line: str, number: int, path: Path) -> Any:
    try:
        return parse_json(line)
    except FormatError as err:
        raise FormatError(f"cannot read line {number} of {path}: {err}") from err


def import_parquet() -> Any:
    """Return ``pyarrow.parquet``.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError as err:
        raise ConfigurationError(
            "Parquet needs pyarrow: pip install 'pavas-sdk[parquet]', or use .csv and .jsonl"
        ) from err
    return parquet
