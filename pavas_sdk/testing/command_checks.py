"""The contract of a plugin that adds commands to ``pavas``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click
from click.testing import CliRunner

from pavas_sdk.testing.check import Check, CheckFailedError, require
from pavas_sdk.testing.estimator_checks import named_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["command_checks"]


def command_checks(register: Callable[..., object]) -> list[Check]:
    """Return the checks of a plugin's commands.

    Args:
        register: Its ``pavas_register_commands``; takes ``cli``, or nothing.
    """
    checks = (check_adds_commands, check_adds_the_same, check_has_help, check_shows_help)
    return named_checks("command", checks, register)


def _added(register: Callable[..., object]) -> click.Group:
    group = click.Group("pavas")
    takes = inspect.signature(register).parameters
    if "cli" in takes:
        register(cli=group)
    else:
        register()
    return group


def _all(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command, also of those in groups."""
    context = click.Context(group)
    for name in group.list_commands(context):
        words = (*prefix, name)
        yield words
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _all(command, words)


def _command(group: click.Group, words: tuple[str, ...]) -> click.Command:
    command: click.Command = group
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        if found is None:
            raise CheckFailedError(f"{' '.join(words)} is listed, but cannot be found")
        command = found
    return command


def check_adds_commands(register: Callable[..., object]) -> None:
    """It adds a command, under a name that can be typed."""
    names = list(_added(register).commands)
    require(names, "it adds no command")
    bad = [name for name in names if not name or name != "".join(name.split()) or name[0] == "-"]
    require(not bad, f"nobody can type the command {bad}")


def check_adds_the_same(register: Callable[..., object]) -> None:
    """Asked twice, it adds the same commands."""
    first, second = (list(_all(_added(register))) for _ in range(2))
    require(first == second, f"asked twice, it adds {second} instead of {first}")


def check_has_help(register: Callable[..., object]) -> None:
    """Each command says in a line what it does."""
    group = _added(register)
    for words in _all(group):
        text = _command(group, words).get_short_help_str()
        require(text.strip(), f"pavas {' '.join(words)} has no help: give its function a docstring")


def check_shows_help(register: Callable[..., object]) -> None:
    """``--help`` of each command works."""
    group = _added(register)
    for words in _all(group):
        done = CliRunner().invoke(group, [*words, "--help"], prog_name="pavas")
        why = f"{type(done.exception).__name__}: {done.exception}" if done.exception else "no help"
        require(
            done.exit_code == 0 and "Usage:" in done.output,
            f"pavas {' '.join(words)} --help ends with exit code {done.exit_code}: {why}",
        )
