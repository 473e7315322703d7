"""Reading JSON documents: any damage is a `FormatError` that names the file."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from pavas_sdk.errors import FormatError

__all__ = [
    "MAX_BYTES",
    "check_format",
    "holds_object",
    "parse_json",
    "read_document",
    "read_json",
    "read_object",
]

MAX_BYTES = 256 * 2**20
"""Larger files are no documents of ours: an hour of ten objects is about 20 MB."""


def parse_json(text: str) -> Any:
    """Return the value of JSON text.

    Raises:
        FormatError: Not JSON, nested too deeply, a key that stands twice in one object, or a number
            that is NaN, infinite or too long.
    """
    try:
        return json.loads(
            text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique
        )
    except FormatError:
        raise
    except (ValueError, RecursionError) as err:
        raise FormatError(f"not JSON: {err}") from err


def read_json(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """Return the value in a JSON file (UTF-8).

    Args:
        path: The file.
        max_bytes: A larger file is not read.

    Raises:
        FormatError: Not there, not readable, too large, not UTF-8, or see `parse_json`.
    """
    path = Path(path)
    try:
        kind = path.stat().st_mode
        if not (S_ISREG(kind) or S_ISDIR(kind)):  # a pipe would be waited for, perhaps for ever
            raise FormatError("it is no regular file; write it to one first")
        with path.open("rb") as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise FormatError(
                f"larger than {max_bytes} bytes, so no document of pavas; give another file"
            )
        return parse_json(content.decode("utf-8-sig"))  # editors of Windows put a mark in front
    except FormatError as err:
        raise FormatError(f"cannot read {path}: {err}") from err
    except OSError as err:
        raise FormatError(f"cannot read {path!s:.300}: {err.strerror or err}") from err
    except MemoryError as err:
        raise FormatError(f"cannot read {path}: too large for the memory that is free") from err
    except UnicodeDecodeError as err:
        raise FormatError(f"cannot read {path}: not a text file (UTF-8): {err}") from err
    except ValueError as err:  # a name with a null character
        raise FormatError(f"cannot read {path!r}: {err}") from err


def read_object(path: str | Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        FormatError: See `read_json`; or it is no object.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise FormatError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value


def holds_object(path: str | Path) -> bool:
    """Return whether a file is there and holds a JSON object: what a killed writer left does not."""
    try:
        read_object(path)
    except FormatError:
        return False
    return True


def read_document(path: str | Path, *, format_name: str, newest: int, what: str) -> dict[str, Any]:
    """Return a document of ours from a JSON file.

    Args:
        path: The file.
        format_name: Its ``"format"``.
        newest: Newest ``"format_version"`` that is read.
        what: What it is, for messages: "physics document".

    Raises:
        FormatError: See `read_json` and `check_format`.
    """
    document = read_json(path)
    try:
        check_format(document, format_name=format_name, newest=newest, what=what)
    except FormatError as err:
        raise FormatError(f"{path}: {err}") from err
    return dict(document)


def check_format(
    document: Any, *, format_name: str, newest: int, what: str, make_with: str = ""
) -> int:
    """Return the ``format_version`` of a document of ours.

    Args:
        document: What was read.
        format_name: Expected ``"format"``.
        newest: Newest ``"format_version"`` that is read; the first is 1.
        what: What it is, for messages: "physics document".
        make_with: How to make one, for the message when it is something else.

    Raises:
        FormatError: No JSON object, another format, or a newer version.
    """
    found = type(document).__name__
    if isinstance(document, dict):
        if document.get("format") == format_name:
            return _checked_version(document.get("format_version"), newest, what)
        found = f'"format": {document.get("format")!r}'
    raise FormatError(
        f'this is no {what}: expected a JSON object with "format": "{format_name}", got {found}'
        + (f". Make one with: {make_with}" if make_with else "")
    )


def _checked_version(version: Any, newest: int, what: str) -> int:
    if type(version) is not int or not 1 <= version <= newest:
        raise FormatError(
            f"{what} has format_version {version!r}; this pavas_sdk reads up to {newest}. For a "
            "newer document: pip install -U pavas-sdk"
        )
    return version


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that stands twice, JSON's readers take the last one without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise FormatError(f"the key {twice[:80]!r} stands twice in one object; leave one out")
    return found


def _refuse(name: str) -> float:
    raise FormatError(f"{name} is not allowed in JSON of ours; missing values are null")


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise FormatError(f"the number {literal[:40]} is too large")
    return value
