"""The small interface between a driver and its workers, whatever they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Event", "Workers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a worker did.

    Attributes:
        worker: Which.
        kind: "ready" (it may be given work), "refused" (it cannot work: ``value`` says why),
            "started" (it works on the item that it was given), "done" (``value`` is an `Outcome`
            as JSON) or "died" (``value`` says what is known).
        value: Plain values.
    """

    worker: int
    kind: Literal["ready", "refused", "started", "done", "died"]
    value: Mapping[str, Any] = field(default_factory=dict)


class Workers(Protocol):
    """Makes workers, hands them work, and tells what they do. A dead one is not made again."""

    def spawn(self) -> int:
        """Start a worker and return its number; it tells when it is ready."""

    def send(self, worker: int, item: Mapping[str, Any]) -> None:
        """Give a ready worker one item; one that died meanwhile tells so."""

    def wait(self, timeout_s: float) -> Event | None:
        """Return what happened next, or None after the time."""

    def kill(self, worker: int) -> None:
        """End a worker at once; it is told of no more, its death included."""

    def close(self) -> None:
        """End all."""
