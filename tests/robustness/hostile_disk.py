"""Disks that get full, folders and files that may not be read or written, too few open files."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import signal
import stat
from typing import TYPE_CHECKING

import numpy as np
from forks import import_what, in_fork, said_in_fork

import pavas_sdk.cli.generate
import pavas_sdk.pipelines  # noqa: F401  # before the forks
from pavas_sdk import PhysicsEstimator
from pavas_sdk.cli.main import run
from pavas_sdk.errors import PavasError
from pavas_sdk.media import read_audio, write_video
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAYS = ("full", "full", "stdout", "few files", "permissions", "permissions", "permissions")
PLACES = (
    "out", "out/film.wav", "out/physics.json", "out/cache", "film.mp4", "model", "model/vae", ".",
)  # fmt: skip
_state: dict[str, Path] = {}


def prepare(folder: Path) -> None:
    """Make a model and a film."""
    model, film = folder / "model", folder / "film.mp4"

    def write() -> None:
        tiny_pipeline(physics_estimator=PhysicsEstimator()).save_pretrained(model)
        write_video(film, moving_discs(1, frames=25, height=48, width=64).video)

    if not film.exists():
        assert in_fork(write) == 0
    _state.update(model=model, film=film)
    for number, words in enumerate(_commands(film, model, folder / "imports")):
        if number != 1:  # as the first
            import_what(lambda words=words: run(words))
    shutil.rmtree(folder / "imports")


def case(rng: np.random.Generator, folder: Path) -> str:
    """Run a command in a world that fails it, and look at what it says and leaves."""
    out = folder / "out"
    film, model = folder / "film.mp4", folder / "model"
    shutil.copy(_state["film"], film)
    shutil.copytree(_state["model"], model)
    commands = _commands(film, model, out)
    words = list(commands[int(rng.integers(len(commands)))])
    way = WAYS[int(rng.integers(len(WAYS)))]
    spoil, what = _spoiler(way, rng, folder)
    if rng.random() < 0.3:
        assert in_fork(lambda: run(words)) == 0
        if words[0] in {"generate", "estimate"} and rng.random() < 0.7:
            words.append("--overwrite")

    def work() -> int:
        spoil()
        return run(words)

    code, said = said_in_fork(work)
    _allow(folder)
    told = f"{words[0]} {what}"
    assert code in (0, 1, 2), f"{told}: code {code}: {said[-400:]}"
    assert "Traceback" not in said, f"{told}: {said[-400:]}"
    understood = "Usage:" not in said or "is not readable" in said or "is not writable" in said
    assert understood, f"{told}: {said[-400:]}"  # else it is a command that there is not
    hidden = [path.name for path in folder.rglob(".*")]
    assert not hidden, f"{told}: left behind: {hidden}"
    if (out / "film.pavas.json").exists():
        sidecar = json.loads((out / "film.pavas.json").read_text())
        read_audio(out / "film.wav")
        assert code == 2 or bool(sidecar.get("not_written")) == (code == 1), told
    elif words[0] == "generate":
        assert not list(out.glob("*.wav")) if out.is_dir() else True
    if code == 2:
        assert "Error" in said, f"{told}: {said[-400:]}"
        raise PavasError(f"{told}: {said.strip().splitlines()[-1]}")
    return f"{told}: {code}"


def _commands(film: Path, model: Path, out: Path) -> tuple[list[str], ...]:
    generate = ["generate", str(film), "-o", str(out), "--model", str(model), "--steps", "1"]
    physics = str(out / "physics.json")
    return (
        generate,
        [*generate, "--to", "mkv", "--json"],
        ["simulate", "-n", "1", "-o", str(out), "--duration", "1"],
        ["estimate", str(film), "-o", physics, "--cache-dir", str(out / "cache")],
        ["estimate", str(film)],
    )


def _spoiler(way: str, rng: np.random.Generator, folder: Path) -> tuple[Callable[[], None], str]:
    """Return what makes the world fail, inside the fork, and its name."""
    if way == "full":
        most = int(np.exp(rng.uniform(np.log(100), np.log(2e5))))

        def full() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        return full, f"with files of {most} bytes at most"
    if way == "stdout":
        return _full_stdout, "> /dev/full"
    if way == "few files":
        most = int(rng.integers(4, 24))
        return (lambda: _few_files(most)), f"with {most} more open files"
    place = PLACES[int(rng.integers(len(PLACES)))]
    mode = int(rng.choice([0o000, 0o444, 0o555]))

    def forbid() -> None:
        target = folder / place
        if place in {"out", "out/cache"}:
            target.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.chmod(mode)
        _without_powers()

    return forbid, f"with {place} {mode:03o}"


def _full_stdout() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def _few_files(most: int) -> None:
    now = os.dup(0)  # the lowest that is free
    resource.setrlimit(resource.RLIMIT_NOFILE, (now + most, now + most))


def _without_powers() -> None:
    """Take from root what lets it read and write everything."""
    if os.geteuid() != 0:
        return
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _allow(folder: Path) -> None:
    for path in (folder, *(folder / name for name in ("out", "out/cache", "model", "model/vae"))):
        if path.is_dir():
            path.chmod(stat.S_IRWXU)
    for path in (folder / "film.mp4", folder / "out/film.wav", folder / "out/physics.json"):
        if path.exists():
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def clean(folder: Path) -> None:
    """Forget a case."""
    if folder.exists():
        _allow(folder)
    shutil.rmtree(folder, ignore_errors=True)
