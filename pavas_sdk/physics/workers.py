"""Threads that run functions under a time limit, and are used again.

A thread for each call would do, but allocators give new threads memory of their own: a long video
makes hundreds of calls, and what they free would not come together again.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run_while"]


class _Worker:
    """A daemon thread that runs one function after another."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Callable[[], None], threading.Event] | None] = SimpleQueue()
        threading.Thread(target=self._loop, name="pavas component", daemon=True).start()

    def start(self, function: Callable[[], None]) -> threading.Event:
        """Run ``function`` (which must not raise) and return the event of its end."""
        done = threading.Event()
        self._tasks.put((function, done))
        return done

    def end(self) -> None:
        """Let the thread end once its function has returned."""
        self._tasks.put(None)

    def _loop(self) -> None:
        while (task := self._tasks.get()) is not None:
            function, done = task
            function()
            del task, function  # what the call made belongs to the caller alone
            done.set()
            del done


_idle: list[_Worker] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # threads do not survive a fork


def run_while(function: Callable[[], None], left_s: Callable[[], float]) -> bool:
    """Run ``function`` in another thread; return whether it came back in time.

    Args:
        function: Must not raise; one that does not come back goes on in its thread.
        left_s: Returns how many seconds it still has; asked again whenever they have passed.
    """
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    done = worker.start(function)
    try:
        while not done.is_set() and (left := left_s()) > 0:
            done.wait(left)
    finally:  # an interrupt leaves the thread busy, too
        if done.is_set():
            _idle.append(worker)
        else:
            worker.end()
    return done.is_set()
