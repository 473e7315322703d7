"""The door for everything opinionated about the world: plugins and their components.

Free of torch. Listing components imports none of them.
"""

from __future__ import annotations

from pavas_sdk.registry.defaults import DEFAULTS, ESTIMATORS, SLOTS
from pavas_sdk.registry.failures import PluginFailure
from pavas_sdk.registry.hookspecs import hookimpl, hookspec
from pavas_sdk.registry.licences import check_licences, is_non_commercial
from pavas_sdk.registry.missing import MissingSlot, missing_plugins_error, version_range
from pavas_sdk.registry.references import component_ref
from pavas_sdk.registry.registered import RegisteredComponent
from pavas_sdk.registry.registry import Registry, default_registry
from pavas_sdk.registry.spec import API_VERSION, GROUP, KINDS, ComponentSpec

__all__ = [
    "API_VERSION",
    "DEFAULTS",
    "ESTIMATORS",
    "GROUP",
    "KINDS",
    "SLOTS",
    "ComponentSpec",
    "MissingSlot",
    "PluginFailure",
    "RegisteredComponent",
    "Registry",
    "check_licences",
    "component_ref",
    "default_registry",
    "hookimpl",
    "hookspec",
    "is_non_commercial",
    "missing_plugins_error",
    "version_range",
]
