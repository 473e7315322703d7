"""Writes the distribution of a new plugin: what ``pavas plugins new`` does. Free of torch."""

from __future__ import annotations

from pavas_sdk.plugin_kit.kinds import PLUGIN_KINDS
from pavas_sdk.plugin_kit.names import PluginNames, plugin_names
from pavas_sdk.plugin_kit.writing import write_plugin

__all__ = ["PLUGIN_KINDS", "PluginNames", "plugin_names", "write_plugin"]
