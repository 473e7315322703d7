"""Disks that are full: a file may grow to any size, then writing fails."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk import PhysicsEstimator
from pavas_sdk.media import read_audio, write_video
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

if TYPE_CHECKING:
    from pathlib import Path

_state: dict[str, Path] = {}


def prepare(folder: Path) -> None:
    """Make a model and a film."""
    model = folder / "model"
    if not (model / "model_index.json").exists():
        tiny_pipeline(physics_estimator=PhysicsEstimator()).save_pretrained(model)
    film = folder / "film.mp4"
    if not film.exists():
        write_video(film, moving_discs(1, frames=50, height=96, width=128).video)
    _state.update(model=model, film=film)


def case(rng: np.random.Generator, folder: Path) -> str:
    """Run a command whose files may have so many bytes, and look at what is there."""
    out = folder / "out"
    film = str(_state["film"])
    commands = (
        ["generate", film, "-o", str(out), "--model", str(_state["model"]), "--steps", "1"],
        [
            "generate",
            film,
            "-o",
            str(out),
            "--model",
            str(_state["model"]),
            "--steps",
            "1",
            "--to",
            "mkv",
            "--json",
        ],
        ["simulate", "-n", "1", "-o", str(out), "--duration", "1"],
        ["estimate", film, "-o", str(out / "physics.json"), "--cache", str(folder / "cache")],
    )
    command = commands[int(rng.integers(len(commands)))]
    most = int(np.exp(rng.uniform(np.log(100), np.log(2e5))))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    done = subprocess.run(
        [sys.executable, "-B", "-c", "from pavas_sdk.cli import main; main()", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=limit,  # one thread
        timeout=110,
        check=False,
    )
    assert done.returncode in (0, 1, 2), f"code {done.returncode}: {done.stderr[-400:]}"
    assert "Traceback" not in done.stderr, done.stderr[-400:]
    hidden = [path.name for path in out.rglob(".*")] if out.exists() else []
    assert not hidden, f"left behind: {hidden}"
    if done.returncode == 1:
        assert "the sound is kept" in done.stderr
        read_audio(out / "film.wav")
        assert json.loads((out / "film.pavas.json").read_text())["not_written"]
    if done.returncode == 2:
        assert "Error:" in done.stderr
        assert not list(out.glob("*.wav")) if out.exists() else True
    return f"{command[0]} {most} bytes: {done.returncode}"


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)
