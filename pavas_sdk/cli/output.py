"""How commands speak: data on stdout, talk on stderr, and neither fails for a character."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from pavas_sdk.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "data_on_stdout_alone",
    "human_bytes",
    "json_option",
    "named_file",
    "printable",
    "say",
    "show",
    "show_json",
    "show_json_text",
    "show_table",
    "stdout_failure",
    "tolerant_streams",
]

F = TypeVar("F", bound="Callable[..., Any]")

# What a terminal obeys instead of showing it: control characters, and marks that turn the reading
# direction of what follows. Line breaks and tabs are left.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_data_streams: list[TextIO] = []


def printable(text: str) -> str:
    """Return ``text`` with everything that a terminal would obey written as an escape."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def say(text: str) -> None:
    """Write a line for people to stderr."""
    click.echo(printable(text), err=True)


def show(text: str) -> None:
    """Write a line of data to stdout.

    Raises:
        OutputError: It takes no more: a full disk.
    """
    try:
        click.echo(printable(text), file=_data_stream())
    except OSError as err:
        raise stdout_failure(err) from err


def stdout_failure(err: OSError) -> OSError:
    """Return the typed error of a stdout that takes nothing; nothing more is written to it.

    A reader that has enough (``| head``) is no error: that one is returned as it is.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError, AttributeError):  # a stream that is no file
        os.dup2(nowhere, (_data_stream() or sys.stdout).fileno())
    os.close(nowhere)
    if err.errno == errno.EPIPE:
        return err
    return OutputError(
        f"cannot write to stdout: {err.strerror or err}; free some space, or send it elsewhere"
    )


def show_json(data: Any) -> None:
    """Write one JSON document to stdout.

    NaN and infinity are refused: missing values are null by the time they get here.
    """
    show_json_text(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def show_json_text(text: str) -> None:
    """Write JSON to stdout, with JSON's escapes where stdout cannot encode a character."""
    encoding = getattr(_data_stream() or sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # outside ASCII, JSON has strings only
        text = re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found.group())[1:-1], text)
    show(text.removesuffix("\n"))


def _data_stream() -> TextIO | None:
    return _data_streams[-1] if _data_streams else None


@contextmanager
def tolerant_streams() -> Iterator[None]:
    """Write escapes for characters that stdout and stderr cannot encode, instead of failing."""
    changed = []
    for stream in (sys.stdout, sys.stderr):
        reconfigure, errors = getattr(stream, "reconfigure", None), getattr(stream, "errors", None)
        if reconfigure is not None and errors is not None:
            reconfigure(errors="backslashreplace")
            changed.append((reconfigure, errors))
    try:
        yield
    finally:
        for reconfigure, errors in changed:
            reconfigure(errors=errors)


@contextmanager
def data_on_stdout_alone() -> Iterator[None]:
    """Send what anybody prints to stderr; only `show` and its kin reach stdout."""
    if sys.stdout is None:  # closed by whoever started us
        yield
        return
    _data_streams.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _data_streams.pop()


def show_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write aligned columns to stdout; the header only when there are rows."""
    if not rows:
        return
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        show("  ".join(cells).rstrip())


def json_option(function: F) -> F:
    """Add ``--json``, passed to the command as ``as_json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
    )(function)


def named_file(out: str, name: str) -> Path:
    """Return the file that ``--out`` means: itself, or ``name`` in it when it is a folder.

    A folder is one that exists, whatever ends in a slash, and a new name without an ending
    (``results``): a page or JSON without an ending opens in nothing.
    """
    path = Path(out)
    is_new_name = not path.suffix and not path.exists()
    is_folder = path.is_dir() or out.endswith(("/", os.sep)) or is_new_name
    return path / name if is_folder else path


def human_bytes(count: int) -> str:
    """Return a size as people write it: ``15.8 MB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
