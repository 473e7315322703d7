"""Reading a folder of CUT3R goldens: everything a test needs comes from its ``index.json``.

The folder is the one named by ``PAVAS_GOLDENS_CUT3R``, by default the copy beside this file. Its
README says how the goldens were made, and which differences are rounding.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from name_seeded import fill
from pavas_cut3r import Cut3R, normalise, place, preprocess
from safetensors.numpy import load_file

OWN_FOLDER = Path(__file__).parent / "golden"
KEYS_FOLDER = OWN_FOLDER / "keys"
FOLDER = Path(os.environ.get("PAVAS_GOLDENS_CUT3R") or OWN_FOLDER)

# Of README.md. Relative L2 of tensors, largest error of points over their length plus one.
FLOAT32 = {"tensor": 2e-5, "points": 3e-4, "from_pose": 3e-4}
FLOAT16_ROUNDING = {"tensor": 1e-4, "points": 1e-3, "from_pose": 1e-2}
FULL_SIZE = {"tensor": 1e-4, "points": 1e-3, "from_pose": 1e-2}
FOCAL_PX = 1e-3


@dataclass(frozen=True)
class Golden:
    """One entry of the index and its file."""

    name: str
    entry: dict

    def __str__(self):
        return self.name

    @cached_property
    def tensors(self):
        return load_file(FOLDER / self.entry["file"])

    @property
    def rows(self):
        return json.loads((FOLDER / self.entry["file"]).read_text())["rows"]

    @property
    def is_slow(self):
        return bool(self.entry.get("slow"))

    @property
    def tolerances(self):
        if self.is_slow:
            return FULL_SIZE
        return FLOAT16_ROUNDING if self.entry["rope_float16_rounding"] else FLOAT32

    def pictures(self):
        """The source frames, uint8 (T, H, W, 3)."""
        spec = self.entry["frames"]
        if "formula" in spec:
            assert spec["formula"] == "A", f"unknown formula {spec['formula']}"
            frames = formula_a(spec["count"], spec["width"], spec["height"])
        else:
            frames = load_file(FOLDER / spec["file"])[spec["tensor"]]
        count = spec.get("use_first", self.entry.get("use_first"))
        return frames[:count]

    def pixels(self):
        """The frames as the model takes them, each (1, 3, H, W)."""
        for picture in self.pictures():
            placement = place(*picture.shape[:2], self.entry["size"])
            yield torch.from_numpy(normalise(preprocess(picture, placement)))[None]

    def model(self):
        prefix = self.entry.get("weight_prefix", "")
        config = json.dumps(self.entry["config"], sort_keys=True)
        model = filled_model(config, prefix)
        model.set_rope_float16_rounding(self.entry["rope_float16_rounding"])
        return model

    def map_slice(self, values):
        """The stored part of a full map (H, W, ...)."""
        notation = self.entry.get("map_slice")
        if notation is None:
            return values
        steps = [int(part.strip().lstrip(":")) for part in notation.split(",")]
        return values[tuple(slice(None, None, step) for step in steps)]


@lru_cache(maxsize=1)  # one at a time: the released size has 3.2 GB
def filled_model(config, prefix):
    """A model with name-seeded weights, for a config as JSON."""
    with torch.device("meta"):
        model = Cut3R(**json.loads(config))
    state = {
        key: torch.from_numpy(fill(prefix + key, tensor.shape))
        for key, tensor in model.state_dict().items()
    }
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def formula_a(count, width, height):
    """Frames of formula A of the README, uint8 (T, H, W, 3)."""
    y, x = np.mgrid[:height, :width]

    def tri(u):
        return np.abs(u % 510 - 255)

    return np.stack(
        [
            np.stack(
                [
                    tri(3 * x + 2 * y + 17 * t),
                    tri(5 * y - 2 * x + 23 * t + (x * y) // 37),
                    tri(x + y + ((x - y) ** 2) // 61 + 31 * t),
                ],
                axis=-1,
            )
            for t in range(count)
        ]
    ).astype(np.uint8)


@dataclass
class Comparison:
    """Measured errors against their tolerances, by kind."""

    golden: Golden
    worst: dict = field(default_factory=dict)

    def check(self, kind, name, got, want):
        """Compare one tensor; ``kind`` is points, from_pose, tensor, values, focal or exact."""
        got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
        assert got.shape == want.shape, f"{name}: {got.shape}, stored is {want.shape}"
        assert np.isfinite(got).all(), f"{name} is not finite"
        tolerances = {"focal": FOCAL_PX, "exact": 0.0, **self.golden.tolerances}
        tolerances["values"] = tolerances["points"]
        if kind in ("points", "from_pose"):
            length = np.linalg.norm(want, axis=-1) + 1
            error = (np.linalg.norm(got - want, axis=-1) / length).max()
        elif kind == "tensor":
            error = np.linalg.norm(got - want) / np.linalg.norm(want)
        elif kind == "values":
            error = (np.abs(got - want) / np.maximum(np.abs(want), 1)).max()
        else:
            error = np.abs(got - want).max()
        self.worst[kind] = max(self.worst.get(kind, 0.0), float(error))
        assert error <= tolerances[kind], f"{name}: error {error:.2e} > {tolerances[kind]:.0e}"

    def report(self):
        """One line for the table in the documentation."""
        errors = ", ".join(f"{kind} {error:.1e}" for kind, error in sorted(self.worst.items()))
        print(f"{self.golden.name}: {errors}")


def read_index():
    path = FOLDER / "index.json"
    if not path.exists():
        raise pytest.UsageError(f"PAVAS_GOLDENS_CUT3R: {path} does not exist")
    return [Golden(name, entry) for name, entry in sorted(json.loads(path.read_text()).items())]


def params(kind):
    """The goldens of a kind as test parameters; an empty folder shows as a skipped test."""
    return [
        pytest.param(golden, id=golden.name, marks=[pytest.mark.slow] if golden.is_slow else [])
        for golden in read_index()
        if golden.entry["kind"] == kind
    ]


def number(value, height, width):
    """A number, or one of the products that the index writes as text: ``"1.2*max(h,w)"``."""
    if not isinstance(value, str):
        return float(value)
    factor = re.fullmatch(r"([\d.]+)\*max\(h, ?w\)", value)
    assert factor, f"unknown expression {value!r}"
    return float(factor[1]) * max(height, width)
