"""The table of released models: what is fetched, from where, and that it fits our networks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pavas_sdk.registry import default_registry, is_non_commercial
from pavas_sdk.released import MMAUDIO_RELEASES
from pavas_sdk.released.component_weights import component_weights, recognise

KEYS = Path(__file__).parents[2] / "golden" / "mmaudio" / "keys"
COMPONENTS = {
    part.name: part for release in MMAUDIO_RELEASES.values() for part in release.components
}
TABLES = {
    **{
        f"mmaudio-transformer-{variant.replace('_', '-')}": f"flow_{variant}"
        for variant in ("small_16k", "small_44k", "medium_44k", "large_44k", "large_44k_v2")
    },
    "mmaudio-vae-16k": "vae_16k",
    "mmaudio-vae-44k": "vae_44k",
    "bigvgan-16k": "bigvgan_16k",
    "bigvgan-44k": "bigvgan_44k",
    "synchformer": "synchformer_visual",
}


def official(name):
    """Tensors without memory, by the official names and shapes."""
    table = json.loads((KEYS / f"{TABLES[name]}.json").read_text())
    return {entry["key"]: torch.empty(entry["shape"], device="meta") for entry in table["keys"]}


def test_there_are_five():
    assert list(MMAUDIO_RELEASES) == [
        "mmaudio-small-16k",
        "mmaudio-small-44k",
        "mmaudio-medium-44k",
        "mmaudio-large-44k",
        "mmaudio-large-44k-v2",
    ]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_official_names_and_shapes_fit_and_are_recognised(name):
    state = official(name)
    network, tensors = component_weights(COMPONENTS[name], state, Path("x.pth"))
    assert list(tensors) == list(network.state_dict())
    assert recognise(state, COMPONENTS.values()) == [name]
    if name != "synchformer":  # its file holds the audio part, too
        numbers = sum(tensor.numel() for tensor in state.values())
        assert COMPONENTS[name].file.size_bytes == 4 * numbers


def test_clip_takes_the_names_of_open_clip():
    clip = COMPONENTS["clip-dfn5b-vit-h-14-378"]
    with torch.device("meta"):
        inner = clip.build().model.state_dict()
    component_weights(clip, inner, Path("x.bin"))
    numbers = sum(tensor.numel() for tensor in inner.values())
    assert clip.file.size_bytes == pytest.approx(4 * numbers, rel=1e-3)


@pytest.mark.parametrize("name", MMAUDIO_RELEASES)
def test_presets_are_registered_with_licences_and_sizes(name):
    entry = default_registry().get("pipeline", name)
    preset = entry.load()
    assert preset.release is MMAUDIO_RELEASES[name]
    assert entry.licence == preset.release.licence
    assert "CC-BY-NC-4.0" in entry.licence
    assert is_non_commercial(entry.licence)
    slots = {part.slot for part in preset.release.components}
    assert slots == {"transformer", "vae", "vocoder", "clip", "sync_encoder"}
    assert preset.download_bytes > 6e9 - 4e9


def test_derived_tables_of_a_released_file_are_dropped():
    name = "mmaudio-transformer-small-16k"
    state = official(name) | {"t_embed.freqs": torch.empty(1), "latent_rot": torch.empty(1)}
    component_weights(COMPONENTS[name], state, Path("x.pth"))


def test_listing_needs_no_torch():
    code = (
        "import sys, pavas_sdk.released, pavas_sdk.released.preset;"
        "sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_page_of_presets_names_every_file_repository_and_licence():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "presets.md").read_text("utf-8")
    for release in MMAUDIO_RELEASES.values():
        assert f"`{release.name}`" in page
        for part in release.components:
            file = part.file
            variant = file.path.replace(file.name, "mmaudio_<variant>.pth")
            assert f"`{file.path}`" in page or (part.slot == "transformer" and variant in page)
            assert file.repository in page
            assert file.licence in page
