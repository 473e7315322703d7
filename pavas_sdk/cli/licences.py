"""``pavas licences``: under which licence each component stands."""

from __future__ import annotations

import click

from pavas_sdk.cli.output import json_option, show, show_json, show_table
from pavas_sdk.registry import default_registry, is_non_commercial

__all__ = ["licences"]


@click.command()
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every installed distribution that pavas-sdk and its plugins need, too.",
)
@json_option
def licences(everything: bool, as_json: bool) -> None:
    """Show the licence of each component, and whether it allows commercial use.

    With --all also of every package that is installed for them: what a list of materials (SBOM) needs.
    Licences are what the packages state of themselves.
    """
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
    packages = _packages() if everything else []
    if as_json:
        show_json({"licences": rows, **({"packages": packages} if everything else {})})
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

    if packages:
        show("")
    show_table(
        ("PACKAGE", "VERSION", "LICENCE", "REQUIRED BY"),
        [
            (row["name"], row["version"], row["licence"] or "unknown", row["required_by"] or "-")
            for row in packages
        ],
    )


def _packages() -> list[dict[str, str]]:
    from pavas_sdk.cli.dependencies import installed_dependencies

    return installed_dependencies([source.distribution for source in default_registry().plugins()])


def _commercial_use(licence: str) -> str:
    if not licence:
        return "unknown"
    return "no" if is_non_commercial(licence) else "yes"
