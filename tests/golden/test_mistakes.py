"""Deliberate mistakes must show: what the goldens could not notice, they would not prove."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from goldens import CALL, of_kind, stored_slice
from networks import conditions_of

SMALL = sorted(
    (golden for golden in of_kind("flow_") if golden.entry["variant"].startswith("small")),
    key=lambda golden: golden.entry["seq"]["latent"] * len(golden.entry["t"]),
)
# The cheapest golden of a small network.
GOLDEN = SMALL[0] if SMALL else None
pytestmark = pytest.mark.skipif(GOLDEN is None, reason="the folder has no small network")


def sync_indices(golden):
    """The synchronisation feature of each latent: as it is, and with the quotient in float64."""
    sync, latent = golden.entry["seq"]["sync"], golden.entry["seq"]["latent"]
    places = torch.arange(sync, dtype=torch.float32)[None, None]
    right = torch.nn.functional.interpolate(places, size=latent, mode="nearest-exact")
    wrong = np.floor((np.arange(latent) + 0.5) * (sync / latent))
    return right[0, 0].long().numpy(), wrong.astype(np.int64)


# The cheapest whose lengths tell float32 from float64.
ROUNDED = next((golden for golden in SMALL if np.diff(sync_indices(golden), axis=0).any()), None)


@pytest.fixture
def network(filled_transformers):
    return filled_transformers(GOLDEN)


@torch.no_grad()
def flow_error(network, conditions=None, t=None, golden=GOLDEN):
    conditions = conditions or conditions_of(network, golden)
    t = torch.tensor(golden.entry["t"]) if t is None else t
    flow = network(golden.input("x0"), t, conditions).numpy()
    flow = stored_slice(flow, golden.entry["tensors"]["flow"].get("slice"))
    want = golden.tensors["flow"]
    return np.linalg.norm(flow - want) / np.linalg.norm(want)


def test_the_unchanged_network_passes(network):
    assert flow_error(network) < CALL[0]


def test_one_query_scale_ignored(network):
    scale = network.fused_blocks[0].attn.q_norm.weight
    original = scale.data.clone()
    try:
        scale.data.fill_(1.0)
        assert flow_error(network) > 2 * CALL[0]
    finally:
        scale.data.copy_(original)
    assert flow_error(network) < CALL[0]


def test_output_layer_conditioned_per_token(network):
    final = network.final_layer
    per_token = []
    first = network.fused_blocks[0].register_forward_pre_hook(
        lambda module, arguments: per_token.append(arguments[1])
    )
    last = final.register_forward_pre_hook(lambda module, arguments: (arguments[0], per_token[-1]))
    try:
        assert flow_error(network) > 1e-2
    finally:
        first.remove()
        last.remove()


@pytest.mark.skipif(ROUNDED is None, reason="float32 and float64 agree for all lengths")
def test_sync_index_in_float64(filled_transformers):
    network = filled_transformers(ROUNDED)
    conditions = conditions_of(network, ROUNDED)
    with torch.no_grad():
        # One sync feature per latent: nothing is resampled then, so this gives the projection.
        every = network.prepare_conditions(
            ROUNDED.input("clip_f"),
            ROUNDED.input("sync_f"),
            ROUNDED.input("text_f"),
            ROUNDED.entry["seq"]["sync"],
        ).sync_f
    right, wrong = (
        replace(conditions, sync_f=every[:, torch.from_numpy(index)])
        for index in sync_indices(ROUNDED)
    )
    assert flow_error(network, right, golden=ROUNDED) < CALL[0]
    assert flow_error(network, wrong, golden=ROUNDED) > 2 * CALL[0]


def test_time_off_by_a_hundredth(network):
    assert flow_error(network, t=torch.tensor(GOLDEN.entry["t"]) + 0.01) > 2 * CALL[0]


def test_wrong_activation_of_the_audio_projection(network):
    right = network.audio_input_proj[1]
    try:
        network.audio_input_proj[1] = torch.nn.SiLU()
        assert flow_error(network) > 1e-2
    finally:
        network.audio_input_proj[1] = right


def test_positions_within_segments_dropped(network):
    positions = network.sync_pos_emb
    original = positions.data.clone()
    try:
        positions.data.zero_()
        assert flow_error(network) > 1e-2
    finally:
        positions.data.copy_(original)


def test_visual_rotation_not_rescaled(network, monkeypatch):
    get = network._rotary.get
    monkeypatch.setattr(
        network._rotary, "get", lambda length, device, scale=1.0: get(length, device, 1.0)
    )
    assert flow_error(network) > 1e-3


def test_one_bias_of_one_text_block_dropped(network):
    bias = network.joint_blocks[0].text_block.linear1.bias
    original = bias.data.clone()
    try:
        bias.data.zero_()
        assert flow_error(network) > 2 * CALL[0]
    finally:
        bias.data.copy_(original)


def test_queries_keys_values_stacked(network):
    qkv = network.fused_blocks[0].attn.qkv
    original = qkv.weight.data.clone()
    try:
        stacked = original.unflatten(0, (3, -1)).transpose(0, 1).flatten(0, 1)
        qkv.weight.data.copy_(stacked)
        assert flow_error(network) > 2 * CALL[0]
    finally:
        qkv.weight.data.copy_(original)
