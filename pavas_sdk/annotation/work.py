"""What a worker does, and how what happened is told: plain values that travel between machines."""

from __future__ import annotations

import importlib
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pavas_sdk import errors
from pavas_sdk.errors import ConfigurationError, OutputError, OutputExistsError, PavasError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Outcome", "Work", "WorkSpec", "attempt", "build_work", "typed_error"]

_TRACE_LINES = 20


@runtime_checkable
class Work(Protocol):
    """One worker's work; its models are loaded once."""

    def run(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do one item, write its results, and return a few facts; ``"status"`` is among them."""

    def failed(self, item: Mapping[str, Any], failure: Mapping[str, Any]) -> None:
        """Keep that an item failed; called in a worker, or in the driver when workers died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSpec:
    """How a worker makes its `Work`.

    Attributes:
        factory: ``"module:name"``; called with the entries of ``config`` as keywords.
        config: Plain JSON values.
        token: File that the worker must see, and its content; None: nothing is checked.
        threads: Threads that torch and BLAS may use.
    """

    factory: str
    config: Mapping[str, Any] = field(default_factory=dict)
    token: tuple[str, str] | None = None
    threads: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "factory": self.factory,
            "config": dict(self.config),
            "token": None if self.token is None else list(self.token),
            "threads": self.threads,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one item.

    Attributes:
        status: "ok", "empty", "failed", or "stopped": the job cannot go on (no space is left).
        facts: What `Work.run` returned.
        failure: Of a failed or stopped one: "error" (class), "message", "slot", "trace".
    """

    status: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"status": self.status, "facts": dict(self.facts), "failure": dict(self.failure)}


def build_work(spec: Mapping[str, Any]) -> Work:
    """Return the work that `WorkSpec.to_json` describes, once the token was seen.

    Raises:
        OutputError: The machine does not see the job's folder.
        PavasError: The work cannot be made: plugins or weights are missing.
    """
    from pavas_sdk.annotation.job_folder import check_token

    if spec["token"] is not None:
        check_token(*spec["token"])
    module, _, name = str(spec["factory"]).partition(":")
    work = getattr(importlib.import_module(module), name)(**spec["config"])
    if not isinstance(work, Work):
        raise ConfigurationError(f"{spec['factory']} makes no work: it needs run and failed")
    return work


def attempt(work: Work, item: Mapping[str, Any]) -> Outcome:
    """Do one item; whatever it raises is told, not raised."""
    try:
        facts = dict(work.run(item))
        return Outcome(status=str(facts.pop("status", "ok")), facts=facts)
    except OutputError as err:
        failure = describe(err)
        if not isinstance(err, OutputExistsError):  # no fault of the clip: the next would fail, too
            return Outcome(status="stopped", failure=failure)
    # The boundary of a clip: whatever a component or a file does to it, the job goes on.
    except Exception as err:  # noqa: BLE001
        failure = describe(err)
    try:
        work.failed(item, failure)
    except OutputError as err:
        return Outcome(status="stopped", failure=describe(err))
    return Outcome(status="failed", failure=failure)


def describe(err: BaseException) -> dict[str, Any]:
    """Return an error as plain values."""
    lines = "".join(traceback.format_exception(err)).splitlines()
    return {
        "error": type(err).__name__,
        "message": str(err) or type(err).__name__,
        "slot": getattr(err, "slot", None),
        "trace": [] if isinstance(err, PavasError) else lines[-_TRACE_LINES:],
    }


def typed_error(failure: Mapping[str, Any]) -> PavasError:
    """Return the error of the class that a worker named, or its nearest kin."""
    kind = getattr(errors, str(failure.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, PavasError)):
        kind = ConfigurationError
    error: PavasError = kind(str(failure.get("message")))
    return error
