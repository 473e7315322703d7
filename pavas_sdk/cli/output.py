"""How commands speak: data on stdout, talk on stderr."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["human_bytes", "json_option", "named_file", "say", "show_json", "show_table"]

F = TypeVar("F", bound="Callable[..., Any]")


def say(text: str) -> None:
    """Write a line for people to stderr."""
    click.echo(text, err=True)


def show_json(data: Any) -> None:
    """Write one JSON document to stdout.

    NaN and infinity are refused: missing values are null by the time they get here.
    """
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def show_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write aligned columns to stdout; the header only when there are rows."""
    if not rows:
        return
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def json_option(function: F) -> F:
    """Add ``--json``, passed to the command as ``as_json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
    )(function)


def named_file(out: str, name: str) -> Path:
    """Return the file that ``--out`` means: itself, or ``name`` in it when it is a folder.

    A folder is one that exists, or whatever ends in a slash.
    """
    path = Path(out)
    is_folder = path.is_dir() or out.endswith(("/", os.sep))
    return path / name if is_folder else path


def human_bytes(count: int) -> str:
    """Return a size as people write it: ``15.8 MB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
