"""The commands that are killed: what is typed each time, and what must be there in the end."""

from __future__ import annotations

import json
import sys
import types
from typing import TYPE_CHECKING, ClassVar

from released_world import PRESET, write_official
from safetensors.numpy import load_file
from training_features_world import write_features

import pavas_sdk.cli.generate
import pavas_sdk.pipelines
import pavas_sdk.training.runs  # noqa: F401  # before the forks
from pavas_sdk import PhysicsEstimator
from pavas_sdk.data.claims import file_sha256
from pavas_sdk.media import write_video
from pavas_sdk.registry import ComponentSpec, Registry, hookimpl
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    InFork = Callable[[Callable[[], object]], int]

__all__ = ["COMMANDS", "Command"]

STEPS = 8


class Command:
    """One command, and the world it works in."""

    codes: ClassVar[set[int]] = {0}
    files: ClassVar[int] = 1

    def __init__(self, world: Path, in_fork: InFork) -> None:
        """Write what the command reads; what computes does so in a fork."""

    def begin(self, out: Path) -> None:
        """Put into the folder what is there before the command."""

    def arguments(self, out: Path) -> list[str]:
        """As a user types it, and types it again."""
        raise NotImplementedError

    def result(self, out: Path) -> dict[str, bytes]:
        """All that lies in the folder, hidden things too."""
        return {
            str(path.relative_to(out)): path.read_bytes() if path.is_file() else b""
            for path in out.rglob("*")
        }


class Generation(Command):
    """``pavas generate`` of two films; each sidecar knows the files beside it."""

    files = 8
    more: ClassVar[list[str]] = []

    def __init__(self, world: Path, in_fork: InFork) -> None:
        self.model, self.films = world / "model", [world / f"film{index}.mp4" for index in range(2)]
        in_fork(self._write)
        self.words = ["generate", *map(str, self.films), "--model", str(self.model), "--steps", "1"]

    def _write(self) -> None:
        tiny_pipeline(physics_estimator=PhysicsEstimator()).save_pretrained(self.model)
        for path in self.films:
            write_video(path, moving_discs(1, frames=15, height=48, width=64).video)

    def arguments(self, out: Path) -> list[str]:
        return [*self.words, "-o", str(out), *self.more]

    def result(self, out: Path) -> dict[str, bytes]:
        found = super().result(out)
        for name in [name for name in found if name.endswith(".pavas.json")]:
            files = json.loads(found[name])["files"]
            for file, digest in files.items():
                assert file_sha256(out / file) == digest, f"{name} does not fit {file}"
            found[name] = json.dumps(sorted(files)).encode()
        return found


class GenerationAnew(Generation):
    """``pavas generate --overwrite`` over an older set, that of another seed."""

    more: ClassVar[list[str]] = ["--overwrite"]

    def __init__(self, world: Path, in_fork: InFork) -> None:
        super().__init__(world, in_fork)
        self.older = world / "older"
        words = [*self.words, "-o", str(self.older), "--seed", "5"]
        from pavas_sdk.cli.main import run

        assert in_fork(lambda: run(words)) == 0

    def begin(self, out: Path) -> None:
        for path in self.older.iterdir():
            (out / path.name).write_bytes(path.read_bytes())


class Simulation(Command):
    """``pavas simulate`` of two clips."""

    files = 6

    def arguments(self, out: Path) -> list[str]:
        return ["simulate", "-n", "2", "-o", str(out), "--duration", "1"]


class Estimation(Command):
    """``pavas estimate`` with a cache of estimates."""

    files = 2

    def __init__(self, world: Path, in_fork: InFork) -> None:
        self.film = world / "film.mp4"
        in_fork(lambda: write_video(self.film, moving_discs(1, frames=25).video))

    def arguments(self, out: Path) -> list[str]:
        words = ["estimate", str(self.film), "-o", str(out / "film.physics.json"), "--overwrite"]
        return [*words, "--cache-dir", str(out / "cache")]

    def result(self, out: Path) -> dict[str, bytes]:
        """Estimates in the cache say when they were used: their names count."""
        return {
            name: b"" if name.startswith("cache") else content
            for name, content in super().result(out).items()
        }


class Training(Command):
    """``pavas train adapter``, with a checkpoint at each step."""

    files = 5

    def __init__(self, world: Path, in_fork: InFork) -> None:
        in_fork(lambda: self._write(world))
        self.words = ["train", "adapter", str(world / "features"), "--base", str(world / "base")]
        self.words += ["--adapter-only", "--steps", str(STEPS), "--batch", "4"]
        self.words += ["--validation", str(world / "held")]
        for number in (
            "mixed_precision=no",
            "save_every=1",
            "validate_every=4",
            "average.keep_every=5",
        ):
            self.words += ["--set", number]

    @staticmethod
    def _write(world: Path) -> None:
        tiny_pipeline().save_pretrained(world / "base")
        write_features(world / "features", count=8, model=str(world / "base"))
        write_features(world / "held", count=4, first=50, model=str(world / "base"))

    def arguments(self, out: Path) -> list[str]:
        """With --resume when there is a checkpoint to go on from."""
        begun = any((out / name).is_dir() for name in ("checkpoint", "checkpoint.old"))
        return [*self.words, "-o", str(out), *(["--resume"] if begun else [])]

    def result(self, out: Path) -> dict[str, bytes]:
        """What must be the same to the bit: weights, averages, and the figures along the way."""
        found = {
            str(path.relative_to(out)): _numbers(path)
            for part in ("adapter", "averages", "checkpoint")
            for path in out.glob(f"{part}/*.safetensors")
        }
        log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        for entry in log:
            entry.pop("steps_per_s", None)
            # the mean over what one process did since its last report
            entry.pop("loss", None)
        return found | {"log.jsonl": json.dumps(log).encode()}


def _numbers(path: Path) -> bytes:
    """All tensors of a file, by name: entries of its header stand in any order."""
    tensors = load_file(path)
    return b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))


class Conversion(Command):
    """``pavas models convert`` of a tiny released model."""

    codes: ClassVar[set[int]] = {0, 2}  # what is whole is kept, and told with exit code 2
    files = 5

    def __init__(self, world: Path, in_fork: InFork) -> None:
        self.official = world / "official"
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
        words = ["models", "convert", "tiny-released", "-o", str(out / "model")]
        return [*words, "--from", str(self.official)]


COMMANDS: dict[str, Callable[[Path, InFork], Command]] = {
    "generate": Generation,
    "convert": Conversion,
    "simulate": Simulation,
    "train": Training,
    "estimate": Estimation,
    "generate --overwrite": GenerationAnew,
}
