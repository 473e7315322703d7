"""Does finding a plugin import what is heavy? Asked in an interpreter of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

__all__ = ["HeavyImport", "heavy_imports"]

HEAVY = (
    "cv2",
    "diffusers",
    "jax",
    "librosa",
    "matplotlib",
    "numba",
    "numpy",
    "open_clip",
    "pandas",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
)
"""Packages that take a tenth of a second or more to import."""

_PROGRAM = """
import importlib, json, sys, time
import pavas_sdk, pavas_sdk.registry
heavy, module = set(json.loads(sys.argv[1])), sys.argv[2]
sys.path[:] = json.loads(sys.argv[3])
parts, found = module.split("."), []
for end in range(1, len(parts) + 1):
    name = ".".join(parts[:end])
    before, began = set(sys.modules), time.perf_counter()
    file = getattr(importlib.import_module(name), "__file__", None)
    new = sorted(heavy & (set(sys.modules) - before))
    if new:
        found.append([name, file, new, time.perf_counter() - began])
print(json.dumps(found), file=sys.__stdout__)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyImport:
    """A module that imports heavy packages while its plugin is found.

    Attributes:
        module: The module: the plugin's, or a package that holds it, whose ``__init__`` runs first.
        file: Its file, or None.
        packages: The heavy packages, sorted.
        seconds: How long it took to import.
    """

    module: str
    file: str | None
    packages: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        where = f" ({self.file})" if self.file else ""
        return (
            f"{self.module}{where} imports {', '.join(self.packages)}: each start of pavas takes "
            f"{self.seconds:.1f} s longer; import inside functions, or on demand by a module's "
            "__getattr__"
        )


def heavy_imports(entry_point: str, *, limit_s: float = 120.0) -> list[HeavyImport]:
    """Return what imports heavy packages before a plugin has said a word.

    Args:
        entry_point: Its value: ``"acme_balls.plugin"``, or ``"acme_balls.plugin:plugin"``.
        limit_s: Seconds that the imports may take.

    Returns:
        In the order of the imports; empty when it is light, or cannot be imported in that time (the
        registry says why).
    """
    module = entry_point.partition(":")[0].strip()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, json.dumps(HEAVY), module, json.dumps(sys.path)],
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return []
    if done.returncode != 0:
        return []
    return [
        HeavyImport(module=name, file=file, packages=tuple(packages), seconds=seconds)
        for name, file, packages, seconds in json.loads(done.stdout.splitlines()[-1])
    ]
