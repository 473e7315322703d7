"""What every component has: a frozen JSON-able config, a device, and a way to free memory."""

from __future__ import annotations

from abc import ABC
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Component", "ComponentConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentConfig:
    """Base of component configs: frozen dataclasses whose fields are JSON values."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build a config from JSON values.

        Raises:
            ConfigurationError: A name is not a field of this config.
        """
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ConfigurationError(
                f"{cls.__name__} has no option {', '.join(unknown)}; it has "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        return cls(**data)


class Component(ABC):
    """Base of the estimator interfaces.

    A subclass sets ``config_class`` and accepts one positional argument, the config, or the
    config's fields as keywords. Construction is cheap: weights load on first use or in ``to``.

    ``contract_options`` are config fields with which the contract suite makes the component: one
    that needs large files names a tiny variant of itself there (the same classes, random weights),
    so that it can be checked where the files are not.
    """

    kind: ClassVar[str]
    config_class: ClassVar[type[ComponentConfig]] = ComponentConfig
    contract_options: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init__(self, config: ComponentConfig | None = None, **options: Any) -> None:
        """Take a config, or its fields as keywords.

        Raises:
            ConfigurationError: Both are given, or an option is unknown.
        """
        if config is not None and options:
            raise ConfigurationError("pass a config or its fields as keywords, not both")
        self._config = config if config is not None else self.config_class.from_json(options)

    @property
    def config(self) -> ComponentConfig:
        """The frozen settings."""
        return self._config

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Move to a device and dtype. Components without tensors ignore it."""
        del device, dtype
        return self

    def check_ready(self) -> None:  # noqa: B027  (the same)
        """Raise if packages or weights are missing, without loading or fetching anything.

        The estimator asks every slot before it begins, so that all that is missing is said at once.
        Components that need nothing ignore it.

        Raises:
            MissingPluginError: Packages are missing.
            WeightsError: Weights are missing, or are of another model or revision.
        """

    def unload(self) -> None:  # noqa: B027  (a component without weights has nothing to do)
        """Free memory; the next use loads again. Components without weights ignore it."""
