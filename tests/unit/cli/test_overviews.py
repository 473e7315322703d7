"""What `--help` says: whole sentences in overviews, and a word on every option."""

import importlib

import click
import pytest

from pavas_sdk.cli.lazy_group import LazyGroup

cli = importlib.import_module("pavas_sdk.cli.main").cli


def commands(group, path):
    context = click.Context(group, info_name=path)
    # plugins' commands are theirs
    names = group._verbs if isinstance(group, LazyGroup) else group.list_commands(context)
    for name in names:
        command = group.get_command(context, name)
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


ALL = dict(commands(cli, "pavas"))


def test_every_option_says_what_it_is():
    silent = [
        f"{path} {option.opts[-1]}"
        for path, command in ALL.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]
    assert silent == []


@pytest.mark.parametrize("path", [p for p, c in ALL.items() if isinstance(c, click.Group)])
def test_an_overview_shows_whole_sentences(path):
    group = ALL[path]
    context = click.Context(group, info_name=path, terminal_width=80, max_content_width=100)
    shown = "".join(group.get_help(context).split())  # wrapping may part words at a hyphen
    for name in group.list_commands(context):
        sentence = group.get_command(context, name).help.split("\n\n")[0].split(". ")[0]
        assert "".join(sentence.split()).rstrip(".") in shown
    assert "..." not in shown.partition("Commands:")[2]
