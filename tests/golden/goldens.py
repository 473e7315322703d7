"""Reading a folder of goldens: everything a test needs comes from its ``index.json``.

The folder is the one named by ``PAVAS_GOLDENS_MMAUDIO``, by default the copy beside this file.
Its README says how the goldens were made and which differences are rounding.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from name_seeded import fill
from safetensors.numpy import load_file

OWN_FOLDER = Path(__file__).parent / "mmaudio"
KEYS_FOLDER = OWN_FOLDER / "keys"
FOLDER = Path(os.environ.get("PAVAS_GOLDENS_MMAUDIO") or OWN_FOLDER)
NAMED_FOLDER = FOLDER.resolve() != OWN_FOLDER.resolve()

# Of README.md: relative L2 error, and largest error over the largest golden value.
CALL = (2e-5, 1e-4)
SAMPLING = (2e-4, 1e-3)


@dataclass(frozen=True)
class Golden:
    """One entry of the index and its file."""

    name: str
    entry: dict

    def __str__(self):
        return self.name

    @property
    def prefix(self):
        return self.entry["weight_prefix"]

    @cached_property
    def tensors(self):
        return load_file(FOLDER / f"{self.name}.safetensors")

    def input(self, name):
        """The input called ``name``, after the map that the index gives for it."""
        spec = self.entry["inputs"][name]
        values = fill(spec["name"], spec["shape"])
        if "map" in spec:
            # uint8(clip(rint(128 + 60*n), 0, 255)): a picture of noise
            assert spec["map"] == "uint8(clip(rint(128 + 60*n), 0, 255))"
            grey = np.float32(128) + np.float32(60) * values
            return torch.from_numpy(np.clip(np.rint(grey), 0, 255).astype(np.uint8))
        if "affine" in spec:
            factor, offset = re.fullmatch(r"(\S+)\*n ([+-] \S+)", spec["affine"]).groups()
            scaled = np.float32(float(factor)) * values
            values = scaled + np.float32(float(offset.replace(" ", "")))
        return torch.from_numpy(values)

    def check(self, name, actual, tolerance=CALL):
        """Compare a full tensor with the stored whole or slice; return the relative error."""
        spec = self.entry["tensors"][name]
        assert list(actual.shape) == spec["shape"], f"{name}: {list(actual.shape)}"
        got = stored_slice(actual.detach().float().numpy(), spec.get("slice")).astype(np.float64)
        want = self.tensors[name].astype(np.float64)
        assert got.shape == want.shape
        relative = np.linalg.norm(got - want) / np.linalg.norm(want)
        largest = np.abs(got - want).max() / spec["abs_max"]
        assert relative <= tolerance[0], f"{name}: relative L2 error {relative:.2e}"
        assert largest <= tolerance[1], f"{name}: largest error {largest:.2e} of the maximum"
        return relative

    def released_weights(self, keys):
        """Name-seeded tensors for official names and shapes; their CRC is checked first."""
        state = {key: fill(self.prefix + key, shape) for key, shape in sorted(keys)}
        if "weights_crc32" in self.entry:
            crc = 0
            for values in state.values():
                crc = zlib.crc32(np.ascontiguousarray(values, dtype="<f4").tobytes(), crc)
            assert f"{crc:08x}" == self.entry["weights_crc32"], "the filled weights differ already"
        return {key: torch.from_numpy(values) for key, values in state.items()}


def released_keys(name):
    """Official (name, shape) pairs of ``keys/<name>.json`` that a released file holds weights for."""
    return [(entry["key"], entry["shape"]) for entry in key_table(name) if not entry.get("fixed")]


def fixed_keys(name):
    """Those that it holds although they follow from a formula."""
    return [(entry["key"], entry["shape"]) for entry in key_table(name) if entry.get("fixed")]


def key_table(name):
    return json.loads((KEYS_FOLDER / f"{name}.json").read_text())["keys"]


def stored_slice(values, notation):
    """``values`` at a slice in numpy notation such as ``":, ::16, ::16"``."""
    if notation is None:
        return values
    parts = []
    for part in notation.split(","):
        numbers = [int(number) if number.strip() else None for number in part.split(":")]
        parts.append(slice(*numbers) if ":" in part else numbers[0])
    return values[tuple(parts)]


def read_table(name):
    """Rows of a plain JSON table, none when the folder has no such table."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else []


def read_index():
    path = FOLDER / "index.json"
    if not path.exists():
        raise pytest.UsageError(f"PAVAS_GOLDENS_MMAUDIO: {path} does not exist")
    index = json.loads(path.read_text())
    return [Golden(name, entry) for name, entry in sorted(index.items())]


def of_kind(kind):
    """Goldens whose name starts with ``kind``."""
    return [golden for golden in read_index() if golden.name.startswith(kind)]


def params(goldens, *, slow=lambda golden: False):
    marks = {golden.name: [pytest.mark.slow] if slow(golden) else [] for golden in goldens}
    return [pytest.param(g, id=g.name, marks=marks[g.name]) for g in goldens]


def is_large(golden):
    """Weights of four gigabytes."""
    return golden.entry["variant"].startswith("large")
