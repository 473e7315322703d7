"""The vocoders against the reference."""

import pytest
import torch
from goldens import of_kind, params
from networks import filled_bigvgan

from pavas_sdk.models.bigvgan import oversampling_filter


@torch.no_grad()
def run(vocoder, golden):
    """The waveform by the path that a user gets."""
    return vocoder(golden.input("mel"))


@torch.no_grad()
def run_recorded(vocoder, golden):
    """Everything that the goldens hold, by the path with plain torch operations."""
    seen, hooks = {}, []

    def keep(name, module):
        hooks.append(module.register_forward_hook(lambda *args: seen.update({name: args[2]})))

    keep("mid.conv_pre", vocoder.conv_pre)
    keep("mid.conv_post", vocoder.conv_post)
    keep("mid.act0", vocoder.resblocks[0].activations[0])
    for index, up in enumerate(vocoder.ups):
        keep(f"mid.up{index}", up[0])
    try:
        seen["wave"] = vocoder(golden.input("mel"))
    finally:
        for hook in hooks:
            hook.remove()
    seen["filter12"] = oversampling_filter()
    return seen


@pytest.mark.parametrize("golden", params(of_kind("bigvgan_")))
def test_bigvgan(golden, monkeypatch):
    vocoder = filled_bigvgan(golden)
    fast = golden.check("wave", run(vocoder, golden))
    monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
    seen = run_recorded(vocoder, golden)
    plain = {name: golden.check(name, seen[name]) for name in golden.entry["tensors"]}
    print(f"{golden.name}: relative L2 error {fast:.2e}, plain path {plain['wave']:.2e}")
