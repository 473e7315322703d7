"""What a shell offers where a model, a component or a plugin is to be named. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

__all__ = ["complete_component", "complete_model", "complete_plugin"]


def complete_model(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer presets, and folders."""
    del ctx, param
    offers = _offers("pipeline", incomplete)
    # a folder may be meant, too; the shell knows those
    return offers or [CompletionItem(incomplete, type="dir")]


def complete_component(kind: str) -> Complete:
    """Return what offers the components of a kind."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        del ctx, param
        return _offers(kind, incomplete)

    return complete


def complete_plugin(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer distributions and all components."""
    del ctx, param
    from pavas_sdk.registry import default_registry

    registry = default_registry()
    owners = sorted({source.distribution for source in registry.plugins()})
    names = [CompletionItem(name) for name in owners if name.startswith(incomplete)]
    return names + _offers(None, incomplete)


def _offers(kind: str | None, incomplete: str) -> list[CompletionItem]:
    """Components by bare name where it is unique for the kind, else by the qualified one."""
    from pavas_sdk.registry import default_registry

    entries = default_registry().components(kind)
    bare = [entry.name for entry in entries]
    offers = {}
    for entry in entries:
        unique = kind is not None and bare.count(entry.name) == 1
        for name in (*([entry.name] if unique else []), entry.qualified_name):
            # the qualified name where it is being typed, or where there is no other
            if name.startswith(incomplete) and ("/" not in name or "/" in incomplete or not unique):
                offers[name] = CompletionItem(name, help=entry.spec.summary)
    return list(offers.values())
