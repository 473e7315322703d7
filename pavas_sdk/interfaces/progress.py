"""Signs of life of a component that works for long."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Progress", "progress_to", "report_progress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a component is.

    Attributes:
        done: So many are done.
        total: Of so many; None when that is not known.
        unit: What is counted: "frames".
        slot: Slot of the component; empty where it was called by hand.
    """

    done: int
    total: int | None
    unit: str
    slot: str = ""


_LISTENER: ContextVar[Callable[[Progress], None] | None] = ContextVar("progress", default=None)


def report_progress(done: int, total: int | None = None, *, unit: str = "frames") -> None:
    """Say how far the component is that is at work.

    A component that may work for minutes calls this as it goes. The physics estimator then knows
    that it does not hang: its time limit (``timeout_s``) is for silence, not for work. Commands show
    it. Without a listener nothing happens. A thread of your own must be started with
    ``contextvars.copy_context().run`` to be heard.

    Args:
        done: So many are done.
        total: Of so many, when that is known.
        unit: What is counted.
    """
    listener = _LISTENER.get()
    if listener is not None:
        listener(Progress(done=done, total=total, unit=unit))


@contextmanager
def progress_to(listener: Callable[[Progress], None]) -> Iterator[Callable[[Progress], None]]:
    """Hear what components report while the block runs.

    Args:
        listener: Called with every report, in the thread of the component; it must be quick.

    Yields:
        The listener that was there before, one that does nothing if there was none: to pass
        reports on.
    """
    before = _LISTENER.get()
    token = _LISTENER.set(listener)
    try:
        yield before if before is not None else _ignore
    finally:
        _LISTENER.reset(token)


def _ignore(progress: Progress) -> None:
    del progress
