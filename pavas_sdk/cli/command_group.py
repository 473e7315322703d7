"""A click group whose overview says what each command does in a whole sentence."""

from __future__ import annotations

import sys

import click

__all__ = ["CommandGroup"]


class CommandGroup(click.Group):
    """Sentences that do not fit beside the names are wrapped, where click would cut them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview."""
        rows = [
            (name, command.get_short_help_str(limit=sys.maxsize))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
