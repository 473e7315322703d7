"""``pavas licences``: under which licence each component stands."""

from __future__ import annotations

import click

from pavas_sdk.cli.output import json_option, show_json, show_table
from pavas_sdk.registry import default_registry, is_non_commercial

__all__ = ["licences"]


@click.command()
@json_option
def licences(as_json: bool) -> None:
    """Show the licence of each component, and whether it allows commercial use."""
    rows = [
        {
            "kind": entry.kind,
            "qualified_name": entry.qualified_name,
            "version": entry.version,
            "licence": entry.licence,
            "commercial_use": _commercial_use(entry.licence),
        }
        for entry in default_registry().components()
    ]
    if as_json:
        show_json({"licences": rows})
        return
    show_table(
        ("COMPONENT", "KIND", "LICENCE", "COMMERCIAL USE"),
        [
            (
                row["qualified_name"],
                row["kind"],
                row["licence"] or "unknown",
                row["commercial_use"],
            )
            for row in rows
        ],
    )


def _commercial_use(licence: str) -> str:
    if not licence:
        return "unknown"
    return "no" if is_non_commercial(licence) else "yes"
