"""The lesson "Publish an adapter of your own", word for word, against a stand-in Hub."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from stand_in_hub import stand_in_hub

ROOT = Path(__file__).resolve().parents[2]
LESSON = (ROOT / "docs" / "tutorials" / "adapter.md").read_text("utf-8")
BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
BLOCKS = {title: text for _, title, text in BLOCK.findall(LESSON)}


def install(folder):
    """What ``pip install -e .`` would leave: the package on the path, and its metadata."""
    project = tomllib.loads(BLOCKS["pyproject.toml"])["project"]
    for title, text in BLOCKS.items():
        if title.endswith(".py"):
            (folder / title).parent.mkdir(parents=True, exist_ok=True)
            (folder / title).write_text(text)
    name, version = project["name"], project["version"]
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    points = project["entry-points"]["pavas_sdk.plugins"]
    lines = "".join(f"{key} = {value}\n" for key, value in points.items())
    (info / "entry_points.txt").write_text(f"[pavas_sdk.plugins]\n{lines}")


@pytest.fixture
def call(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    install(tmp_path)
    (tmp_path / "hub").mkdir()
    with stand_in_hub(tmp_path / "hub") as (address, _):
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": "hf_standin",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
            "OMP_NUM_THREADS": "1",
            "PAVAS_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": str(tmp_path),
        }
        environment.pop("HF_HUB_OFFLINE", None)

        def run(*words):
            done = subprocess.run(
                words,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=500,
            )
            assert done.returncode == 0, f"{words}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
            return done.stdout

        yield run


# All lines in one process: starting one costs seconds.
COMMANDS = """
import shlex, sys
from pavas_sdk.cli.main import run
for line in sys.argv[1:]:
    program, *words = shlex.split(line)
    assert program == "pavas"
    assert run(words) == 0, line
"""


def test_the_lesson_runs_as_it_stands(call, tmp_path):
    lines = [line for title in ("check", "train", "publish") for line in BLOCKS[title].splitlines()]
    shown = call(sys.executable, "-c", COMMANDS, *lines)
    assert "acme-hit/hit 0.1.0" in shown
    card = (tmp_path / "hub" / "you" / "hit-physics" / "README.md").read_text()
    assert "pip install acme-hit" in card
    assert "None were measured" in card
    told = call(sys.executable, str(tmp_path / "load.py"))
    assert "'source': 'you/hit-physics'" in told
    assert "'scale': 0.8" in told
