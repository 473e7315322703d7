"""The documentation is run, complete, and says what the code says."""

import importlib
import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from docs_world import DOCS, ROOT, blocks, commands, runs_alone

import pavas_sdk
from pavas_sdk import errors
from pavas_sdk.cli.main import cli

PAGES = [
    ROOT / "README.md",
    # these two need a Hub: tests/e2e/test_adapter_tutorial.py and test_own_clips.py run them
    *sorted(p for p in (DOCS / "tutorials").glob("*.md") if p.stem not in ("adapter", "own-clips")),
    DOCS / "how-to" / "generate.md",
    DOCS / "how-to" / "estimate.md",
    DOCS / "how-to" / "swap-estimators.md",
    DOCS / "how-to" / "cache.md",
    DOCS / "how-to" / "report.md",
    DOCS / "how-to" / "slow-motion.md",
    DOCS / "how-to" / "publish.md",
    DOCS / "how-to" / "adapters.md",
    DOCS / "how-to" / "simulate.md",
    DOCS / "how-to" / "evaluate.md",
    DOCS / "how-to" / "evaluate-estimators.md",
    DOCS / "how-to" / "vgg-impact.md",
    DOCS / "how-to" / "evaluate-tables.md",
    DOCS / "how-to" / "listening-test.md",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder in which ``examples/`` is what it is in a clone."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_blocks_of_a_page_run_in_order(page, folder):
    source = "\n".join(blocks(page, "python"))
    assert source
    result = subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]


def commands_that_need_no_other_file():
    for page in sorted(DOCS.rglob("*.md")):
        for line in commands(page):
            if runs_alone(line):
                yield pytest.param(line, id=f"{page.stem}: {line}")


@pytest.mark.parametrize("line", list(commands_that_need_no_other_file()))
def test_commands_of_the_docs_run(line, folder):
    words = shlex.split(line)
    result = subprocess.run(
        [str(Path(sys.executable).with_name("pavas")), *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]


def whole_docs():
    return "\n".join(page.read_text("utf-8") for page in sorted(DOCS.rglob("*.md")))


def test_commands_page_is_what_the_commands_say():
    # a process of its own: other tests add commands to the group
    result = subprocess.run(
        [sys.executable, "-c", "import generate_commands as g; print(g.page(), end='')"],
        cwd=DOCS,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    page = (DOCS / "reference" / "commands.md").read_text("utf-8")
    assert page == result.stdout, "run: python docs/generate_commands.py"


def test_every_verb_has_a_how_to():
    how_to = "\n".join(page.read_text("utf-8") for page in (DOCS / "how-to").glob("*.md"))
    missing = [name for name in cli.list_commands(None) if f"pavas {name}" not in how_to]
    assert missing == []


def test_every_error_is_in_the_tree_that_the_docs_show():
    tree = inspect.getdoc(errors)
    missing = [
        name
        for name in errors.__all__
        if issubclass(getattr(errors, name), errors.PavasError) and name not in tree
    ]
    assert missing == []


def test_every_environment_variable_is_documented():
    page = (DOCS / "reference" / "environment.md").read_text("utf-8")
    used = set()
    for source in (ROOT / "pavas_sdk").rglob("*.py"):
        used |= set(re.findall(r"[\"'](PAVAS_[A-Z_]+)[\"']", source.read_text("utf-8")))
    assert used
    assert {name for name in used if f"`{name}`" not in page} == set()


def test_the_page_of_formats_names_what_files_hold():
    page = (DOCS / "reference" / "data-formats.md").read_text("utf-8")
    used = set()
    for source in (ROOT / "pavas_sdk").rglob("*.py"):
        used |= set(re.findall(r'FORMAT = "(pavas\.[\w.-]+)"', source.read_text("utf-8")))
    assert {"pavas.physics", "pavas.provenance"} <= used
    assert {name for name in used if f"`{name}`" not in page} == set()


def test_every_hook_is_documented_with_its_arguments():
    from pavas_sdk.registry import hookspecs

    page = (DOCS / "reference" / "hooks.md").read_text("utf-8")
    hooks = [name for name in vars(hookspecs) if name.startswith("pavas_")]
    assert hooks
    for name in hooks:
        arguments = ", ".join(inspect.signature(getattr(hookspecs, name)).parameters)
        heading = re.search(rf"^## `{name}\((.*?)\)", page, re.MULTILINE)
        assert heading is not None, name
        assert re.sub(r":[^,]*", "", heading[1]) == arguments


def test_links_between_readme_and_docs_exist():
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_public_name_is_documented():
    text = whole_docs() + (ROOT / "README.md").read_text("utf-8")
    rooms = re.findall(r"::: (pavas_sdk[\w.]*)", text)
    exported = set()
    for room in rooms:
        module = importlib.import_module(room)
        exported |= set(getattr(module, "__all__", ()))
    missing = [
        name
        for name in pavas_sdk.__all__
        if name not in exported and name not in text and not name.startswith("__")
    ]
    assert missing == []
