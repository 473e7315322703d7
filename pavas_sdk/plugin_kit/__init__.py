"""Writes the distribution of a new plugin: what ``pavas plugins new`` does. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_sdk.plugin_kit.kinds import PLUGIN_KINDS
    from pavas_sdk.plugin_kit.names import PluginNames, plugin_names
    from pavas_sdk.plugin_kit.writing import write_plugin

# the command line reads the kinds at every start of `pavas plugins`, and writes nothing then
_EXPORTS = {
    "kinds": ["PLUGIN_KINDS"],
    "names": ["PluginNames", "plugin_names"],
    "writing": ["write_plugin"],
}

__all__ = ["PLUGIN_KINDS", "PluginNames", "plugin_names", "write_plugin"]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
