"""One velocity call against the reference, with its conditions and intermediate tokens."""

import pytest
import torch
from goldens import is_large, of_kind, params
from networks import conditions_of

from pavas_sdk.models import sequence_config

FLOW = of_kind("flow_")


def record(network):
    """Collect what the goldens call ``mid.*`` while the network runs."""
    seen, hooks = {}, []

    def keep(name, module, pick=lambda output: output):
        def hook(module, arguments, output):
            seen[name] = pick(output)

        hooks.append(module.register_forward_hook(hook))

    keep("mid.audio_in", network.audio_input_proj)
    keep("mid.t_embed", network.t_embed)
    for index, block in enumerate(network.joint_blocks):
        keep(
            f"mid.joint{index}.latent", block, lambda out: out[0] if isinstance(out, tuple) else out
        )
    for index, block in enumerate(network.fused_blocks):
        keep(f"mid.fused{index}.latent", block)
    return seen, hooks


@torch.no_grad()
def run(network, golden):
    conditions = conditions_of(network, golden)
    seen, hooks = record(network)
    try:
        flow = network(golden.input("x0"), torch.tensor(golden.entry["t"]), conditions)
    finally:
        for hook in hooks:
            hook.remove()
    seen["flow"] = flow
    seen["cond.clip_f"], seen["cond.clip_f_c"] = conditions.clip_f, conditions.clip_c
    seen["cond.text_f"], seen["cond.text_f_c"] = conditions.text_f, conditions.text_c
    seen["cond.sync_f"] = conditions.sync_f
    return seen


@pytest.mark.parametrize("golden", params(FLOW, slow=is_large))
def test_flow(golden, filled_transformers):
    seen = run(filled_transformers(golden), golden)
    # The time embedding is (B, 1, D) in the goldens.
    seen["mid.t_embed"] = seen["mid.t_embed"].reshape(
        golden.entry["tensors"].get("mid.t_embed", {}).get("shape", seen["mid.t_embed"].shape)
    )
    errors = {name: golden.check(name, seen[name]) for name in golden.entry["tensors"]}
    print(f"{golden.name}: relative L2 error {errors['flow']:.2e}")


@pytest.mark.parametrize("golden", params(FLOW))
def test_sequence_lengths_follow_from_the_duration(golden):
    sequence = sequence_config(golden.entry["variant"])
    duration_s = golden.entry["duration"]
    assert golden.entry["seq"] == {
        "latent": sequence.latent_length(duration_s),
        "clip": sequence.clip_length(duration_s),
        "sync": sequence.sync_length(duration_s),
    }
