"""The entry point: overview, exit codes, what errors and interrupts become."""

import importlib
import os
import signal
import subprocess
import sys
import warnings

import click
import pytest
from plugin_folders import write_plugin

from pavas_sdk.cli.lazy_group import LazyGroup, Verb
from pavas_sdk.cli.main import VERBS, _add_plugin_commands, cli, run
from pavas_sdk.errors import InputError, OutputExistsError, PavasWarning, PhysicsInputError
from pavas_sdk.registry import Registry

program = importlib.import_module("pavas_sdk.cli.main")  # the package's "main" is the function


def answer(error=None, value=None):
    """A built-in verb that raises or returns something."""

    @click.command()
    @click.option("--count", type=int)
    def verb(count):
        warnings.warn(PavasWarning("three frames are damaged"), stacklevel=1)
        if error is not None:
            raise error
        return value

    return verb


@pytest.fixture
def verb(monkeypatch):
    """Make the verb ``try`` available."""

    def install(command):
        module = type(sys)("pavas_test_verb")
        module.command = command
        monkeypatch.setitem(sys.modules, "pavas_test_verb", module)
        monkeypatch.setitem(cli._verbs, "try", Verb("pavas_test_verb:command", "Try."))

    return install


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("value", "code"), [(None, 0), (0, 0), (1, 1), ("text", 0), ({"a": 1}, 0)])
def test_a_verb_returns_its_exit_code(verb, value, code):
    verb(answer(value=value))
    assert run(["try"]) == code


@pytest.mark.parametrize(
    "error",
    [
        InputError("no such thing: x.mp4"),
        PhysicsInputError("mass_kg must be above 0"),
        OutputExistsError("out.wav exists"),
    ],
)
def test_our_errors_are_one_line(verb, capsys, error):
    verb(answer(error))
    assert run(["try"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["Warning: three frames are damaged", f"Error: {error}"]


@pytest.mark.parametrize("args", [["--debug", "try"], ["try", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(verb, capsys, args):
    verb(answer(InputError("no such thing")))
    assert run(args) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1] == "Error: no such thing"


def test_debug_by_environment(verb, capsys, monkeypatch):
    monkeypatch.setenv("PAVAS_DEBUG", "1")
    verb(answer(InputError("no such thing")))
    assert run(["try"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_shows_its_traceback(verb, capsys):
    verb(answer(KeyError("internal")))
    assert run(["try"]) == 70
    assert "KeyError: 'internal'" in capsys.readouterr().err


def test_an_interrupt_is_130(verb, capsys):
    verb(answer(KeyboardInterrupt()))
    assert run(["try"]) == 130
    assert capsys.readouterr().err.strip().endswith("Interrupted.")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["generat"], "Did you mean 'generate'?"),
        (["zzzzzz"], "No such command 'zzzzzz'."),
        (["try", "--count", "many"], "'many' is not a valid integer"),
        (["try", "--nothing"], "No such option"),
        (["--nothing"], "No such option"),
    ],
)
def test_wrong_usage_is_2(verb, capsys, args, words):
    verb(answer())
    assert run(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err


def test_version_and_help(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("pavas, version 0.")
    for args in (["--help"], ["-h"]):
        assert run(args) == 0
        text = capsys.readouterr().out
        assert all(f"\n  {name} " in text for name in VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_there_and_explains_itself(name, capsys):
    assert run([name, "--help"]) == 0
    assert f"Usage: pavas {name}" in capsys.readouterr().out


def test_only_the_typed_verb_is_imported():
    code = (
        "import sys\n"
        "from pavas_sdk.cli.main import run\n"
        "assert run(['licences']) == 0\n"
        "heavy = {'torch', 'diffusers', 'numpy', 'av', 'pavas_sdk.cli.generate'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    code, _, err = python(code)
    assert code == 0, err


# -- commands of plugins ---------------------------------------------------------------------

COMMANDS = """
    import click
    from pavas_sdk import hookimpl
    from pavas_sdk.errors import InputError


    @hookimpl
    def pavas_register_commands(cli):
        @cli.command({names})
        def measure():
            "Measure something."
            {body}
"""


@pytest.fixture
def commands(plugin_folder, monkeypatch):
    """A group with the built-in verbs and the commands of the given plugins."""

    def build(*distributions):
        found = Registry(environ={"PAVAS_PLUGINS": ",".join(distributions)})
        monkeypatch.setattr("pavas_sdk.registry.default_registry", lambda: found)
        group = LazyGroup("pavas", verbs=VERBS, add_plugin_commands=_add_plugin_commands)
        monkeypatch.setattr(program, "cli", group)
        return found

    return build


def source(name="'measure'", body="click.echo('42')"):
    return COMMANDS.format(names=name, body=body)


def test_a_plugin_adds_a_command(plugin_folder, commands, capsys):
    write_plugin(plugin_folder, "acme-cli", source())
    commands("acme-cli")
    assert run(["measure"]) == 0
    assert capsys.readouterr().out == "42\n"
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert "Commands of plugins:\n  measure  Measure something." in text


def test_errors_of_a_plugin_command_are_treated_as_ours(plugin_folder, commands, capsys):
    write_plugin(plugin_folder, "acme-cli", source(body="raise InputError('odd')"))
    commands("acme-cli")
    assert run(["measure"]) == 2
    assert capsys.readouterr().err == "Error: odd\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (source("'generate'"), "the command generate exists already"),
        (source(body="pass") + "        raise RuntimeError('no')", "RuntimeError: no"),
        (source(body="pass") + "        raise SystemExit(5)", "SystemExit: 5"),
    ],
)
def test_a_failing_plugin_never_breaks_the_command_line(
    plugin_folder, commands, capsys, text, words
):
    write_plugin(plugin_folder, "acme-bad", text)
    write_plugin(plugin_folder, "acme-cli", source())
    found = commands("acme-bad", "acme-cli")
    assert run(["measure"]) == 0
    assert run(["--help"]) == 0
    (failure,) = found.failures
    assert failure.stage == "commands"
    assert words in failure.summary


def test_two_plugins_with_one_command(plugin_folder, commands):
    write_plugin(plugin_folder, "acme-one", source())
    write_plugin(plugin_folder, "acme-two", source())
    found = commands("acme-one", "acme-two")
    assert run(["measure"]) == 0
    assert len(found.failures) == 1


TWO_COMMANDS = """
    import click
    from pavas_sdk import hookimpl


    @hookimpl
    def pavas_register_commands(cli):
        @cli.command("generate")
        def generate():
            "Clashes with a verb of ours."

        @cli.command("listen")
        def listen():
            "Clashes with nothing."
            click.echo("heard")
"""


def test_a_command_that_clashes_is_listed_as_failed_and_the_others_stay(
    plugin_folder, commands, capsys, monkeypatch
):
    write_plugin(plugin_folder, "acme-two", TWO_COMMANDS)
    found = commands("acme-two")
    monkeypatch.setattr("pavas_sdk.cli.plugins.default_registry", lambda: found)
    assert run(["listen"]) == 0
    assert capsys.readouterr().out == "heard\n"
    assert run(["plugins", "list"]) == 0
    out, err = capsys.readouterr()
    assert "acme-two/listen" in out
    assert err.count("Failed: ") == 1
    assert "the command generate exists already, of pavas itself; it was left out" in err
    assert run(["plugins", "check", "acme-two"]) == 1
    assert "the command generate exists already" in capsys.readouterr().err


# -- a fresh process -------------------------------------------------------------------------


PLUGIN_MODULES = """
from importlib.metadata import entry_points
assert len([point.load() for point in entry_points(group='pavas_sdk.plugins')]) >= 2
"""


@pytest.mark.parametrize(
    "statement",
    [
        "import pavas_sdk",
        "import pavas_sdk.data, pavas_sdk.interfaces, pavas_sdk.registry, pavas_sdk.physics",
        "import pavas_sdk.media, pavas_sdk.errors, pavas_sdk.testing, pavas_sdk.models",
        "from pavas_sdk.cli import main",
        "from pavas_sdk.cli.main import run; assert run(['--help']) == 0",
        "from pavas_sdk.cli.main import run; assert run(['plugins', 'list']) == 0",
        "from pavas_sdk.cli.main import run; assert run(['plugins', 'list', '--json']) == 0",
        PLUGIN_MODULES,
    ],
)
def test_torch_stays_out(statement):
    look = "sys.exit(', '.join({'torch', 'diffusers', 'transformers'} & set(sys.modules)) or 0)"
    code = f"import sys\n{statement}\n{look}"
    status, _, err = python(code)
    assert status == 0, err


def test_importing_the_package_imports_no_numpy():
    status, _, err = python("import sys, pavas_sdk; sys.exit('numpy' in sys.modules)")
    assert status == 0, err


def test_the_process_ends_with_the_code():
    status, _, err = python(
        "import sys; sys.argv = ['pavas', 'generat']; from pavas_sdk.cli import main; main()"
    )
    assert status == 2
    assert "Did you mean" in err


WRITER = """
    import time
    from pathlib import Path
    from pavas_sdk import hookimpl
    from pavas_sdk.data.files import replacing


    @hookimpl
    def pavas_register_commands(cli):
        @cli.command("write")
        def write():
            with replacing(Path("result.json")) as temporary:
                temporary.write_text("half")
                print("writing", flush=True)
                time.sleep(600)
"""


def test_ctrl_c_leaves_nothing_half_written(tmp_path, plugin_folder):
    write_plugin(plugin_folder, "acme-writer", WRITER)
    here = tmp_path / "here"
    here.mkdir()
    # a test run in the background of a shell would hand down that Ctrl-C is ignored
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from pavas_sdk.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "write"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(plugin_folder), "PAVAS_PLUGINS": "acme-writer"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    assert len(list(here.iterdir())) == 1
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.strip() == "Interrupted."
    assert list(here.iterdir()) == []
