"""Physics, overrides and sidecars with values that nobody expects, and text that is no JSON."""

from __future__ import annotations

import copy
import json
import shutil
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.pipelines.output import read_sidecar
from pavas_sdk.pipelines.physics_input import read_physics
from pavas_sdk.testing import moving_discs

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e300, -1e300, 1e-300, 10**400, -(10**400), 2**53, "", "²", "9" * 5000,
    "\ud800", "\x1b[31m", "x" * 10_000, [], {}, [[]], {"": None}, [None], [1e300], "none", 0.5,
    [0.0, 0.0], ["a"], 1e9, -1e9, {"factor": 10**400}, {"times_s": [0, 1], "speed_m_s": [1, None]},
)  # fmt: skip
SEEDS: list[dict[str, Any]] = []


def prepare(folder: Path) -> None:
    """Make the documents that are mutated."""
    del folder
    physics = moving_discs(2, frames=20).physics.to_json()
    SEEDS.append(physics)
    SEEDS.append({**copy.deepcopy(physics), "format_version": 1})
    SEEDS.append(
        {
            "masses_kg": {"0": 1.0, "disc": 2.0},
            "speeds": {
                "0": {"factor": 2.0},
                "1": {"times_s": [0.0, 0.4], "speed_m_s": [1.0, None]},
            },
        }
    )
    SEEDS.append({"format": "pavas.provenance", "format_version": 1, "seed": 0, "physics": physics})


def case(rng: np.random.Generator, folder: Path) -> str:
    """Mutate a document and read it in every way."""
    document = copy.deepcopy(SEEDS[int(rng.integers(len(SEEDS)))])
    for _ in range(int(rng.integers(1, 4))):
        replace_somewhere(document, rng)
    try:
        text = json.dumps(document)
    except (ValueError, RecursionError):
        text = "{" * 1000
    if rng.random() < 0.25:
        text = mutated_text(text, rng)
    path = folder / "document.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    if '"pavas.provenance"' in text and rng.random() < 0.8:
        return str(len(read_sidecar(path)))
    request = read_physics(path)
    physics = request.given
    if request.overrides is not None:
        physics = request.overrides.apply(moving_discs(2, frames=20).physics)
    if physics is not None:
        str(physics)
        again = PhysicsEstimate.loads(physics.dumps())
        assert again.to_json() == physics.to_json()
    return "read"


def replace_somewhere(document: Any, rng: np.random.Generator) -> None:
    """Replace, remove, add or repeat a value anywhere."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        pairs = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value)
            if isinstance(value, list)
            else ()
        )
        for key, inner in list(pairs):
            places.append((value, key))
            walk(inner)

    walk(document)
    if not places:
        return
    holder, key = places[int(rng.integers(len(places)))]
    value = VALUES[int(rng.integers(len(VALUES)))]
    kind = int(rng.integers(5))
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.extend(holder[:50] * int(rng.integers(1, 4)))
    elif kind == 2 and isinstance(holder, dict):
        holder[str(value)[:50]] = copy.deepcopy(value)
    else:
        holder[key] = copy.deepcopy(value)


def mutated_text(text: str, rng: np.random.Generator) -> str:
    """Cut, repeat or disturb text."""
    at = int(rng.integers(len(text) + 1))
    kind = int(rng.integers(5))
    if kind == 0:
        return text[:at]
    if kind == 1:
        return text[:at] + "[" * int(rng.choice([10, 2000, 200_000])) + text[at:]
    if kind == 2:
        return text[:at] + "9" * 5000 + text[at:]
    if kind == 3:
        return (
            text[:at]
            + str(rng.choice(["NaN", "Infinity", "1e999", "\0", "\ufeff", "//"]))
            + text[at:]
        )
    return text + text


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)
