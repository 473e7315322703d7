"""Whole guided samplings against the reference, by the pipeline's own steps.

The long ones of our own copy are slow; a folder named by ``PAVAS_GOLDENS_MMAUDIO`` is run whole.
"""

import pytest
import torch
from goldens import NAMED_FOLDER, SAMPLING, is_large, of_kind, params

from pavas_sdk.pipelines.encoding import WindowCondition
from pavas_sdk.pipelines.windows import LatentWindow
from pavas_sdk.testing.tiny_mmaudio import tiny_mmaudio_pipeline


def is_slow(golden):
    return is_large(golden) or (golden.entry["num_steps"] > 10 and not NAMED_FOLDER)


def pipeline_around(network, golden):
    """The pipeline that users run; what denoising does not use is small."""
    pipe = tiny_mmaudio_pipeline(golden.entry["variant"].split("_")[1])
    pipe.register_modules(transformer=network)  # unchecked: its CLIP is narrower than the network
    return pipe


def conditions_of(pipe, golden, row):
    """One clip's features, as `encode_conditions` would hand them on."""
    duration_s = golden.entry["duration"]
    (window,) = pipe.plan_windows(duration_s)
    assert window == LatentWindow(
        start=0, length=golden.entry["seq"]["latent"], start_s=0.0, duration_s=duration_s
    )
    return [
        WindowCondition(
            window=window,
            pooled=golden.input("clip_f")[row],
            sync=golden.input("sync_f")[row],
            times_s=pipe.clip.frame_times_s(duration_s),
            state=None,
        )
    ]


@torch.no_grad()
def sample(pipe, golden, row):
    """Return (first guided velocity, final latents) of one clip of the golden."""
    velocities = []

    def keep(pipe, step, time, tensors):
        velocities.append(tensors["velocity"])
        return {}

    empty_text = pipe.encode_prompt(None, None)[1]
    latents = pipe.denoise(
        pipe.prepare_latents(golden.entry["seq"]["latent"], latents=golden.input("x0")[row]),
        conditions_of(pipe, golden, row),
        golden.input("text_f")[row],
        golden.input("neg_text_f")[row] if golden.entry["negative_text"] else empty_text,
        num_inference_steps=golden.entry["num_steps"],
        guidance_scale=golden.entry["cfg_strength"],
        callback_on_step_end=keep,
        callback_on_step_end_tensor_inputs=["velocity"],
    )
    return velocities[0], latents


@pytest.mark.parametrize("golden", params(of_kind("sample_"), slow=is_slow))
def test_sampling(golden, filled_transformers):
    network = filled_transformers(golden)
    pipe = pipeline_around(network, golden)
    rows = [slice(row, row + 1) for row in range(golden.entry["inputs"]["x0"]["shape"][0])]
    first, latents = map(torch.cat, zip(*(sample(pipe, golden, row) for row in rows), strict=True))
    results = {
        "first_velocity": first,
        "x1": latents,
        "x1_unnormalized": network.unnormalize(latents),
    }
    errors = [golden.check(name, results[name], SAMPLING) for name in golden.entry["tensors"]]
    print(f"{golden.name}: relative L2 error {max(errors):.2e}")
