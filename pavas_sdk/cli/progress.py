"""Lines that say how far a slow component is."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pavas_sdk.cli.heartbeat import is_beating, tell
from pavas_sdk.cli.output import say
from pavas_sdk.interfaces import progress_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pavas_sdk.interfaces import Progress

__all__ = ["ClipProgress", "ProgressLines", "progress_lines"]

FIRST_S = 10.0
EVERY_S = 30.0


class ProgressLines:
    """Says now and then how far the component at work is; quick ones are passed over.

    On a terminal, the line of `heartbeat` says it.

    Args:
        write: Takes a line.
        clock: Seconds, from any moment.
    """

    def __init__(
        self,
        write: Callable[[str], None] = say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._clock = clock
        self._what: tuple[str, str, int | None] | None = None
        self._began_s = 0.0
        self._began_with = 0
        self._next_s = 0.0

    def hear(self, progress: Progress) -> None:
        """Take a report; write a line if it is time."""
        now = self._clock()
        what = (progress.slot, progress.unit, progress.total)
        if what != self._what or progress.done < self._began_with:
            self._what, self._began_s, self._began_with = what, now, progress.done
            self._next_s = now + FIRST_S
        if is_beating():
            tell(self._line(progress, now - self._began_s).strip())
        elif now >= self._next_s:
            self._next_s = now + EVERY_S
            self._write(self._line(progress, now - self._began_s))

    def _line(self, progress: Progress, elapsed_s: float) -> str:
        name = progress.slot.replace("_", " ") or "at work"
        if progress.total is None:
            return f"  {name}: {progress.done} {progress.unit} so far"
        line = f"  {name}: {progress.done} of {progress.total} {progress.unit}"
        done = progress.done - self._began_with
        if done > 0 and progress.total > progress.done:
            line += f", about {_span(elapsed_s * (progress.total - progress.done) / done)} left"
        return line


@contextmanager
def progress_lines() -> Iterator[None]:
    """Show how far components are on stderr while the block runs."""
    with progress_to(ProgressLines().hear):
        yield


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


class ClipProgress:
    """A line on stderr: redrawn on a terminal, now and then elsewhere.

    The first clip also loads models and compiles; what is left is told from the second on.

    Args:
        unit: What is counted, in the plural.
    """

    def __init__(self, unit: str = "clips") -> None:
        self._unit = unit
        self._started = time.monotonic()
        self._first: int | None = None
        self._done = 0
        self._told = -1e9

    def __call__(self, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` are done."""
        now = time.monotonic()
        if self._first is None or done < self._done:  # another stage has begun
            self._first, self._told = done, -1e9
        if done <= self._first + 1:
            self._started = now
        self._done = done
        redraw = sys.stderr.isatty()
        if done < total and now - self._told < (0.5 if redraw else 30.0):
            return
        self._told = now
        timed = done - self._first - 1
        text = f"{done} of {total} {self._unit}"
        if timed > 0 and done < total:
            text += f", about {_span((now - self._started) / timed * (total - done))} left"
        click.echo(f"\r{text:<40}" if redraw else text, err=True, nl=not redraw or done == total)
