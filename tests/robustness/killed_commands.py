"""Long commands killed at any moment, again and again; then the same command once more to its end.

``killed_commands.py train|convert SEED COUNT FOLDER`` prints a line of JSON about each case. The
commands run in forks of this process, which has imported everything and computed nothing: so most
kills fall into the work, not into starting.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
import types
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.numpy import load_file

sys.path[:0] = [str(Path(__file__).parent.parent)]

from released_world import PRESET, write_official  # noqa: E402  # behind the search path
from training_features_world import write_features  # noqa: E402

import pavas_sdk.cli.generate  # noqa: E402
import pavas_sdk.pipelines  # noqa: E402
import pavas_sdk.training.runs  # noqa: E402, F401
from pavas_sdk.cli.main import run  # noqa: E402
from pavas_sdk.registry import ComponentSpec, Registry, hookimpl  # noqa: E402
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 8
MOST_KILLS = 4


def numbers(path: Path) -> bytes:
    """All tensors of a file, by name: entries of its header stand in any order."""
    tensors = load_file(path)
    return b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))


class Training:
    """``pavas train adapter``, with a checkpoint at each step."""

    def __init__(self, folder: Path) -> None:
        in_fork(lambda: self._write(folder))
        self.words = ["train", "adapter", str(folder / "features"), "--base", str(folder / "base")]
        self.words += ["--adapter-only", "--steps", str(STEPS), "--batch", "4"]
        self.words += ["--validation", str(folder / "held")]
        for number in (
            "mixed_precision=no",
            "save_every=1",
            "validate_every=4",
            "average.keep_every=5",
        ):
            self.words += ["--set", number]

    @staticmethod
    def _write(folder: Path) -> None:
        tiny_pipeline().save_pretrained(folder / "base")
        write_features(folder / "features", count=8, model=str(folder / "base"))
        write_features(folder / "held", count=4, first=50, model=str(folder / "base"))

    def arguments(self, out: Path) -> list[str]:
        """As a user types it again: with --resume when there is a checkpoint to go on from."""
        begun = any((out / name).is_dir() for name in ("checkpoint", "checkpoint.old"))
        return [*self.words, "-o", str(out), *(["--resume"] if begun else [])]

    def result(self, out: Path) -> dict[str, bytes]:
        """What must be the same to the bit: weights, averages, and the figures along the way."""
        found = {
            str(path.relative_to(out)): numbers(path)
            for part in ("adapter", "averages", "checkpoint")
            for path in out.glob(f"{part}/*.safetensors")
        }
        log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        for entry in log:
            entry.pop("steps_per_s", None)
            # the mean over what one process did since its last report
            entry.pop("loss", None)
        return found | {"log.jsonl": json.dumps(log).encode()}


class Conversion:
    """``pavas models convert`` of a tiny released model."""

    def __init__(self, folder: Path) -> None:
        self.official = folder / "official"
        in_fork(lambda: write_official(self.official))
        module = types.ModuleType("acme_released")
        module.tiny = PRESET  # type: ignore[attr-defined]

        @hookimpl
        def pavas_register_components() -> list[ComponentSpec]:
            licence = PRESET.release.licence
            return [
                ComponentSpec("pipeline", "tiny-released", "acme_released:tiny", licence=licence)
            ]

        module.pavas_register_components = pavas_register_components  # type: ignore[attr-defined]
        sys.modules["acme_released"] = module
        registry = Registry(entry_points=False)
        registry.register_plugin(module, version="1.0")
        import pavas_sdk.cli.models

        pavas_sdk.cli.models.default_registry = lambda: registry  # type: ignore[attr-defined]

    def arguments(self, out: Path) -> list[str]:
        """The same each time: what is whole is kept, and told with exit code 2."""
        words = ["models", "convert", "tiny-released", "-o", str(out / "model")]
        return [*words, "--from", str(self.official)]

    def result(self, out: Path) -> dict[str, bytes]:
        """All files, and nothing beside the folder."""
        return {
            str(path.relative_to(out)): path.read_bytes()
            for path in out.rglob("*")
            if path.is_file()
        }


KINDS = {"train": Training, "convert": Conversion}


def fork(work: Callable[[], object]) -> int:
    """Start ``work`` in a copy of this process, silent, and return its id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        torch.set_num_threads(1)
        code = int(work() or 0)  # type: ignore[call-overload]
    finally:
        os._exit(code)


def in_fork(work: Callable[[], object]) -> int:
    """Run ``work`` in a fork to its end and return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(lambda: _none(work)), 0)[1])


def _none(work: Callable[[], object]) -> int:
    found = work()
    return found if isinstance(found, int) else 0


def case(
    kind: Training | Conversion,
    expected: dict[str, bytes],
    took_s: float,
    out: Path,
    rng: np.random.Generator,
) -> dict[str, object]:
    """Kill a command up to `MOST_KILLS` times, then let it end; say what differs."""
    kills = 0
    for _ in range(int(rng.integers(1, MOST_KILLS + 1))):
        child = fork(lambda: run(kind.arguments(out)))
        time.sleep(float(rng.uniform(0.0, 1.1)) * took_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        kills += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            break
    code = in_fork(lambda: run(kind.arguments(out)))
    found = kind.result(out)
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    return {"kills": kills, "code": code, "wrong": wrong}


def main(name: str, seed: int, count: int, folder: Path) -> None:
    """Run the cases."""
    kind = KINDS[name](folder)
    straight = folder / "straight"
    straight.mkdir()
    code = in_fork(lambda: run(kind.arguments(straight)))  # files are read for the first time
    shutil.rmtree(straight)
    straight.mkdir()
    begin = time.monotonic()
    code = in_fork(lambda: run(kind.arguments(straight)))
    took_s = time.monotonic() - begin
    assert code == 0, code
    expected = kind.result(straight)
    for number in range(count):
        out = folder / f"case{number}"
        out.mkdir()
        told = case(kind, expected, took_s, out, np.random.default_rng([seed, number]))
        print(json.dumps({"case": number, "took_s": took_s, "files": len(expected), **told}))
        shutil.rmtree(out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
