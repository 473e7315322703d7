"""Rotary tables and time features against the reference."""

import re

import pytest
import torch
from goldens import of_kind

from pavas_sdk.models import TRANSFORMER_VARIANTS
from pavas_sdk.models.embeddings import (
    apply_rotary,
    rotary_table,
    time_features,
    time_frequencies,
)

CASES = [
    pytest.param(golden, name, id=f"{golden.name}-{name}")
    for golden in of_kind("rope_time")
    for name in golden.entry["tensors"]
]
SCALES = {
    "v1": TRANSFORMER_VARIANTS["large_44k"]["time_embed_scale"],
    "v2": TRANSFORMER_VARIANTS["large_44k_v2"]["time_embed_scale"],
}


def clip_table(clip_length, latent_length, head_dim):
    return rotary_table(clip_length, head_dim, frequency_scale=latent_length / clip_length)


def result(golden, name):
    spec = golden.entry["tensors"][name]
    if match := re.fullmatch(r"time\.(v\d)_\d+\.(freqs|sinusoid)", name):
        scale = SCALES[match[1]]
        if match[2] == "freqs":
            return time_frequencies(2 * spec["shape"][0], scale)
        times = [float(number) for number in spec["note"].split("=")[1].split(",")]
        return time_features(torch.tensor(times), spec["shape"][1], scale)
    if match := re.fullmatch(r"rope\.applied_q_clip_(\d+)_of_(\d+)", name):
        q = golden.input("q")
        return apply_rotary(q, clip_table(int(match[1]), int(match[2]), q.shape[-1]))
    head_dim = 2 * spec["shape"][-1]
    if match := re.fullmatch(r"rope\.clip_(\d+)_of_(\d+)\.cos_sin", name):
        table = clip_table(int(match[1]), int(match[2]), head_dim)
    else:
        match = re.fullmatch(r"rope\.latent_(\d+)\.cos_sin", name)
        table = rotary_table(int(match[1]), head_dim)
    return torch.stack([table.real, table.imag])


@pytest.mark.parametrize(("golden", "name"), CASES)
def test_rope_time(golden, name):
    golden.check(name, result(golden, name))
