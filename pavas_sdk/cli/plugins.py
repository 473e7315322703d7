"""``pavas plugins``: what is installed, what failed, whether it keeps its contract, and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pavas_sdk.cli.command_group import CommandGroup
from pavas_sdk.cli.completion import complete_plugin
from pavas_sdk.cli.output import json_option, say, show, show_json, show_table
from pavas_sdk.plugin_kit.kinds import PLUGIN_KINDS
from pavas_sdk.registry import KINDS, default_registry

if TYPE_CHECKING:
    from pavas_sdk.registry import RegisteredComponent, Registry
    from pavas_sdk.registry.loading import PluginSource

__all__ = ["plugins"]


@click.group(cls=CommandGroup)
def plugins() -> None:
    """List plugins, check them, or begin a new one."""


@plugins.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
@json_option
def list_plugins(kind: str | None, as_json: bool) -> None:
    """List components with their distribution, version and licence, and plugins that failed.

    A failed plugin makes no bad exit code here: `pavas doctor` judges.
    """
    registry = default_registry()
    components = registry.components(kind)
    commands = plugin_commands(registry)
    if as_json:
        show_json(
            {
                "components": [entry.to_json() for entry in components],
                "commands": [
                    {"name": name, "summary": summary, "distribution": source.distribution}
                    for name, (source, summary) in commands.items()
                ],
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
    rows = [
        (entry.kind, entry.qualified_name, entry.version, entry.licence, entry.spec.summary)
        for entry in components
    ]
    if kind is None:
        rows += [
            ("command", f"{source.distribution}/{name}", source.version, source.licence, summary)
            for name, (source, summary) in commands.items()
        ]
    show_table(
        ("KIND", "NAME", "VERSION", "LICENCE", "SUMMARY"),
        [
            (what, name, version, licence or "unknown", text)
            for what, name, version, licence, text in rows
        ],
    )
    for failure in registry.failures:
        say(f"Failed: {failure.summary}")


def plugin_commands(registry: Registry) -> dict[str, tuple[PluginSource, str]]:
    """Return the commands of plugins with their plugin and help; clashes become failures."""
    from pavas_sdk.cli.main import VERBS

    group = click.Group("pavas")
    owners = registry.add_commands(group, reserved=tuple(VERBS))
    return {
        name: (owners[name], command.get_short_help_str())
        for name, command in sorted(group.commands.items())
    }


@plugins.command("check")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_plugin)
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
    """Run the contract suite on components and commands (all, or those of the given NAMEs).

    A NAME is a component ("motion", "pavas-tiny/motion") or a distribution ("pavas-tiny").
    Exit code 1 when a check or a plugin failed.
    """
    from pavas_sdk.cli.plugin_checks import check_all

    return check_all(default_registry(), names, kind, limit_s=limit_s, as_json=as_json)


@plugins.command("new")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(tuple(PLUGIN_KINDS)), required=True, help="What it will be."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False),
    help="Folder of the plugin. [default: NAME, here]",
)
@click.option("--component", help="Name to register. [default: what follows the first - of NAME]")
@click.option(
    "--licence", default="Apache-2.0", show_default=True, help="SPDX expression of your code."
)
@click.option(
    "--weights",
    help="For a pipeline: a saved pipeline's folder, or the name of a preset that is on this "
    "machine. [default: pavas-tiny]",
)
def new_plugin(
    name: str,
    kind: str,
    out: str | None,
    component: str | None,
    licence: str,
    weights: str | None,
) -> None:
    r"""Write a complete plugin: code that works, its contract test, README and CI.

    NAME is what people will install, for example acme-balls. Then:

    \b
      cd acme-balls && pip install -e ".[test]" && pytest
    """
    from pavas_sdk.plugin_kit import write_plugin

    folder = write_plugin(
        name,
        kind,
        out or name,
        component=component,
        licence=licence,
        weights=_weights(weights or "pavas-tiny") if kind == "pipeline" else weights,
    )
    show(str(folder))
    say(f'Next:  cd {folder} && pip install -e ".[test]" && pytest && pavas plugins check {name}')


def _weights(name: str) -> str:
    """The folder of a saved pipeline: itself, or that of a preset, which is not fetched."""
    from pathlib import Path

    from pavas_sdk.errors import WeightsError

    if Path(name).is_dir():
        return name
    entry: RegisteredComponent = default_registry().get("pipeline", name)
    make = entry.load()
    folder = make(local_files_only=True) if hasattr(make, "prepare") else make()
    if folder is None:
        raise WeightsError(f"{name} is not on this machine; type: pavas models download {name}")
    return str(folder)
