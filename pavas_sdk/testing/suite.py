"""The checks of any registered component, and of any class of yours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.testing.check import Check, CheckResult, run_checks
from pavas_sdk.testing.mass_estimator_checks import mass_estimator_checks
from pavas_sdk.testing.moving_object_detector_checks import moving_object_detector_checks
from pavas_sdk.testing.pipeline_checks import pipeline_checks
from pavas_sdk.testing.reconstructor_checks import reconstructor_checks
from pavas_sdk.testing.segmenter_checks import segmenter_checks
from pavas_sdk.testing.velocity_estimator_checks import velocity_estimator_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pytest

    from pavas_sdk.registry import RegisteredComponent

__all__ = ["check_component", "checks_for", "checks_of", "parametrize_with_checks"]


def checks_for(kind: str, make: Callable[..., Any]) -> list[Check]:
    """Return the checks of a kind for what ``make`` makes.

    Args:
        kind: One of `pavas_sdk.registry.KINDS`.
        make: See the function of the kind (``mass_estimator_checks`` ...).

    Raises:
        ConfigurationError: There is no such kind.
    """
    if kind == "conditioning_adapter":
        # The only one that needs torch.
        from pavas_sdk.testing.conditioning_adapter_checks import conditioning_adapter_checks

        return conditioning_adapter_checks(make)
    if kind not in _SUITES:
        known = ", ".join((*_SUITES, "conditioning_adapter"))
        raise ConfigurationError(f"there is no kind {kind!r}; kinds are {known}")
    return _SUITES[kind](make)


def checks_of(entry: RegisteredComponent) -> list[Check]:
    """Return the checks of a registered component.

    Raises:
        PluginLoadError: It cannot be imported.
        ContractError: It is no subclass of its interface.
    """
    target = entry.load()
    if entry.kind == "conditioning_adapter":
        return checks_for(entry.kind, target.for_transformer)
    return checks_for(entry.kind, target)


def check_component(entry: RegisteredComponent, *, limit_s: float = 120.0) -> Iterator[CheckResult]:
    """Ask a registered component every check and yield what came of it; nothing is raised.

    Args:
        entry: From the registry.
        limit_s: Seconds that each check may take; the import may take five times as long.
    """
    loading = Check(
        kind=entry.kind,
        name="loads",
        summary="It imports, and is a subclass of its interface.",
        run=lambda: _load(entry),
    )
    for result in run_checks([loading], component=entry.qualified_name, limit_s=5 * limit_s):
        yield result
        if result.outcome != "passed":
            return
    yield from run_checks(checks_of(entry), component=entry.qualified_name, limit_s=limit_s)


def parametrize_with_checks(checks: Iterable[Check]) -> pytest.MarkDecorator:
    """Return a decorator that runs a test function once per check.

    Example:
        >>> @parametrize_with_checks(mass_estimator_checks(MyMassEstimator))
        ... def test_contract(check):
        ...     check()
    """
    import pytest

    return pytest.mark.parametrize(
        "check", [pytest.param(check, id=str(check)) for check in checks]
    )


def _load(entry: RegisteredComponent) -> None:
    entry.load()


_SUITES: dict[str, Callable[[Callable[..., Any]], list[Check]]] = {
    "moving_object_detector": moving_object_detector_checks,
    "mass_estimator": mass_estimator_checks,
    "segmenter": segmenter_checks,
    "reconstructor": reconstructor_checks,
    "velocity_estimator": velocity_estimator_checks,
    "pipeline": pipeline_checks,
}
