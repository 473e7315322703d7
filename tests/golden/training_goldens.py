"""Reading a folder of goldens of the public trainer: all a test needs is in its ``index.json``.

The folder is the one named by ``PAVAS_GOLDENS_TRAINING``, by default the copy beside this file.
Its README says how the goldens were made and which differences are rounding.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from name_seeded import fill
from safetensors.numpy import load_file

from pavas_sdk.models import MMAudioTransformer
from pavas_sdk.models.variants import TRANSFORMER_VARIANTS
from pavas_sdk.training.datasets import TrainingBatch
from pavas_sdk.training.flow_draws import FlowDraws

OWN_FOLDER = Path(__file__).parent / "training"
FOLDER = Path(os.environ.get("PAVAS_GOLDENS_TRAINING") or OWN_FOLDER)
_V2 = TRANSFORMER_VARIANTS["large_44k_v2"]
_V2_NAMES = ("time_embed_scale", "conv_projection_activation", "linear_projection_activation")


@dataclass(frozen=True)
class TrainingGolden:
    """One entry of the index and its file."""

    name: str
    entry: dict

    def __str__(self):
        return self.name

    @cached_property
    def tensors(self):
        return load_file(FOLDER / "goldens" / f"{self.name}.safetensors")

    def tensor(self, name):
        return torch.from_numpy(self.tensors[name])

    def network(self):
        """A fresh copy of the network that the golden was made with."""
        config = self.entry["network"]
        key = (tuple(sorted(config.items())), self.entry["weight_prefix"])
        state = _filled(*key, self.entry["weights_crc32"])
        network = _built(config)
        network.load_state_dict(state)
        return network.train()


@cache
def _filled(config, prefix, crc32):
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in _built(dict(config)).state_dict().items()}
    state = {name: fill(prefix + name, shape) for name, shape in sorted(shapes.items())}
    crc = 0
    for values in state.values():
        crc = zlib.crc32(np.ascontiguousarray(values, dtype="<f4").tobytes(), crc)
    assert f"{crc:08x}" == crc32, "the filled weights differ already"
    return {name: torch.from_numpy(values) for name, values in state.items()}


def _built(config):
    v2 = {name: _V2[name] for name in _V2_NAMES} if config["v2"] else {}
    if config["v2"]:
        v2["time_embed_dim"] = config["hidden_dim"]
    return MMAudioTransformer(
        latent_dim=config["latent_dim"],
        clip_dim=config["clip_dim"],
        sync_dim=config["sync_dim"],
        text_dim=config["text_dim"],
        text_length=config["text_seq_len"],
        hidden_dim=config["hidden_dim"],
        num_heads=config["num_heads"],
        depth=config["depth"],
        fused_depth=config["fused_depth"],
        **v2,
    )


def rows_and_draws(inputs, rows, *, time=None):
    """The batch and the prescribed draws of one loss.

    ``time``: stored flow times, in place of the sigmoid of the stored normals.
    """

    def values(name):
        filled = fill(inputs[name]["name"], inputs[name]["shape"])
        if "used_as" in inputs[name]:
            assert inputs[name]["used_as"] == "0.1 * exp(0.2 * n)"
            filled = np.float32(0.1) * np.exp(np.float32(0.2) * filled)
        return torch.from_numpy(filled)

    def row(name, dtype=torch.float32):
        return torch.tensor(rows[name], dtype=dtype)

    mean = values("a_mean")
    batch = TrainingBatch(
        step=0,
        positions=torch.arange(len(mean)),
        rows=torch.arange(len(mean)),
        mean=mean,
        std=values("a_std"),
        clip_features=values("clip_features"),
        sync_features=values("sync_features"),
        text_features=values("text_features"),
        video_exists=row("video_exist", torch.bool),
        text_exists=row("text_exist", torch.bool),
        has_physics=torch.zeros(len(mean), dtype=torch.bool),
        objects=None,
        max_objects=0,
    )
    draws = FlowDraws(
        posterior=values("a_randn"),
        time=torch.sigmoid(row("t_normal")) if time is None else time,
        noise=values("x0"),
        u_video=row("u_video"),
        u_text=row("u_text"),
        u_physics=torch.ones(len(batch)),
    )
    return batch, draws


def relative(actual, wanted):
    """Relative L2 error, in float64."""
    actual, wanted = (np.asarray(v, dtype=np.float64).ravel() for v in (actual, wanted))
    return float(np.linalg.norm(actual - wanted) / np.linalg.norm(wanted))


def of_kind(kind):
    """Goldens of the index whose ``kind`` is this."""
    path = FOLDER / "index.json"
    if not path.exists():
        raise pytest.UsageError(f"PAVAS_GOLDENS_TRAINING: {path} does not exist")
    index = json.loads(path.read_text())
    return [TrainingGolden(n, entry) for n, entry in sorted(index.items()) if entry["kind"] == kind]


def params(goldens, *, slow=lambda golden: False):
    marks = {golden.name: [pytest.mark.slow] if slow(golden) else [] for golden in goldens}
    return [pytest.param(g, id=g.name, marks=marks[g.name]) for g in goldens]
