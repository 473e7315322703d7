"""Write reference/commands.md from the commands' own help: ``python docs/generate_commands.py``."""

from __future__ import annotations

from pathlib import Path

import click

from pavas_sdk.cli.main import cli

HEAD = """# Commands

stdout is data, stderr is talk. `--json` gives stable JSON on every listing. Exit codes: 0 fine, 1 it
ran and the answer is bad, 2 usage, input or configuration, 130 interrupted.

This page is generated from the commands' own help (`python docs/generate_commands.py`).
"""


def sections(command: click.Command, context: click.Context, level: int = 2):
    """Yield the help of a command and of everything below it as Markdown."""
    yield f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                inner = click.Context(child, info_name=name, parent=context, terminal_width=88)
                yield from sections(child, inner, min(level + 1, 4))


def page() -> str:
    """Return the whole page."""
    root = click.Context(cli, info_name="pavas", terminal_width=88)
    return HEAD + "\n" + "\n".join(sections(cli, root))


if __name__ == "__main__":
    Path(__file__).with_name("reference").joinpath("commands.md").write_text(
        page(), encoding="utf-8"
    )
