"""Calls a component so that it can neither hang nor fail without its name being known."""

from __future__ import annotations

import contextvars
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pavas_sdk.errors import ComponentFailedError, ContractError, MediaError
from pavas_sdk.interfaces import Progress, progress_to
from pavas_sdk.physics.workers import run_while

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data import ComponentRef

__all__ = ["call_component"]

T = TypeVar("T")


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


def call_component(ref: ComponentRef, function: Callable[[], T], *, timeout_s: float | None) -> T:
    """Return ``function()``; what goes wrong names the component.

    With a timeout the call runs in another thread. Python cannot stop a thread: one that hangs is
    left behind (a daemon, so the process can still end).

    Args:
        ref: The component.
        function: The call.
        timeout_s: Seconds that it may go without a sign of life (`report_progress`, or its
            answer), None for no limit.

    Raises:
        ComponentFailedError: It raised, or was silent for ``timeout_s`` seconds.
        ContractError: Its answer breaks the interface (raised by ``function``'s own checks).
        MediaError: The video itself cannot be read.
    """
    outcome: dict[str, Any] = {}
    pulse = _Pulse(ref.kind)

    def run() -> None:
        try:
            outcome["value"] = pulse.run(function)
        except BaseException as err:  # noqa: BLE001  # handed to the calling thread below
            outcome["error"] = err

    if timeout_s is None:
        run()
    else:
        context = contextvars.copy_context()
        if not run_while(
            lambda: context.run(run), lambda: pulse.at_s + timeout_s - time.monotonic()
        ):
            pulse.give_up()
            raise ComponentFailedError(_silent(ref, timeout_s, pulse.last))
    error = outcome.get("error")
    if error is None:
        return outcome["value"]  # type: ignore[no-any-return]  # a dict of two kinds of things
    if isinstance(error, (ContractError, MediaError)) or not isinstance(error, Exception):
        raise error
    raise ComponentFailedError(
        f"{ref.kind} {ref.qualified_name} failed: {type(error).__name__}: {error}"
    ) from error


def _silent(ref: ComponentRef, timeout_s: float, last: Progress | None) -> str:
    what = f"did not answer within {timeout_s:g} s"
    if last is not None:
        of = "" if last.total is None else f" of {last.total}"
        what = f"has shown no progress for {timeout_s:g} s, after {last.done}{of} {last.unit}"
    return (
        f"{ref.kind} {ref.qualified_name} {what}; give it more time (timeout_s=..., on the command "
        "line --timeout SECONDS), or choose another component for this slot"
    )
