"""A component that a plugin registered: found by name, imported only when asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pavas_sdk import interfaces
from pavas_sdk.errors import ComponentFailedError, ContractError, PavasError, PluginLoadError

if TYPE_CHECKING:
    from pavas_sdk.registry.spec import ComponentSpec

__all__ = ["INTERFACES", "RegisteredComponent"]

INTERFACES: dict[str, type] = {
    "moving_object_detector": interfaces.MovingObjectDetector,
    "mass_estimator": interfaces.MassEstimator,
    "segmenter": interfaces.Segmenter,
    "reconstructor": interfaces.Reconstructor,
    "velocity_estimator": interfaces.VelocityEstimator,
    "conditioning_adapter": interfaces.ConditioningAdapter,
    "metric_extractor": interfaces.MetricExtractor,
}
"""The abstract class of each kind; a ``pipeline`` has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredComponent:
    """A component with the distribution that brought it.

    Attributes:
        spec: What the plugin said about it.
        distribution: Normalised name of the distribution.
        version: Its version.
        licence: Licence of the component: the spec's, else the distribution's; "" when unknown.
        instance: The object itself, when an object was put in by `Registry.override`.
    """

    spec: ComponentSpec
    distribution: str
    version: str
    licence: str
    instance: Any = field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> str:
        """Kind of the component."""
        return self.spec.kind

    @property
    def name(self) -> str:
        """Name within the distribution."""
        return self.spec.name

    @property
    def qualified_name(self) -> str:
        """``distribution/name``."""
        return f"{self.distribution}/{self.name}"

    def load(self) -> Any:
        """Import the target and return it: a class, or for a ``pipeline`` a function.

        Raises:
            PluginLoadError: The target cannot be imported.
            ContractError: It is no subclass of its kind's interface.
        """
        if self.instance is not None:
            return type(self.instance)
        module, _, attribute = self.spec.target.partition(":")
        try:
            target: Any = import_module(module)
            for part in attribute.split("."):
                target = getattr(target, part)
        # Whatever a plugin raises on import is its own; it must be named, not leak.
        except KeyboardInterrupt:
            raise
        except BaseException as err:
            raise PluginLoadError(
                f"{self.kind} {self.qualified_name} cannot be imported from {self.spec.target} "
                f"({self.distribution} {self.version}): {type(err).__name__}: {err}. "
                f'Reinstall it: pip install --force-reinstall "{self.distribution}"'
            ) from err
        self._check(target)
        return target

    def _check(self, target: Any) -> None:
        if self.kind == "pipeline":
            if not callable(target):
                raise ContractError(
                    f"pipeline {self.qualified_name} must name a function that returns a folder, "
                    f"{self.spec.target} is {type(target).__name__}"
                )
            return
        interface = INTERFACES[self.kind]
        if not (isinstance(target, type) and issubclass(target, interface)):
            raise ContractError(
                f"{self.kind} {self.qualified_name} must be a subclass of "
                f"pavas_sdk.interfaces.{interface.__name__}; {self.spec.target} is {target!r}"
            )

    def create(self, **config: Any) -> Any:
        """Return a new object of the component, or the object put in by `Registry.override`.

        Args:
            **config: Fields of its config.

        Raises:
            PluginLoadError: The target cannot be imported.
            ContractError: It is not what its kind asks for.
            ConfigurationError: An option is unknown.
            ComponentFailedError: Its constructor raised.
        """
        if self.instance is not None and not config:
            return self.instance
        target = self.load()
        try:
            return target(**config)
        except PavasError:
            raise
        # The plugin boundary: name the plugin whatever its constructor raised.
        except KeyboardInterrupt:
            raise
        except BaseException as err:
            raise ComponentFailedError(
                f"{self.kind} {self.qualified_name} ({self.distribution} {self.version}) could "
                f"not be made with {config or 'its defaults'}: {type(err).__name__}: {err}"
            ) from err

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values for listings."""
        return {
            "kind": self.kind,
            "name": self.name,
            "qualified_name": self.qualified_name,
            "distribution": self.distribution,
            "version": self.version,
            "licence": self.licence,
            "summary": self.spec.summary,
            "target": self.spec.target,
            "api_version": self.spec.api_version,
        }
