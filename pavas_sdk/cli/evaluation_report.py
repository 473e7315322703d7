"""Options of the measurements that write one JSON report, and the writing of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pavas_sdk.cli.output import json_option, named_file, say
from pavas_sdk.errors import OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "interval_text",
    "keep_option",
    "number_text",
    "report_file",
    "report_options",
    "write_report",
]

F = TypeVar("F", bound="Callable[..., Any]")


def report_options(function: F) -> F:
    """Add ``--out``, ``--overwrite`` and ``--json``."""
    for option in reversed(
        (
            click.option("-o", "--out", metavar="FILE", help="Write the report (JSON) here."),
            click.option("--overwrite", is_flag=True, help="Replace an existing report."),
            json_option,
        )
    ):
        function = option(function)
    return function


def keep_option(function: F) -> F:
    """Add ``--keep``."""
    return click.option(
        "--keep",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Keep the rows of what is finished here (JSON lines), and go on from there.",
    )(function)


def report_file(out: str | None, name: str, *, overwrite: bool) -> Path | None:
    """Return where the report goes, before any work is done.

    Args:
        out: ``--out``; a folder takes ``name``.
        name: File in a folder.
        overwrite: Whether it may exist.

    Raises:
        OutputExistsError: It exists.
    """
    path = None if out is None else named_file(out, name)
    if path is not None and path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; use --overwrite to replace it")
    return path


def write_report(path: Path | None, measured: Mapping[str, Any]) -> None:
    """Write the report and say where; nothing without a path."""
    from pavas_sdk.data.files import write_text

    if path is None:
        return
    text = json.dumps(measured, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n", overwrite=True)
    say(f"report in {path}")


def number_text(value: float | None, digits: int = 3) -> str:
    """Return a figure for a table; "-" where it is undefined."""
    return "-" if value is None else f"{value:.{digits}f}"


def interval_text(interval: list[float] | None, digits: int = 3) -> str:
    """Return an interval for a table; "-" where it is undefined."""
    return "-" if interval is None else f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"
