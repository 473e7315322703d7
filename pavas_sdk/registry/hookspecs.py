"""The two hooks: everything that a plugin can tell the house.

A plugin is a module (or object) behind an entry point of the group ``pavas_sdk.plugins``. Hooks
take only arguments that will be kept for ever; an implementation may leave arguments out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from pavas_sdk.registry.spec import ComponentSpec

__all__ = ["hookimpl", "hookspec"]

PROJECT = "pavas_sdk"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def pavas_register_components() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the components of this plugin.

    Example:
        >>> @hookimpl
        ... def pavas_register_components():
        ...     yield ComponentSpec(
        ...         "mass_estimator",
        ...         "lookup",
        ...         "my_plugin.lookup:LookupMassEstimator",
        ...         licence="MIT",
        ...     )
    """


@hookspec
def pavas_register_commands(cli: click.Group) -> None:
    """Add commands to ``pavas``.

    Args:
        cli: The group to add to. A name that ``pavas`` or another plugin has is refused.

    Example:
        >>> @hookimpl
        ... def pavas_register_commands(cli):
        ...     @cli.command("my-verb")
        ...     def my_verb(): ...
    """
