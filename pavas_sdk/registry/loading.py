"""Finding plugins and running their code, one at a time, with a time limit.

``PAVAS_PLUGINS`` restricts what is loaded: empty for none, else names of plugins or distributions
with commas between. ``PAVAS_PLUGIN_TIMEOUT_S`` (default 30) is how long one plugin may take to be
imported and to register. Plugin code runs in a thread of its own during that time, so a plugin
that hangs is reported and left behind instead of hanging the program; it must not ask the
registry for anything while it registers.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, TypeVar, cast

from pavas_sdk.errors import ConfigurationError, PluginLoadError
from pavas_sdk.registry.calls import NoAnswerError, call_with_limit
from pavas_sdk.registry.spec import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "PluginRaisedError",
    "PluginSource",
    "call_plugin",
    "find_plugins",
    "normalised",
    "time_limit_s",
]

DEFAULT_LIMIT_S = 30.0

T = TypeVar("T")


class PluginRaisedError(Exception):
    """A plugin raised while it was imported or registered.

    Attributes:
        error: What it raised.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSource:
    """Where a plugin comes from.

    Attributes:
        name: Name of its entry point.
        distribution: Normalised name of the distribution.
        version: Version of the distribution.
        licence: Licence of the distribution, "" when it states none.
        entry_point: What to load, or None for a plugin that is already an object.
    """

    name: str
    distribution: str
    version: str = ""
    licence: str = ""
    entry_point: EntryPoint | None = None


def normalised(distribution: str) -> str:
    """Return a distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def find_plugins(environ: Mapping[str, str]) -> tuple[list[PluginSource], list[str]]:
    """Return the plugins to load, and names in ``PAVAS_PLUGINS`` that nothing installed has.

    Sorted by distribution and name, so that listings do not depend on the file system.
    """
    wanted = environ.get("PAVAS_PLUGINS")
    if wanted is not None and not wanted.strip():
        return [], []
    found = []
    for point in entry_points(group=GROUP):
        dist = point.dist
        licence = ""
        if dist is not None:
            metadata = dist.metadata
            keys = [key for key in ("License-Expression", "License") if key in metadata]
            licence = metadata[keys[0]] if keys else ""
        found.append(
            PluginSource(
                name=point.name,
                distribution=normalised(dist.name) if dist is not None else point.name,
                version=dist.version if dist is not None else "",
                licence=licence.strip().partition("\n")[0],
                entry_point=point,
            )
        )
    found.sort(key=lambda source: (source.distribution, source.name))
    if wanted is None:
        return found, []
    names = [part.strip() for part in wanted.split(",") if part.strip()]
    chosen = [
        source
        for source in found
        if source.name in names or source.distribution in map(normalised, names)
    ]
    have = {source.name for source in found} | {source.distribution for source in found}
    return chosen, [name for name in names if name not in have and normalised(name) not in have]


def time_limit_s(environ: Mapping[str, str] | None = None) -> float:
    """Return ``PAVAS_PLUGIN_TIMEOUT_S``, seconds.

    Raises:
        ConfigurationError: It is not a number above 0.
    """
    text = (os.environ if environ is None else environ).get("PAVAS_PLUGIN_TIMEOUT_S")
    if text is None:
        return DEFAULT_LIMIT_S
    try:
        limit = float(text)
    except ValueError:
        limit = float("nan")
    if not limit > 0:
        raise ConfigurationError(
            f"PAVAS_PLUGIN_TIMEOUT_S must be seconds above 0, got {text!r}; unset it for "
            f"{DEFAULT_LIMIT_S:g}"
        )
    return limit


def call_plugin(function: Callable[[], T], limit_s: float, what: str) -> T:
    """Return ``function()`` of a plugin, which is given ``limit_s`` seconds.

    What the plugin prints goes to stderr: stdout belongs to the program.

    Raises:
        PluginLoadError: No answer in time.
        PluginRaisedError: Whatever ``function`` raised, also what is no `Exception`: an interrupt of the user,
            which comes in this thread, is told from one that the plugin raises.
    """
    raised: list[BaseException] = []

    def contained() -> T | None:
        try:
            return function()
        except BaseException as err:  # noqa: BLE001  # handed to the calling thread
            raised.append(err)
            return None

    try:
        with redirect_stdout(sys.stderr):
            answer = call_with_limit(contained, limit_s, name=f"pavas: {what}")
        if raised:
            raise PluginRaisedError(raised[0]) from raised[0]
        return cast("T", answer)
    except NoAnswerError:
        raise PluginLoadError(
            f"{what} did not answer within {limit_s:g} s. Raise PAVAS_PLUGIN_TIMEOUT_S if it is "
            "only slow; leave it out with PAVAS_PLUGINS, or uninstall it"
        ) from None
