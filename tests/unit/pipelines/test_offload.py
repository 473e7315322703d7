"""Offloading: whatever a component is asked, it is on its device then, and none is moved twice.

No accelerator is here: the hooks of diffusers move components from the CPU to the CPU, and a
record of who is "on the device" stands in for the device.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

METHODS = {
    "clip": ("encode_image", "encode_text"),
    "sync_encoder": ("encode",),
    "conditioning_adapter": ("encode", "null_state", "modulation"),
    "transformer": ("prepare_conditions", "forward", "unnormalize"),
    "vae": ("decode",),
    "vocoder": ("forward",),
}


@pytest.fixture
def offloaded(monkeypatch):
    """A pipeline with the hooks of ``enable_model_cpu_offload``, who is loaded, and who came when."""
    from accelerate import cpu_offload_with_hook
    from accelerate.hooks import CpuOffload

    pipe = tiny_pipeline()
    order = pipe.model_cpu_offload_seq.split("->")
    names = {id(getattr(pipe, name)): name for name in order}
    loaded, came = set(), []
    enter = CpuOffload.pre_forward

    def pre_forward(hook, module, *args, **kwargs):
        name = names[id(module)]
        if hook.prev_module_hook is not None:
            loaded.discard(names[id(hook.prev_module_hook.model)])
        if name not in loaded:
            came.append(name)
        loaded.add(name)
        return enter(hook, module, *args, **kwargs)

    monkeypatch.setattr(CpuOffload, "pre_forward", pre_forward)
    previous = None
    for name in order:
        _, previous = cpu_offload_with_hook(
            getattr(pipe, name), torch.device("cpu"), prev_module_hook=previous
        )
    for name, methods in METHODS.items():
        for method in methods:
            guard(monkeypatch, getattr(pipe, name), method, name, loaded)
    return pipe, came


def guard(monkeypatch, part, method, name, loaded):
    inner = part._old_forward if method == "forward" else getattr(part, method)

    def guarded(*args, **kwargs):
        assert name in loaded, f"{name}.{method} runs while {name} is offloaded"
        return inner(*args, **kwargs)

    monkeypatch.setattr(part, "_old_forward" if method == "forward" else method, guarded)


def test_the_order_names_every_network():
    pipe = tiny_pipeline()
    networks = {n for n, p in pipe.components.items() if isinstance(p, torch.nn.Module)}
    assert set(pipe.model_cpu_offload_seq.split("->")) == networks


@pytest.mark.parametrize("frames", [16, 250])  # one window, two
def test_components_come_in_the_order_each_once(offloaded, physics, frames):
    pipe, came = offloaded
    clip = moving_discs(1, frames=frames)
    from dataclasses import replace

    given = replace(physics, duration_s=clip.video.duration_s)
    options = {"physics": given, "masks": clip.masks, "num_inference_steps": 2}
    sound = pipe(clip.video, generator=torch.Generator().manual_seed(0), **options).audio
    if frames == 16:
        assert came == pipe.model_cpu_offload_seq.split("->")
    plain = tiny_pipeline()(clip.video, generator=torch.Generator().manual_seed(0), **options)
    assert np.array_equal(sound.samples, plain.audio.samples)


def test_text_alone(offloaded):
    pipe, _ = offloaded
    assert pipe(prompt="ball", duration_s=1.0).audio.samples.shape == (1, 16000)


def test_compiled_networks_make_the_same_sound():
    pipe, plain = tiny_pipeline(), tiny_pipeline()
    assert pipe.compile(backend="eager") is pipe
    assert pipe.transformer.joint_blocks[0]._compiled_call_impl is None  # the last one: no repeat
    assert pipe.transformer.fused_blocks[0]._compiled_call_impl is not None
    assert pipe.vocoder._compiled_call_impl is not None
    first, second = (
        p(prompt="ball", duration_s=0.5, generator=torch.Generator().manual_seed(0)).audio.samples
        for p in (pipe, plain)
    )
    np.testing.assert_allclose(first, second, atol=1e-4)
    assert set(pipe.transformer.state_dict()) == set(plain.transformer.state_dict())
