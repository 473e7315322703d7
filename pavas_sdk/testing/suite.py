"""The checks of any registered component, and of any class of yours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError, ContractError
from pavas_sdk.interfaces import Component
from pavas_sdk.registry import RegisteredComponent
from pavas_sdk.testing.check import Check, CheckResult, run_checks
from pavas_sdk.testing.mass_estimator_checks import mass_estimator_checks
from pavas_sdk.testing.metric_extractor_checks import metric_extractor_checks
from pavas_sdk.testing.moving_object_detector_checks import moving_object_detector_checks
from pavas_sdk.testing.pipeline_checks import pipeline_checks
from pavas_sdk.testing.reconstructor_checks import reconstructor_checks
from pavas_sdk.testing.segmenter_checks import segmenter_checks
from pavas_sdk.testing.velocity_estimator_checks import velocity_estimator_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pytest


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


def checks_of(component: Any) -> list[Check]:
    """Return the checks of a component.

    Args:
        component: A registered component, a class, or an object; of an object, new ones with its
            config are made as the checks need them.

    Raises:
        PluginLoadError: A registered component cannot be imported.
        ContractError: It is no subclass of its interface, or implements none.
    """
    if isinstance(component, RegisteredComponent):
        return _checks_of_class(component.kind, component.load())
    cls = component if isinstance(component, type) else type(component)
    kind = getattr(cls, "kind", None)
    if not isinstance(kind, str):
        raise ContractError(f"{cls.__name__} implements none of pavas_sdk.interfaces")
    if isinstance(component, Component):
        return checks_for(kind, partial(_another, component))
    return _checks_of_class(kind, cls)


def _checks_of_class(kind: str, target: Any) -> list[Check]:
    if kind == "conditioning_adapter":
        return checks_for(kind, target.for_transformer)
    options = getattr(target, "contract_options", {})
    return checks_for(kind, partial(target, **options) if options else target)


def _another(component: Component, **options: Any) -> Component:
    """A new object like ``component``; itself when its class takes no config (a function)."""
    cls = type(component)
    if options:
        return cls(**options)
    return cls(component.config) if cls.__init__ is Component.__init__ else component


def check_component(component: Any, *, limit_s: float = 120.0) -> Iterator[CheckResult]:
    """Ask a component every check and yield what came of it; nothing is raised.

    Args:
        component: See `checks_of`.
        limit_s: Seconds that each check may take; the import may take five times as long.
    """
    registered = isinstance(component, RegisteredComponent)
    cls = component if isinstance(component, type) else type(component)
    name = component.qualified_name if registered else cls.__name__
    checks: list[Check] = []
    loading = Check(
        kind=str(getattr(component, "kind", "")),
        name="loads",
        summary="It imports, and is a subclass of its interface.",
        run=lambda: checks.extend(checks_of(component)),
    )
    yield from run_checks([loading], component=name, limit_s=5 * limit_s)
    yield from run_checks(checks, component=name, limit_s=limit_s)


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


_SUITES: dict[str, Callable[[Callable[..., Any]], list[Check]]] = {
    "moving_object_detector": moving_object_detector_checks,
    "mass_estimator": mass_estimator_checks,
    "segmenter": segmenter_checks,
    "reconstructor": reconstructor_checks,
    "velocity_estimator": velocity_estimator_checks,
    "pipeline": pipeline_checks,
    "metric_extractor": metric_extractor_checks,
}
