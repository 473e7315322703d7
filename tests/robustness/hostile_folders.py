"""Saved pipelines whose index, documents or weights are hostile."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk import PavasPipeline, PhysicsEstimator
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

if TYPE_CHECKING:
    import numpy as np

NAMES = (
    ["diffusers", "__doc__"], ["diffusers", "utils"], ["diffusers", "AutoencoderKL"], ["os", "system"],
    ["transformers", "pipeline"], ["transformers", "AutoModel"], ["pavas_sdk.models", "__all__"],
    ["pavas_sdk", "PavasPipeline"], ["pavas_sdk.models", "MelSpectrogram"], ["", ""], ["..", ".."], [None, None], ["builtins", "eval"], [5, 5], "vae", None, {},
    ["pavas_tiny", "nothing"], ["pavas_sdk.models", "9" * 500],
)  # fmt: skip
TEXTS = (
    "",
    "{",
    "[]",
    "5",
    "null",
    '{"x": ' + "9" * 5000 + "}",
    "[" * 100_000,
    '{"a": NaN}',
    "\0",
    '{"_class_name": 5}',
)
_state: dict[str, Path] = {}


class Bomb:
    """What a pickle runs."""

    def __reduce__(self):
        return (Path.touch, (_state["mark"],))


def prepare(folder: Path) -> None:
    """Save the pipeline that is spoilt."""
    original = folder / "original"
    if not (original / "model_index.json").exists():
        tiny_pipeline(physics_estimator=PhysicsEstimator()).save_pretrained(original)
    _state["original"], _state["mark"] = original, folder / "a-pickle-was-run"


def case(rng: np.random.Generator, folder: Path) -> str:
    """Spoil a copy and load it; then the original must still load."""
    target = folder / "model"
    shutil.copytree(_state["original"], target)
    what = spoil(target, rng)
    try:
        PavasPipeline.from_pretrained(target)
    finally:
        assert not _state["mark"].exists(), "a pickle was run"
        if rng.random() < 0.2:
            PavasPipeline.from_pretrained(_state["original"])
    return what


def spoil(target: Path, rng: np.random.Generator) -> str:
    """One way."""
    index = target / "model_index.json"
    parts = [
        path for path in target.iterdir() if path.is_dir() and list(path.glob("*.safetensors"))
    ]
    part = parts[int(rng.integers(len(parts)))]
    weights = next(part.glob("*.safetensors"))
    kind = int(rng.integers(9))
    if kind == 0:
        document = json.loads(index.read_text())
        slots = [key for key, value in document.items() if isinstance(value, list)]
        document[slots[int(rng.integers(len(slots)))]] = NAMES[int(rng.integers(len(NAMES)))]
        index.write_text(json.dumps(document))
    elif kind == 1:
        documents = sorted(target.rglob("*.json"))
        path = documents[int(rng.integers(len(documents)))]
        path.write_text(TEXTS[int(rng.integers(len(TEXTS)))])
    elif kind == 2:
        weights.rename(weights.with_name("kept"))
        weights.with_name("kept").unlink()
        weights.with_suffix(".bin").write_bytes(pickle.dumps(Bomb()))
    elif kind == 3:
        content = bytearray(weights.read_bytes())
        length = int(rng.choice([0, 1, 8, 2**31, 2**62, len(content)]))
        content[:8] = length.to_bytes(8, "little")
        weights.write_bytes(content)
    elif kind == 4:
        content = bytearray(weights.read_bytes())
        for place in rng.integers(0, min(len(content), 2000), 5):
            content[place] = int(rng.integers(256))
        weights.write_bytes(
            content[: int(rng.integers(1, len(content)))] if rng.random() < 0.5 else content
        )
    elif kind == 5:
        weights.unlink()
        weights.symlink_to(
            str(rng.choice(["/dev/zero", "/etc/hostname", "gone", ".", "../../../.."]))
        )
    elif kind == 6:
        weights.unlink()
        shard = [f"../{weights.name}", "/etc/hostname", "gone.safetensors", "", None, 5][
            int(rng.integers(6))
        ]
        Path(f"{weights}.index.json").write_text(
            json.dumps({"weight_map": {"a": shard}, "metadata": {}})
        )
    elif kind == 7:
        document = json.loads((part / "config.json").read_text())
        keys = [key for key in document if not key.startswith("_")]
        value = [None, -1, 0, 10**6, "x", [], {}, 1e300, True][int(rng.integers(9))]
        document[keys[int(rng.integers(len(keys)))]] = value
        (part / "config.json").write_text(json.dumps(document))
    else:
        victim = [part, target / "pavas.json", index][int(rng.integers(3))]
        shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
        if rng.random() < 0.5:
            victim.mkdir()
    return str(kind)


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)
