"""``pavas plugins``: what is installed, what failed, and whether components keep their contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pavas_sdk.cli.output import json_option, say, show_json, show_table
from pavas_sdk.registry import KINDS, default_registry

if TYPE_CHECKING:
    from pavas_sdk.registry import RegisteredComponent

__all__ = ["plugins"]


@click.group()
def plugins() -> None:
    """List plugins, or check their components."""


@plugins.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
@json_option
def list_plugins(kind: str | None, as_json: bool) -> None:
    """List components with their distribution, version and licence, and plugins that failed.

    A failed plugin makes no bad exit code here: `pavas doctor` judges.
    """
    registry = default_registry()
    components = registry.components(kind)
    if as_json:
        show_json(
            {
                "components": [entry.to_json() for entry in components],
                "plugins": [
                    {
                        "plugin": source.name,
                        "distribution": source.distribution,
                        "version": source.version,
                        "licence": source.licence,
                    }
                    for source in registry.plugins()
                ],
                "failures": [failure.to_json() for failure in registry.failures],
            }
        )
        return
    show_table(
        ("KIND", "NAME", "VERSION", "LICENCE", "SUMMARY"),
        [
            (
                entry.kind,
                entry.qualified_name,
                entry.version,
                entry.licence or "unknown",
                entry.spec.summary,
            )
            for entry in components
        ],
    )
    for failure in registry.failures:
        say(f"Failed: {failure.summary}")


@plugins.command("check")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
@click.option(
    "--time-limit",
    "limit_s",
    type=click.FloatRange(min=0.1),
    default=120.0,
    show_default=True,
    help="Seconds that each check may take (an import: five times as long).",
)
@json_option
def check_plugins(names: tuple[str, ...], kind: str | None, limit_s: float, as_json: bool) -> int:
    """Run the contract suite on components (all registered ones, or those of the given NAMEs).

    A NAME is a component ("motion", "pavas-tiny/motion") or a distribution ("pavas-tiny").
    Exit code 1 when a check or a plugin failed.
    """
    from pavas_sdk.testing import check_component

    registry = default_registry()
    chosen = _chosen(names, kind)
    results = []
    for entry in chosen:
        if not as_json:
            say(f"{entry.kind} {entry.qualified_name}")
        for result in check_component(entry, limit_s=limit_s):
            results.append(result)
            if not as_json:
                mark = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[result.outcome]
                say(
                    f"  {mark:<8}{result.check}" + (f": {result.message}" if result.message else "")
                )
    failed = [result for result in results if result.outcome == "failed"]
    failures = () if names else registry.failures
    if as_json:
        show_json(
            {
                "checks": [result.to_json() for result in results],
                "failures": [failure.to_json() for failure in failures],
            }
        )
    else:
        for failure in failures:
            say(f"Failed: {failure.summary}")
        say(f"{len(chosen)} components, {len(results)} checks, {len(failed)} failed")
    return 1 if failed or failures else 0


def _chosen(names: tuple[str, ...], kind: str | None) -> list[RegisteredComponent]:
    """The components that the names mean; a name that means none is an error."""
    from pavas_sdk.errors import ComponentNotFoundError

    components = default_registry().components(kind)
    if not names:
        return list(components)
    chosen: list[RegisteredComponent] = []
    for name in names:
        matches = [
            entry
            for entry in components
            if name in (entry.name, entry.qualified_name, entry.distribution)
        ]
        if not matches:
            known = ", ".join(sorted({entry.qualified_name for entry in components}))
            raise ComponentNotFoundError(
                f"no {kind or 'component'} is named {name!r}; there are {known}"
            )
        chosen += [entry for entry in matches if entry not in chosen]
    return chosen
