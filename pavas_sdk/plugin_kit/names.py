"""The names in a plugin's files, all from the name of its distribution."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from dataclasses import dataclass

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.plugin_kit.kinds import PLUGIN_KINDS

__all__ = ["PluginNames", "plugin_names"]

_DISTRIBUTION = re.compile(r"[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginNames:
    """Names in a plugin's files.

    Attributes:
        distribution: What people install: ``acme-balls``.
        package: What people import: ``acme_balls``.
        component: What is registered: ``acme-balls/balls`` for ``balls``.
        class_name: The class, or the function where the kind has none.
    """

    distribution: str
    package: str
    component: str
    class_name: str


def plugin_names(distribution: str, kind: str, component: str | None = None) -> PluginNames:
    """Return the names of a plugin.

    Args:
        distribution: Letters, digits, ``.``, ``_`` and ``-``; begins with a letter.
        kind: One of `PLUGIN_KINDS`.
        component: Name of the component, or of the command; by default what follows the first ``-``
            of the distribution's name, or all of it.

    Raises:
        ConfigurationError: An unknown kind, or a name that cannot be one, or is taken.
    """
    if kind not in PLUGIN_KINDS:
        raise ConfigurationError(
            f"there is no kind {kind!r} of plugin; kinds are {', '.join(PLUGIN_KINDS)}"
        )
    if not _DISTRIBUTION.fullmatch(distribution):
        raise ConfigurationError(
            f"a plugin's name begins with a letter and holds letters, digits, '.', '_' and '-', got "
            f"{distribution!r}; for example acme-balls"
        )
    package = re.sub(r"[-_.]+", "_", distribution).lower()
    _check_free(package, distribution)
    short = component or distribution.partition("-")[2] or distribution
    if not _DISTRIBUTION.fullmatch(short):
        raise ConfigurationError(
            f"a component's name begins with a letter and holds letters, digits, '.', '_' and '-', "
            f"got {short!r}; for example balls"
        )
    words = [word for word in re.split(r"[-_.]+", short) if word]
    entry = PLUGIN_KINDS[kind]
    if entry.is_function:
        class_name = {"pipeline": "folder", "command": "_".join(words).lower()}[kind]
        if keyword.iskeyword(class_name) or class_name in ("click", "path", "video"):
            class_name += "_command"
    else:
        stem = "".join(word[:1].upper() + word[1:] for word in words)
        class_name = stem if stem.endswith(entry.suffix) else stem + entry.suffix
    return PluginNames(
        distribution=distribution, package=package, component=short, class_name=class_name
    )


def _check_free(package: str, distribution: str) -> None:
    if keyword.iskeyword(package) or package in sys.stdlib_module_names:
        raise ConfigurationError(
            f"{distribution!r} gives the package {package}, a word of Python's own; choose another "
            f"name, for example acme-{distribution}"
        )
    found = importlib.util.find_spec(package)
    if found is not None:
        where = found.origin or "this environment"
        raise ConfigurationError(
            f"a package {package} is installed already ({where}); choose another name than "
            f"{distribution!r}"
        )
