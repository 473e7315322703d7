"""Calls the code of plugins so that it can neither hang nor fail without its name being known.

Python cannot stop a thread: a call that hangs is left behind in its own (a daemon, so the process
can still end).
"""

from __future__ import annotations

import contextvars
import os
import threading
import time
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pavas_sdk.errors import ComponentFailedError, ContractError, MediaError
from pavas_sdk.interfaces import Progress, progress_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data import ComponentRef

__all__ = ["NoAnswerError", "call_component", "call_with_limit"]

T = TypeVar("T")


class NoAnswerError(TimeoutError):
    """A call did not come back in time; it goes on in its thread."""


def call_with_limit(
    function: Callable[[], T],
    limit_s: float,
    *,
    name: str = "pavas call",
    heard_at_s: Callable[[], float] | None = None,
) -> T:
    """Return ``function()``, run in another thread.

    Args:
        function: The call; it sees the context variables of the caller.
        limit_s: Seconds that it may take.
        name: Of the thread while it is at work, for those who look at a process that hangs.
        heard_at_s: When a sign of life was last heard, on the clock of ``time.monotonic``: the
            limit counts from there. By default from the start of the call.

    Raises:
        NoAnswerError: No answer in time.
        BaseException: Whatever ``function`` raised.
    """
    began_s = time.monotonic()
    context = contextvars.copy_context()
    task = _Task(lambda: context.run(function), name)
    worker = _idle_worker()
    worker.start(task)
    try:
        while not task.done.is_set():
            since_s = began_s if heard_at_s is None else max(began_s, heard_at_s())
            left_s = since_s + limit_s - time.monotonic()
            if left_s <= 0:
                break
            task.done.wait(left_s)
    finally:  # an interrupt leaves the thread busy, too
        worker.release(task)
    return task.outcome()


def call_component(ref: ComponentRef, function: Callable[[], T], *, timeout_s: float | None) -> T:
    """Return ``function()``; what goes wrong names the component.

    Args:
        ref: The component.
        function: The call.
        timeout_s: Seconds that it may go without a sign of life (`report_progress`, or its
            answer); None for no limit, and no other thread.

    Raises:
        ComponentFailedError: It raised, or was silent for ``timeout_s`` seconds.
        ContractError: Its answer breaks the interface (raised by ``function``'s own checks).
        MediaError: The video itself cannot be read.
    """
    pulse = _Pulse(ref.kind)

    def contained() -> T:
        try:
            return pulse.run(function)
        except Exception:
            raise
        # SystemExit and its kin: the component ends, not the program. An interrupt can be the
        # user's where the call has no thread of its own.
        except BaseException as err:
            if timeout_s is None and isinstance(err, KeyboardInterrupt):
                raise
            raise _stopped(ref, err) from err

    try:
        if timeout_s is None:
            return contained()
        return call_with_limit(
            contained,
            timeout_s,
            name=f"pavas component: {ref.qualified_name}",
            heard_at_s=lambda: pulse.at_s,
        )
    except NoAnswerError:
        pulse.give_up()
        assert timeout_s is not None
        raise ComponentFailedError(_silent(ref, timeout_s, pulse.last)) from None
    except (ContractError, MediaError, _StoppedError):
        raise
    # the code of a plugin: its name must be known, whatever it raises
    except Exception as err:
        raise ComponentFailedError(_failed(ref, err)) from err


class _StoppedError(ComponentFailedError):
    """A component raised what is meant to end the program."""


def _stopped(ref: ComponentRef, err: BaseException) -> _StoppedError:
    return _StoppedError(_failed(ref, err))


def _failed(ref: ComponentRef, err: BaseException) -> str:
    return f"{ref.kind} {ref.qualified_name} failed: {type(err).__name__}: {err}"


def _silent(ref: ComponentRef, timeout_s: float, last: Progress | None) -> str:
    what = f"did not answer within {timeout_s:g} s"
    if last is not None:
        of = "" if last.total is None else f" of {last.total}"
        what = f"has shown no progress for {timeout_s:g} s, after {last.done}{of} {last.unit}"
    return (
        f"{ref.kind} {ref.qualified_name} {what}; give it more time (timeout_s=..., on the command "
        "line --timeout SECONDS), or choose another component for this slot"
    )


class _Pulse:
    """When the component was heard last, and what it said; passed on until it is given up."""

    def __init__(self, slot: str) -> None:
        self._slot = slot
        self._pass_on: Callable[[Progress], None] | None = None
        self.at_s = time.monotonic()
        self.last: Progress | None = None

    def hear(self, progress: Progress) -> None:
        self.at_s = time.monotonic()
        self.last = replace(progress, slot=self._slot)
        if self._pass_on is not None:
            self._pass_on(self.last)

    def run(self, function: Callable[[], T]) -> T:
        """Return ``function()`` with its reports heard."""
        with progress_to(self.hear) as before:
            self._pass_on = before
            return function()

    def give_up(self) -> None:
        self._pass_on = None


def _idle_worker() -> _Worker:
    try:
        return _idle.pop()
    except IndexError:
        return _Worker()


class _Task(Generic[T]):
    """A call, and what became of it."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function: Callable[[], T] | None = function
        self._values: list[T] = []
        self._error: BaseException | None = None
        self.name = name
        self.done = threading.Event()

    def run(self) -> None:
        assert self._function is not None
        try:
            self._values.append(self._function())
        except BaseException as err:  # noqa: BLE001  # handed to the calling thread
            self._error = err
        self._function = None  # what the call made belongs to the caller alone
        self.done.set()

    def outcome(self) -> T:
        if not self.done.is_set():
            raise NoAnswerError(f"{self.name}: no answer in time")
        if self._error is not None:
            raise self._error
        return self._values.pop()


class _Worker:
    """A daemon thread that runs one call after another.

    A thread for each call would do, but allocators give new threads memory of their own: a long
    video makes hundreds of calls, and what they free would not come together again.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[_Task[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="pavas idle", daemon=True)
        self._thread.start()

    def start(self, task: _Task[Any]) -> None:
        self._thread.name = task.name
        self._tasks.put(task)

    def release(self, task: _Task[Any]) -> None:
        """Be free for the next call; or end once a call that hangs has returned."""
        if task.done.is_set():
            self._thread.name = "pavas idle"
            _idle.append(self)
        else:
            self._tasks.put(None)

    def _loop(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.run()
            del task


_idle: list[_Worker] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # threads do not survive a fork
