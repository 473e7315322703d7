"""Reading a folder of metric goldens: everything a test needs comes from its ``index.json``.

The folder is the one named by ``PAVAS_GOLDENS_METRICS``, by default the copy beside this file. Its
README says how the goldens were made and which differences are rounding.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from goldens import stored_slice
from metric_fill import features, metric_fill, normals, sound
from safetensors.numpy import load_file

OWN_FOLDER = Path(__file__).parent / "metrics"
KEYS_FOLDER = OWN_FOLDER / "keys"
FOLDER = Path(os.environ.get("PAVAS_GOLDENS_METRICS") or OWN_FOLDER)


@dataclass(frozen=True)
class MetricGolden:
    """One entry of the index and its file."""

    name: str
    entry: dict

    def __str__(self):
        return self.name

    @property
    def kind(self):
        return self.entry["kind"]

    @property
    def prefix(self):
        """In front of the names of weights, inputs and noise; empty in the project's copy."""
        return self.entry.get("weight_prefix", self.entry.get("prefix", ""))

    @cached_property
    def table(self):
        return json.loads((FOLDER / self.entry["file"]).read_text())

    @cached_property
    def tensors(self):
        return load_file(FOLDER / self.entry["file"])

    @property
    def relative(self):
        return self.entry["tolerance"]["rel"]

    def clip(self, index):
        """Samples (channels, n) and rate of a test clip."""
        spec = self.entry["clips"][index]
        mono = sound(spec["sound"], spec["samples"], spec["rate"], self.prefix)
        channels = [mono, mono[::-1] + np.float32(0.1)][: spec["channels"]]
        return np.stack(channels).astype(np.float32), spec["rate"]

    def check(self, name, actual):
        """Compare a full tensor with what is stored, at the tolerance that the index gives."""
        spec = self.entry["tensors"][name]
        values = actual.detach().numpy() if torch.is_tensor(actual) else np.asarray(actual)
        assert list(values.shape) == spec["shape"], f"{name}: {list(values.shape)}"
        got = stored_slice(values, spec.get("slice")).astype(np.float64)
        want = self.tensors[name].astype(np.float64)
        tolerance = self.entry["tolerance"]
        tolerance = tolerance.get("tensors", {}).get(name, tolerance)
        difference = got - want
        relative = np.linalg.norm(difference) / max(np.linalg.norm(want), 1e-30)
        largest = np.abs(difference).max()
        if "rel_l2" in tolerance:
            assert relative <= tolerance["rel_l2"], f"{name}: relative L2 error {relative:.2e}"
        if "max_abs" in tolerance:
            assert largest <= tolerance["max_abs"], f"{name}: largest error {largest:.2e}"
        if "max_abs_over_abs_max" in tolerance:
            share = largest / spec["abs_max"]
            assert share <= tolerance["max_abs_over_abs_max"], f"{name}: {share:.2e} of the maximum"
        return relative

    def official_weights(self):
        """Name-seeded tensors by official name; their CRC is checked first."""
        state = {
            row["key"]: metric_fill(row["key"], row["shape"], self.prefix)
            for row in sorted(key_table(self.entry["keys"]), key=lambda row: row["key"])
            if not row.get("fixed")
        }
        crc = 0
        for values in state.values():
            crc = zlib.crc32(np.ascontiguousarray(values, dtype="<f4").tobytes(), crc)
        assert f"{crc:08x}" == self.entry["weights_crc32"], "the filled weights differ already"
        return {key: torch.from_numpy(values) for key, values in state.items()}


def key_table(name):
    folder = FOLDER / "keys" if (FOLDER / "keys" / name).exists() else KEYS_FOLDER
    return json.loads((folder / name).read_text())["keys"]


def rows(spec):
    """Features of ``[name, n, d, shift, scale]``."""
    return features(*spec)


def logits(spec):
    """Logits of ``[name, n, classes, t]``."""
    name, n, classes, t = spec
    return (t * normals(name, (n, classes)).astype(np.float64)).astype(np.float32)


def unit(spec):
    """Unit normals of ``[name, *shape]``."""
    return normals(spec[0], tuple(spec[1:]))


def of_kind(kind):
    """Parameters of a test: all goldens of a kind."""
    path = FOLDER / "index.json"
    if not path.exists():
        raise pytest.UsageError(f"PAVAS_GOLDENS_METRICS: {path} does not exist")
    index = json.loads(path.read_text())
    return [
        pytest.param(MetricGolden(name, entry), id=name)
        for name, entry in sorted(index.items())
        if entry["kind"] == kind
    ]
