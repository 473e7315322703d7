"""A check: a named question to a component, asked by pytest or by ``pavas plugins check``."""

from __future__ import annotations

import time
import unittest
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from pavas_sdk.errors import MissingPluginError, MissingWeightsError
from pavas_sdk.registry.calls import NoAnswerError, call_with_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Check", "CheckFailedError", "CheckResult", "require", "run_checks"]


Outcome = Literal["passed", "failed", "skipped"]


class CheckFailedError(AssertionError):
    """A component does not keep its contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to one component.

    Attributes:
        kind: Kind of the component.
        name: Name of the check, the same for every component of the kind.
        summary: What is checked, in a sentence.
        run: Asks; raises when the answer is bad, `unittest.SkipTest` when it does not apply.
    """

    kind: str
    name: str
    summary: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Ask.

        Raises:
            CheckFailedError: The component does not keep its contract.
            ContractError: It returned what its interface forbids.
            unittest.SkipTest: The check does not apply, or the component's weights or a package that
                it wraps are not on this machine, so that it cannot be asked.
        """
        try:
            self.run()
        except MissingWeightsError as err:
            raise unittest.SkipTest(f"its weights are not here: {err}") from err
        except MissingPluginError as err:
            raise unittest.SkipTest(f"a package is not here: {err}") from err

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What came of a check.

    Attributes:
        kind: Kind of the component.
        component: Its qualified name.
        check: Name of the check.
        outcome: ``passed``, ``failed`` or ``skipped``.
        message: Why it failed or was skipped, else "".
        seconds: How long it took.
    """

    kind: str
    component: str
    check: str
    outcome: Outcome
    message: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it did not fail; a check that does not apply has not failed."""
        return self.outcome != "failed"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def require(condition: object, message: str) -> None:
    """Fail the check unless ``condition`` holds.

    Raises:
        CheckFailedError: It does not.
    """
    if not condition:
        raise CheckFailedError(message)


def run_checks(
    checks: Iterable[Check], *, component: str = "", limit_s: float = 120.0
) -> Iterator[CheckResult]:
    """Ask every check in turn and yield what came of it; nothing is raised.

    A check that gives no answer within ``limit_s`` has failed, and those after it are skipped:
    a component that hangs stays in its thread, and Python cannot stop it.

    Args:
        checks: What to ask.
        component: Name for the results.
        limit_s: Seconds that each check may take.
    """
    hung = ""
    outcome: Outcome
    for check in checks:
        started = time.perf_counter()
        outcome, message = _outcome(check, limit_s) if not hung else ("skipped", f"{hung} hung")
        if message == _NO_ANSWER:
            hung, message = check.name, f"no answer within {limit_s:g} s"
        yield CheckResult(
            kind=check.kind,
            component=component,
            check=check.name,
            outcome=outcome,
            message=message,
            seconds=time.perf_counter() - started,
        )


_NO_ANSWER = "no answer"


def _outcome(check: Check, limit_s: float) -> tuple[Outcome, str]:
    def ask() -> BaseException | None:
        try:
            check()
        # Whatever a component raises is the result of the check.
        except BaseException as err:  # noqa: BLE001
            return err
        return None

    try:
        error = call_with_limit(ask, limit_s, name=f"check {check}")
    except NoAnswerError:
        return "failed", _NO_ANSWER
    if error is None:
        return "passed", ""
    if isinstance(error, unittest.SkipTest):
        return "skipped", str(error)
    if isinstance(error, CheckFailedError):
        return "failed", str(error)
    return "failed", f"{type(error).__name__}: {error}"
