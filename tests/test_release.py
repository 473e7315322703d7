"""Release: one command bumps all versions; every package that is installed has its licence listed."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from pavas_sdk.cli.dependencies import installed_dependencies
from pavas_sdk.cli.main import run

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path):
    for file in [
        ROOT / "CHANGELOG.md",
        ROOT / "pyproject.toml",
        *ROOT.glob("plugins/*/pyproject.toml"),
    ]:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    return tmp_path


def bump(checkout, word):
    return subprocess.run(
        [sys.executable, ROOT / ".ci" / "bump", word, "--root", checkout],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_command_bumps_every_version_and_what_they_ask_of_each_other(checkout):
    done = bump(checkout, "7.8.9")
    assert done.returncode == 0, done.stderr
    files = [checkout / "pyproject.toml", *sorted(checkout.glob("plugins/*/pyproject.toml"))]
    assert len(files) > 5
    assert set(done.stdout.split()) == {
        "CHANGELOG.md",
        *(str(file.relative_to(checkout)) for file in files),
    }
    for file in files:
        project = tomllib.loads(file.read_text())["project"]
        assert project["version"] == "7.8.9"
        own = [need for need in project["dependencies"] if re.match(r"pavas-[a-z0-9-]+[<>=]", need)]
        assert all(need.endswith(">=7.8,<7.9") for need in own), own
    text = (checkout / "CHANGELOG.md").read_text()
    assert text.index("## [Unreleased]") < text.index("## [7.8.9] - ")
    assert bump(checkout, "7.8.9").stdout == ""


def test_a_word_that_is_no_version_changes_nothing(checkout):
    before = (checkout / "pyproject.toml").read_text()
    done = bump(checkout, "next")
    assert done.returncode == 2
    assert "MAJOR.MINOR.PATCH" in done.stderr
    assert (checkout / "pyproject.toml").read_text() == before


def test_dependencies_are_found_through_others_and_have_licences():
    rows = {row["name"]: row for row in installed_dependencies(["pavas-sdk"])}
    assert {"pavas-sdk", "pavas-tiny", "torch", "numpy", "click", "jinja2"} <= set(rows)
    assert rows["pavas-sdk"]["required_by"] == ""
    assert rows["jinja2"]["required_by"] not in ("", "pavas-sdk")  # torch's
    assert rows["numpy"]["version"] == version("numpy")
    assert "BSD" in rows["numpy"]["licence"]
    # of an extra that nobody asked for
    assert "tensorboard" not in rows
    assert installed_dependencies(["no-such-thing"]) == []
    stated = [row for row in rows.values() if row["licence"]]
    assert len(stated) >= 0.9 * len(rows)


def test_pavas_licences_all_lists_them(capsys):
    assert run(["licences", "--all"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"(?m)^click +\S+ +BSD", out)
    assert out.index("COMPONENT") < out.index("PACKAGE")
