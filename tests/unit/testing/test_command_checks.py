"""Commands that break their contract, each in one way, and what is heavy before a plugin speaks."""

import re

import click
import pytest

from pavas_sdk.testing import command_checks, heavy_imports, run_checks


def nothing(cli):
    """Adds no command."""


def dumb(cli):
    @cli.command("dumb")
    def command():
        pass


def untypable(cli):
    cli.add_command(click.Command("x", help="Help."), "two words")


def forgetful(cli):
    if not forgetful.called:
        forgetful.called = True
        cli.add_command(click.Command("x", help="Help."))


def broken_help(cli):
    class Broken(click.Command):
        def get_help(self, ctx):
            raise RuntimeError("no help today")

    group = click.Group("group", help="A group.")
    group.add_command(Broken("inner", help="Help."))
    cli.add_command(group)


def good(cli):
    group = click.Group("group", help="A group.")
    group.add_command(click.Command("inner", help="Help."))
    cli.add_command(group)


@pytest.mark.parametrize(
    ("register", "check", "words"),
    [
        (nothing, "adds_commands", "adds no command"),
        (untypable, "adds_commands", "nobody can type"),
        (forgetful, "adds_the_same", "asked twice"),
        (dumb, "has_help", "pavas dumb has no help"),
        (broken_help, "shows_help", "pavas group inner --help .* RuntimeError: no help today"),
    ],
)
def test_the_check_that_is_meant_for_it_notices(register, check, words):
    forgetful.called = False
    (asked,) = [entry for entry in command_checks(register) if entry.name == check]
    (result,) = run_checks([asked])
    assert result.outcome == "failed"
    assert re.search(words, result.message), result.message


def test_good_commands_pass():
    assert [result.outcome for result in run_checks(command_checks(good))] == ["passed"] * 4


@pytest.mark.parametrize(
    ("init", "plugin", "module", "packages"),
    [
        ("import numpy", "", "acme_heavy", ("numpy",)),
        ("", "import numpy", "acme_heavy.plugin", ("numpy",)),
        ("import json", "import re", None, ()),
    ],
)
def test_a_heavy_module_is_named(tmp_path, monkeypatch, init, plugin, module, packages):
    package = tmp_path / "acme_heavy"
    package.mkdir()
    (package / "__init__.py").write_text(init)
    (package / "plugin.py").write_text(plugin)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = heavy_imports("acme_heavy.plugin")
    assert [entry.module for entry in found] == ([module] if module else [])
    for entry in found:
        assert entry.packages == packages
        assert str(tmp_path) in str(entry)


def test_our_own_plugins_are_light():
    from importlib.metadata import entry_points

    points = {point.value for point in entry_points(group="pavas_sdk.plugins")}
    assert {"pavas_tiny.plugin", "pavas_phy_adapter.plugin"} <= points
    assert heavy_imports("pavas_tiny.plugin") == []
