"""Networks with name-seeded weights, and the sampling loop of the reference."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from itertools import pairwise

import torch
from converted import DERIVED, PARTS, load_converted
from goldens import fixed_keys, released_keys

from pavas_sdk.models import CLIPEncoder, Conditions, FlowMatchEuler, guide


class FilledTransformers:
    """Loads the network of a golden; keeps the small ones, since several goldens share weights."""

    def __init__(self):
        self._small = {}

    def __call__(self, golden):
        variant = golden.entry["variant"]
        key = (variant, golden.prefix, golden.entry["weights_crc32"])
        if key in self._small:
            return self._small[key]
        part = PARTS[f"mmaudio-transformer-{variant.replace('_', '-')}"]
        derived = [(name, (3,)) for name in DERIVED]
        network = load_converted(golden, part, released_keys(f"flow_{variant}"), fixed=derived)
        if variant.startswith("small"):
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
    """A vocoder; its file holds weight-norm pairs, and filters that follow from a formula."""
    mode = golden.entry["mode"]
    table = f"bigvgan_{mode}"
    return load_converted(
        golden, PARTS[f"bigvgan-{mode}"], released_keys(table), fixed=fixed_keys(table)
    )


def filled_vae(golden):
    """A mel autoencoder."""
    mode = golden.entry["mode"]
    return load_converted(golden, PARTS[f"mmaudio-vae-{mode}"], released_keys(f"vae_{mode}"))


def filled_synchformer(golden):
    """The synchronisation encoder at full size; its file holds the audio half, too."""
    other_half = [("afeat_extractor.norm.weight", (3,))]
    keys = released_keys("synchformer_visual")
    return load_converted(golden, PARTS["synchformer"], keys, fixed=other_half)


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
    config = dict(zip(names.split(), map(int, numbers.groups()), strict=True))
    part = replace(PARTS["clip-dfn5b-vit-h-14-378"], build=partial(CLIPEncoder, **config))
    return load_converted(golden, part, golden.entry["state_keys"])
