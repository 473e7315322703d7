"""Networks with name-seeded weights, converted from "official" files as the product does."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from converted import DERIVED, PARTS, load_converted
from goldens import fixed_keys, released_keys

from pavas_sdk.models import CLIPEncoder


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
