"""Warnings on stderr: each once, as one line, and never as commands for the terminal."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pavas_sdk.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["warn", "warning_lines"]

_said: set[str] = set()


def warn(text: str) -> None:
    """Say a warning, unless this command has said it before."""
    if text not in _said:
        _said.add(text)
        say(f"Warning: {text}")


class _WarningLines(logging.Handler):
    """Says what is logged: names of files in it may hold anything."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not _is_shown_already(record):
                warn(self.format(record))
        except Exception:  # noqa: BLE001  # as every handler: logging ends no work
            self.handleError(record)


def _is_shown_already(record: logging.LogRecord) -> bool:
    """Whether a handler of the library's own shows it, as the Hub client's does."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None and logger.parent is not None:
        for handler in logger.handlers:
            shows = isinstance(handler, logging.StreamHandler)
            if shows and not isinstance(handler, logging.FileHandler):
                return True
        logger = logger.parent
    return False


@contextmanager
def warning_lines(*, debug: bool) -> Iterator[None]:
    """Say what is logged as a warning while the block runs.

    Args:
        debug: Everything is logged already, with where it comes from.
    """
    _said.clear()
    handler = _WarningLines(logging.WARNING)
    root = logging.getLogger()
    if not debug:
        root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
