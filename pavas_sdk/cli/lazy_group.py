"""A click group that imports a command only when it is typed."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import click

from pavas_sdk.cli.output import data_on_stdout_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LazyGroup", "Verb"]


@dataclass(frozen=True, slots=True)
class Verb:
    """A command by name.

    Attributes:
        target: ``"package.module:attribute"`` of the click command.
        help: One line for the overview, so that it needs no import.
    """

    target: str
    help: str


class LazyGroup(click.Group):
    """Built-in verbs by name, and plugin commands after them.

    Args:
        verbs: Built-in commands.
        add_plugin_commands: Called once with a group and the reserved names when something other
            than a built-in verb is asked for.
        **kwargs: For `click.Group`.
    """

    def __init__(
        self,
        *args: Any,
        verbs: Mapping[str, Verb],
        add_plugin_commands: Callable[[click.Group, tuple[str, ...]], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._verbs = dict(verbs)
        self._add_plugin_commands = add_plugin_commands
        self._plugins: click.Group | None = None

    def plugin_commands(self) -> Mapping[str, click.Command]:
        """Return the commands of plugins, loading the plugins on the first call."""
        if self._plugins is None:
            self._plugins = click.Group(name=self.name)
            if self._add_plugin_commands is not None:
                self._add_plugin_commands(self._plugins, tuple(self._verbs))
        return self._plugins.commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the built-in verbs in their order, then plugin commands by name."""
        del ctx
        return [*self._verbs, *sorted(self.plugin_commands())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, importing its module; None when there is none."""
        del ctx
        verb = self._verbs.get(cmd_name)
        if verb is None:
            command = self.plugin_commands().get(cmd_name)
        else:
            module, _, attribute = verb.target.partition(":")
            command = cast("click.Command", getattr(import_module(module), attribute))
            _keep_stdout_for_data(command)
        return None if command is None else with_debug(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that ``args`` start with.

        Raises:
            click.UsageError: There is none; says what was probably meant.
        """
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            close = get_close_matches(name, self.list_commands(ctx), n=1)
            guess = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"No such command {name!r}.{guess}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without importing the built-in verbs."""
        rows = [(name, verb.help) for name, verb in self._verbs.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        plugins = {
            name: command
            for name, command in sorted(self.plugin_commands().items())
            if not command.hidden
        }
        if plugins:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(limit=sys.maxsize))
                        for name, command in plugins.items()
                    ]
                )


def _keep_stdout_for_data(command: click.Command) -> None:
    """Let what components print while a built-in verb works go to stderr."""
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            _keep_stdout_for_data(sub)
    callback = command.callback
    if callback is None or hasattr(callback, "__wrapped__"):
        return

    @functools.wraps(callback)
    def alone(*args: Any, **kwargs: Any) -> Any:
        with data_on_stdout_alone():
            return callback(*args, **kwargs)

    command.callback = alone


def with_debug(command: click.Command) -> click.Command:
    """Let ``--debug`` stand after any command too; `main` looks for it."""
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            with_debug(sub)
    elif not any(parameter.name == "debug" for parameter in command.params):
        command.params.append(debug_option())
    return command


def debug_option() -> click.Option:
    """Return the ``--debug`` option, which commands need not take."""
    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error."
    )
