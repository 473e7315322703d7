"""What a plugin returns: a component's kind, name and where its class is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pavas_sdk.errors import ConfigurationError

__all__ = ["API_VERSION", "GROUP", "KINDS", "ComponentSpec"]

GROUP = "pavas_sdk.plugins"
"""Entry-point group of plugins."""

API_VERSION = 1
"""Newest version of the interfaces that this package offers."""

KINDS = (
    "moving_object_detector",
    "mass_estimator",
    "segmenter",
    "reconstructor",
    "velocity_estimator",
    "conditioning_adapter",
    "pipeline",
    "metric_extractor",
)
"""Kinds of components: the seven interfaces, and ``pipeline`` for named presets."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """One component of a plugin.

    Attributes:
        kind: One of `KINDS`.
        name: Letters, digits, ``.``, ``_`` and ``-``; unique within the plugin's distribution for
            its kind.
        target: ``"package.module:Class"``, imported when the component is asked for, so that
            listing plugins costs nothing. For a ``pipeline``: a function without arguments that
            returns the path of a saved pipeline's folder.
        summary: One line for listings.
        licence: SPDX expression of code and weights together; empty means the licence of the
            distribution.
        api_version: Version of the interface that the component was written for.
    """

    kind: str
    name: str
    target: str
    summary: str = ""
    licence: str = ""
    api_version: int = 1

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: An unknown kind, a name or a target of the wrong form.
        """
        if self.kind not in KINDS:
            raise ConfigurationError(
                f"unknown kind {self.kind!r} of component {self.name!r}; kinds are "
                f"{', '.join(KINDS)}"
            )
        if not _NAME.fullmatch(str(self.name)):
            raise ConfigurationError(
                f"a component's name is letters, digits, '.', '_' and '-', got {self.name!r}"
            )
        if not _TARGET.fullmatch(str(self.target)):
            raise ConfigurationError(
                f'target of {self.kind} {self.name!r} must look like "package.module:Class", '
                f"got {self.target!r}"
            )
