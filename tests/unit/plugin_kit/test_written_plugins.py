"""What ``pavas plugins new`` writes for every kind is found, passes its own tests, and is asked."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.errors import ConfigurationError, OutputExistsError
from pavas_sdk.plugin_kit import PLUGIN_KINDS, plugin_names, write_plugin
from pavas_sdk.registry import KINDS


def distribution(kind):
    return "acme-kit-" + kind.replace("_", "-")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a plugin of every kind, each with the metadata that an installer leaves."""
    home = tmp_path_factory.mktemp("plugins")
    for kind in PLUGIN_KINDS:
        folder = home / kind
        assert run(["plugins", "new", distribution(kind), "--kind", kind, "-o", str(folder)]) == 0
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
            f"License-Expression: {project['license']}\n"
        )
        points = project["entry-points"]["pavas_sdk.plugins"]
        lines = "".join(f"{key} = {value}\n" for key, value in points.items())
        (info / "entry_points.txt").write_text(f"[pavas_sdk.plugins]\n{lines}")
    return home


def call(home, *words):
    paths = os.pathsep.join(str(home / kind) for kind in PLUGIN_KINDS)
    return subprocess.run(
        [sys.executable, *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_there_is_a_kit_for_every_kind():
    assert set(PLUGIN_KINDS) == {*KINDS, "command"}


def their_tests(home, *words):
    (home / "pytest.ini").write_text("[pytest]\n")
    options = ["-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = call(home, *options, "--import-mode=importlib", "-W", "error", *words)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout.splitlines()[-1], done.stdout[-2000:]


def test_the_tests_that_are_written_pass(written):
    """All in one process: starting one for each would take longer than the tests."""
    # what the default pipeline, whose files these are, is asked in tests/contract anyway
    their_tests(
        written, "--deselect=pipeline/tests/test_contract.py::test_contract[pipeline-generates]"
    )


@pytest.mark.slow
def test_the_pipeline_that_is_written_generates(written):
    their_tests(written, "pipeline")


def test_every_plugin_is_found_and_light(written):
    program = "import sys; from pavas_sdk.cli.main import run; sys.exit(run(sys.argv[1:]))"
    done = call(written, "-c", program, "plugins", "list", "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert listed["failures"] == []
    found = {entry["qualified_name"]: entry["kind"] for entry in listed["components"]}
    for kind in set(PLUGIN_KINDS) - {"command"}:
        name = distribution(kind)
        assert found[f"{name}/{plugin_names_of(kind)}"] == kind
    assert distribution("command") in {entry["distribution"] for entry in listed["commands"]}


def plugin_names_of(kind):
    return distribution(kind).partition("-")[2]


def test_plugins_check_asks_components_and_commands_of_what_was_written(written):
    program = "import sys; from pavas_sdk.cli.main import run; sys.exit(run(sys.argv[1:]))"
    names = [distribution(kind) for kind in ("segmenter", "command")]
    done = call(written, "-c", program, "plugins", "check", *names, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["warnings"] == []
    assert {check["component"].partition("/")[0] for check in answer["checks"]} == set(names)
    assert {check["outcome"] for check in answer["checks"]} == {"passed"}


def test_files_of_a_plugin(written):
    folder = written / "segmenter"
    package = "acme_kit_segmenter"
    have = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {
        "pyproject.toml",
        "README.md",
        ".gitignore",
        ".github/workflows/test.yml",
        f"{package}/__init__.py",
        f"{package}/plugin.py",
        f"{package}/segmenter.py",
        f"{package}/py.typed",
        "tests/test_contract.py",
    } <= have
    text = "".join((folder / name).read_text() for name in have if not name.endswith(".typed"))
    assert "${" not in text.replace("${{", "")
    assert "python-version: ${{ matrix.python }}" in text


def test_a_folder_with_something_in_it_is_kept(tmp_path):
    (tmp_path / "acme-x").mkdir()
    (tmp_path / "acme-x" / "mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="choose another folder"):
        write_plugin("acme-x", "segmenter", tmp_path / "acme-x")
    assert [path.name for path in tmp_path.rglob("*")] == ["acme-x", "mine.txt"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("1ball", "begins with a letter"),
        ("acme balls", "begins with a letter"),
        ("json", "a word of Python's own"),
        ("pavas-tiny", "is installed already"),
        ("numpy", "is installed already"),
    ],
)
def test_names_that_cannot_be(name, words):
    with pytest.raises(ConfigurationError, match=words):
        plugin_names(name, "segmenter")


def test_names():
    names = plugin_names("acme-fast.seg", "segmenter")
    assert names.package == "acme_fast_seg"
    assert names.component == "fast.seg"
    assert names.class_name == "FastSegSegmenter"
    assert plugin_names("balls", "mass_estimator", "big").class_name == "BigMassEstimator"
    assert plugin_names("acme-import", "command").class_name == "import_command"


def test_weights_belong_to_a_pipeline_and_must_be_there(tmp_path, capsys):
    options = ["--kind", "segmenter", "--weights", "x", "-o", str(tmp_path / "a")]
    assert run(["plugins", "new", "acme-a", *options]) == 2
    assert "belong to a pipeline" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    options = ["--kind", "pipeline", "--weights", str(tmp_path / "empty"), "-o", "b"]
    assert run(["plugins", "new", "acme-a", *options]) == 2
    assert "pipe.save_pretrained" in capsys.readouterr().err
