"""Commands killed at any moment, again and again; then the same command once more to its end.

The commands run in forks of this process, which has imported everything and computed nothing: so
most kills fall into the work, not into starting. What is there in the end must be what a run without
a kill leaves, to the bit, and nothing beside it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

from forks import fork, import_what, in_fork
from killed_commands import COMMANDS

from pavas_sdk.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from killed_commands import Command

LIMIT_S = 500  # a training and four kills on a busy machine
MOST_KILLS = 4
_state: dict[str, Path] = {}
_known: dict[str, tuple[Command, dict[str, bytes], float]] = {}


def prepare(folder: Path) -> None:
    """Remember where to work; each command is run once when its turn comes."""
    _state["world"] = folder / "world"


def case(rng: np.random.Generator, folder: Path) -> str:
    """Kill a command up to `MOST_KILLS` times, then let it end, and compare."""
    number = int(folder.name.rpartition("-")[2])
    name = list(COMMANDS)[number % len(COMMANDS)]
    if name not in _known:
        _known[name] = _straight(name)
    command, expected, took_s = _known[name]
    out = folder / "out"
    out.mkdir()
    command.begin(out)
    kills, latest_s = 0, took_s
    wanted = int(rng.integers(1, MOST_KILLS + 1))
    while kills < wanted:
        child = fork(lambda: run(command.arguments(out)))
        time.sleep(float(rng.uniform(0.0, 1.0)) * latest_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            kills += 1
        elif kills:
            break  # it came to its end after kills
        else:
            shutil.rmtree(out)
            out.mkdir()
            command.begin(out)
            latest_s /= 2
    code = in_fork(lambda: run(command.arguments(out)))
    assert code in command.codes, f"{name} again ended with {code} after {kills} kills"
    found = command.result(out)
    wrong = sorted(
        file for file in expected.keys() | found.keys() if expected.get(file) != found.get(file)
    )
    assert not wrong, f"{name}: after {kills} kills these differ: {wrong}"
    return f"{name}: {kills} kills"


def _straight(name: str) -> tuple[Command, dict[str, bytes], float]:
    """Run a command without a kill: what it leaves, and the seconds it takes."""
    world = _state["world"] / name.replace(" ", "-")
    shutil.rmtree(world, ignore_errors=True)
    world.mkdir(parents=True)
    command = COMMANDS[name](world, in_fork)
    out = world / "straight"
    out.mkdir()
    command.begin(out)
    import_what(lambda: run(command.arguments(out)))
    shutil.rmtree(out)
    out.mkdir()
    command.begin(out)
    begin = time.monotonic()
    code = in_fork(lambda: run(command.arguments(out)))
    took_s = time.monotonic() - begin
    assert code == 0, f"{name} ended with {code} without a kill"
    expected = command.result(out)
    assert len(expected) >= command.files, f"{name} left only {sorted(expected)}"
    return command, expected, took_s


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)
