"""Networks with name-seeded weights, and the sampling loop of the reference."""

from __future__ import annotations

import re
from itertools import pairwise

import torch
from goldens import released_keys

from pavas_sdk.models import (
    CLIPEncoder,
    Conditions,
    FlowMatchEuler,
    Synchformer,
    build_bigvgan,
    build_transformer,
    guide,
)


class FilledTransformers:
    """Builds the network of a golden; keeps the small ones, since several goldens share weights."""

    def __init__(self):
        self._small = {}

    def __call__(self, golden):
        key = (golden.entry["variant"], golden.prefix, golden.entry["weights_crc32"])
        if key in self._small:
            return self._small[key]
        with torch.device("meta"):
            network = build_transformer(golden.entry["variant"])
        network = golden.fill_weights(network)
        if key[0].startswith("small"):
            self._small[key] = network
        return network


def conditions_of(network, golden):
    return network.prepare_conditions(
        golden.input("clip_f"),
        golden.input("sync_f"),
        golden.input("text_f"),
        golden.entry["seq"]["latent"],
    )


def empty_conditions_of(network, golden):
    """The empty branch of guidance; a negative text replaces only the text."""
    entry = golden.entry
    batch = entry["inputs"]["x0"]["shape"][0]
    text = golden.input("neg_text_f") if entry["negative_text"] else network.empty_text(batch)
    return network.prepare_conditions(
        network.empty_clip(batch, entry["seq"]["clip"]),
        network.empty_sync(batch, entry["seq"]["sync"]),
        text,
        entry["seq"]["latent"],
    )


@torch.no_grad()
def sample(network, golden):
    """Return (first guided velocity, final latents); both branches run in one batch."""
    scale = golden.entry["cfg_strength"]
    scheduler = FlowMatchEuler()
    latents = golden.input("x0")
    conditions = conditions_of(network, golden)
    if scale >= 1:
        conditions = Conditions.cat([conditions, empty_conditions_of(network, golden)])
    times = scheduler.times(golden.entry["num_steps"])
    first = None
    for time, next_time in pairwise(times):
        copies = conditions.batch_size // latents.shape[0]
        velocity = network(
            latents.repeat(copies, 1, 1), time.expand(conditions.batch_size), conditions
        )
        if scale >= 1:
            velocity = guide(*velocity.chunk(2), scale)
        first = velocity if first is None else first
        latents = scheduler.step(velocity, latents, time, next_time)
    return first, latents


def filled_bigvgan(golden):
    """A vocoder with the name-seeded weights of a released file: weight-norm pairs, folded."""
    mode = golden.entry["mode"]
    with torch.device("meta"):
        vocoder = build_bigvgan(mode)
    vocoder.load_released_state_dict(golden.released_weights(released_keys(f"bigvgan_{mode}")))
    return vocoder.eval()


def filled_synchformer(golden):
    """The synchronisation encoder at full size."""
    with torch.device("meta"):
        encoder = Synchformer()
    encoder.load_released_state_dict(golden.released_weights(released_keys("synchformer_visual")))
    return encoder.eval()


def filled_clip(golden):
    """The small CLIP that the index describes."""
    numbers = re.fullmatch(
        r"embed_dim (\d+); vision: image_size (\d+), patch (\d+), width (\d+), head_width (\d+), "
        r"layers (\d+); text: width (\d+), heads (\d+), layers (\d+), context (\d+); quick_gelu",
        golden.entry["config"],
    )
    names = (
        "embed_dim image_size patch_size vision_width vision_head_width vision_layers "
        "text_width text_heads text_layers context_length"
    )
    encoder = CLIPEncoder(**dict(zip(names.split(), map(int, numbers.groups()), strict=True)))
    encoder.load_released_state_dict(golden.released_weights(golden.entry["state_keys"]))
    return encoder.eval()
