"""Provenance: the reference that a saved result keeps of a component."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pavas_sdk.interfaces import ComponentConfig
from pavas_sdk.registry.registry import Registry, default_registry

if TYPE_CHECKING:
    from pavas_sdk.data import ComponentRef
    from pavas_sdk.registry.registered import RegisteredComponent

__all__ = ["component_ref"]


def component_ref(
    component: Any, *, kind: str | None = None, registry: Registry | None = None
) -> ComponentRef:
    """Return which component ``component`` is.

    Args:
        component: An object of one of the interfaces.
        kind: Its kind, where the object does not say (``component.kind``).
        registry: Where to look it up; the process default by default.

    Returns:
        With distribution, version and licence when its class is registered; else with the name
        of its class (of its function, for `mass_estimator.from_function`) and no distribution.
    """
    from pavas_sdk.data import ComponentRef

    wanted = kind or str(getattr(component, "kind", ""))
    entry = _find(component, wanted, registry or default_registry())
    config = _config_of(component)
    if entry is None:
        name = getattr(component, "name", None) or type(component).__name__.lstrip("_")
        return ComponentRef(kind=wanted, name=str(name), config=config)
    return ComponentRef(
        kind=wanted,
        name=entry.name,
        distribution=entry.distribution,
        version=entry.version,
        config=config,
        licence=entry.licence,
    )


def _find(component: Any, kind: str, registry: Registry) -> RegisteredComponent | None:
    """The registered component whose class this is; imports no module for the search."""
    for entry in registry.components():
        module, _, attribute = entry.spec.target.partition(":")
        if entry.kind != kind or module not in sys.modules:
            continue
        first, *rest = attribute.split(".")
        target: Any = vars(sys.modules[module]).get(first)
        if target is None and attribute == type(component).__qualname__:
            # a package that loads its names on first use; of any other name that would import it
            target = getattr(sys.modules[module], first, None)
        for part in rest:
            target = getattr(target, part, None)
        if target is type(component):
            return entry
    return None


def _config_of(component: Any) -> dict[str, Any]:
    """JSON-able settings: a `ComponentConfig`, or the config of a diffusers model."""
    config: Any = getattr(component, "config", None)
    if isinstance(config, ComponentConfig):
        config = config.to_json()
    if not isinstance(config, Mapping):
        return {}
    plain = {key: value for key, value in config.items() if not key.startswith("_")}
    # Tuples become lists here as they would in a file, so that references compare equal.
    return dict(json.loads(json.dumps(plain, default=str)))
