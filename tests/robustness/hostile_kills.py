"""Commands that are killed at any moment; the same command again must bring everything to its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from pavas_sdk import PhysicsEstimator
from pavas_sdk.data.claims import file_sha256
from pavas_sdk.media import read_audio, write_video
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

COMMANDS = ("generate", "generate --overwrite", "simulate", "estimate")
_state: dict[str, Path] = {}


def prepare(folder: Path) -> None:
    """Make a model and two films."""
    model = folder / "model"
    if not (model / "model_index.json").exists():
        tiny_pipeline(physics_estimator=PhysicsEstimator()).save_pretrained(model)
    for index in range(2):
        path = folder / f"film{index}.mp4"
        if not path.exists():
            write_video(path, moving_discs(1, frames=15, height=48, width=64).video)
    _state.update(model=model, folder=folder)


def case(rng: np.random.Generator, folder: Path) -> str:
    """Kill a command, run it again, and look at what is there."""
    name = COMMANDS[int(rng.integers(len(COMMANDS)))]
    out, films = folder / "out", [str(_state["folder"] / f"film{index}.mp4") for index in range(2)]
    verb, *more = name.split()
    arguments = {
        "generate": [
            "generate",
            *films,
            "-o",
            str(out),
            "--model",
            str(_state["model"]),
            "--steps",
            "1",
            *more,
        ],
        "simulate": ["simulate", "-n", "2", "-o", str(out), "--duration", "1"],
        "estimate": [
            "estimate",
            films[0],
            "-o",
            str(out / "film0.physics.json"),
            "--cache",
            str(folder / "cache"),
            "--overwrite",
        ],
    }[verb]
    out.mkdir()
    if more:
        assert run(arguments[: -len(more)]) == 0
    begin = time.monotonic()
    process = start(arguments)
    # most of the time goes into starting; the moments of writing are what is wanted
    wanted = float(rng.uniform(0.0, 1.0))
    while process.poll() is None and time.monotonic() - begin < 60:
        if any(out.iterdir()) and not more:
            time.sleep(wanted * 0.05)
            break
        time.sleep(0.002)
        if time.monotonic() - begin > 2.0 + 8.0 * wanted:
            break
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
    code = run(arguments)
    assert code == 0, f"{name} again ended with {code}"
    hidden = [path.name for path in out.rglob(".*")]
    assert not hidden, f"left behind: {hidden}"
    if verb == "generate":
        for index in range(2):
            sidecar = json.loads((out / f"film{index}.pavas.json").read_text())
            for file, digest in sidecar["files"].items():
                assert file_sha256(out / file) == digest, file
            read_audio(out / f"film{index}.wav")
    elif verb == "simulate":
        assert len(list(out.glob("*.contacts.json"))) == 2
    else:
        json.loads((out / "film0.physics.json").read_text())
        assert not list((folder / "cache").glob(".*"))
    return name


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start ``pavas``."""
    return subprocess.Popen(
        [sys.executable, "-c", "from pavas_sdk.cli import main; main()", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(arguments: list[str]) -> int:
    """Run ``pavas`` to its end."""
    return start(arguments).wait(timeout=100)


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)
