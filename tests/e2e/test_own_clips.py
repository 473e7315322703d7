"""The lesson "Teach it your own clips": its commands as they stand, on simulated clips, with fewer steps."""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from clip_files_world import write_clips
from docs_world import DOCS, commands
from stand_in_hub import stand_in_hub

from pavas_sdk import PavasPipeline
from pavas_sdk.cli.main import run
from pavas_sdk.data.adapter_document import AdapterDocument
from pavas_sdk.training.datasets import FeatureSet

ROOT = Path(__file__).resolve().parents[2]
LESSON = (ROOT / "docs" / "tutorials" / "own-clips.md").read_text("utf-8")
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(LESSON))
# All lines in one process: starting one costs seconds.
COMMANDS = """
import shlex, sys
from pavas_sdk.cli.main import run
for line in sys.argv[1:]:
    assert run(shlex.split(line)[1:]) == 0, line
"""
QUICK = {
    "annotate": "--duration 2 --workers 0",
    "train adapter": "--steps 3 --batch 3 --set optimisation.warmup=1",
    "train lora": "--steps 2 --batch 2",
    "train backbone": "--steps 2 --batch 2",
    "generate": "--steps 2",
    "evaluate simulated": "--clips 2 --steps 2",
}


def follow(title, *, longer=None, lines=slice(None), allowed=(0,)):
    """Run the lines of a block, each with the words that make it quick."""
    for line in BLOCKS[title].splitlines()[lines]:
        program, *words = shlex.split(line)
        assert program == "pavas"
        target = None
        if ">" in words:
            words, (target,) = words[: words.index(">")], words[words.index(">") + 1 :]
        quick = QUICK if longer is None else QUICK | longer
        for verb, more in quick.items():
            if " ".join(words).startswith(verb):
                words += more.split()
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            assert run(words) in allowed, line
        if target is not None:
            Path(target).write_text(told.getvalue())


def validations():
    lines = Path("runs/mine/log.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry.get("validation") is not None]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def simulate(train, held):
    for name, seed, count in (("train", 0, train), ("held", 1, held)):
        words = f"simulate -n {count} --seed {seed} --duration 2 --fps 25 -o clips/{name}"
        assert run(words.split()) == 0


def test_from_clips_to_an_adapter_that_is_heard(folder, monkeypatch):
    monkeypatch.setitem(QUICK, "annotate", "--duration 1 --workers 0")
    for name, count in (("train", 3), ("held", 1)):
        write_clips(folder / "clips" / name, count)
    for title in ("annotate", "prepare", "train"):
        follow(title)
    follow("generate", lines=slice(1, 2))
    follow("more", lines=slice(0, 2))
    Path("runs/one").symlink_to("mine")  # as the run is called in the how-to
    (line,) = (
        one for one in commands(DOCS / "how-to/train.md") if one.startswith("pavas train ema")
    )
    assert run(shlex.split(line)[1:]) == 0

    sets = {name: FeatureSet(folder / "features" / name) for name in ("train", "held")}
    assert len(sets["train"]) == 3
    assert sets["held"].description.level == sets["train"].description.level
    assert sets["held"].description.level["policy"] == "constant"

    base = PavasPipeline.from_pretrained("pavas-tiny")
    fresh = PavasPipeline.from_pretrained("pavas-tiny")
    fresh.load_adapter("runs/mine/adapter")
    mine, own = fresh.conditioning_adapter, base.conditioning_adapter
    assert mine.uses_impacts
    for name in ("impact_mean", "mass_mean", "speed_std_m_s", "hidden_dim"):
        assert mine.config[name] == own.config[name]
    moved = {
        name
        for (name, value), other in zip(mine.named_parameters(), own.parameters(), strict=True)
        if not torch.equal(value, other)
    }
    assert any(name.startswith("impact.") for name in moved)
    training = AdapterDocument.read(folder / "runs/mine/adapter").training
    assert re.fullmatch(r"constant, [+-]\d+\.\d dB", training["level"])
    assert training["validation_loss"] > 0

    for name, scale, loras in (("half", 0.5, []), ("metal", 1.0, [("lora", 0.7)])):
        (path,) = Path("out", name).glob("*.pavas.json")
        told = json.loads(path.read_text())
        assert told["adapter"]["source"] == "adapter"
        assert told["adapter"]["scale"] == scale
        assert [(entry["source"], entry["weight"]) for entry in told.get("lora", [])] == loras


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_lesson_and_the_loss_falls(folder, monkeypatch):
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "load.py").write_text(BLOCKS["load.py"])
    (folder / "hub").mkdir()
    simulate(16, 5)
    longer = {"train adapter": "--steps 150 --batch 8 --set validate_every=75"}
    follow("annotate", allowed=(0, 1))  # some are silent, and left out
    failures = [
        json.loads(line) for line in Path("data/train/failures.jsonl").read_text().splitlines()
    ]
    assert all("silent" in failure["message"] for failure in failures)
    follow("prepare")
    assert len(FeatureSet("features/train")) == 16 - len(failures) > 8
    follow("train", longer=longer)
    first, last = validations()[0], validations()[-1]
    assert last["step"] == 150
    assert last["validation"] < first["validation"]
    assert last["swapped"] > last["validation"]
    for title in ("generate", "more", "evaluate"):
        follow(title)
    assert len(list(Path("out/whole").glob("*.wav"))) == 5
    with stand_in_hub(folder / "hub") as (address, _):
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(folder / "home"),
            "HF_TOKEN": "hf_standin",
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1",
        }
        environment.pop("HF_HUB_OFFLINE", None)
        for words in (["-c", COMMANDS, *BLOCKS["publish"].splitlines()], ["load.py"]):
            done = subprocess.run(
                [sys.executable, *words],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-3000:]
    assert "'source': 'you/hammer-physics'" in done.stdout
    assert "loudness_energy_spearman" in (folder / "hub/you/hammer-physics/README.md").read_text()
