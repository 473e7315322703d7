"""Calls a component so that it can neither hang nor fail without its name being known."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pavas_sdk.errors import ComponentFailedError, ContractError, MediaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data import ComponentRef

__all__ = ["call_component"]

T = TypeVar("T")


def call_component(ref: ComponentRef, function: Callable[[], T], *, timeout_s: float | None) -> T:
    """Return ``function()``; what goes wrong names the component.

    With a timeout the call runs in a thread of its own. Python cannot stop a thread: one that
    hangs is left behind (a daemon, so the process can still end).

    Raises:
        ComponentFailedError: It raised, or did not answer in ``timeout_s`` seconds.
        ContractError: Its answer breaks the interface (raised by ``function``'s own checks).
        MediaError: The video itself cannot be read.
    """
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["value"] = function()
        except BaseException as err:  # noqa: BLE001  # handed to the calling thread below
            outcome["error"] = err

    if timeout_s is None:
        run()
    else:
        thread = threading.Thread(target=run, name=f"pavas {ref.kind}", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if thread.is_alive():
            raise ComponentFailedError(
                f"{ref.kind} {ref.qualified_name} did not answer within {timeout_s:g} s; give it "
                "more time (timeout_s=...), or choose another component for this slot"
            )
    error = outcome.get("error")
    if error is None:
        return outcome["value"]  # type: ignore[no-any-return]  # a dict of two kinds of things
    if isinstance(error, (ContractError, MediaError)) or not isinstance(error, Exception):
        raise error
    raise ComponentFailedError(
        f"{ref.kind} {ref.qualified_name} failed: {type(error).__name__}: {error}"
    ) from error
