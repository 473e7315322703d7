"""The released small_16k at tiny sizes: its real files' names and layouts, weights seeded by name."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from pavas_sdk.models import (
    BIGVGAN_VARIANTS,
    VAE_VARIANTS,
    AutoencoderMel,
    BigVGAN,
    CLIPEncoder,
    MMAudioTransformer,
    Synchformer,
)
from pavas_sdk.models.bigvgan import oversampling_filter
from pavas_sdk.released import MMAUDIO_RELEASES, ReleasedComponent, ReleasedPreset

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from name_seeded import fill

TRANSFORMER = {
    "latent_dim": 20,
    "hidden_dim": 32,
    "num_heads": 2,
    "depth": 2,
    "fused_depth": 1,
    "clip_dim": 16,
    "sync_dim": 16,
    "text_dim": 16,
    "mlp_ratio": 2.0,
    "mlp_multiple_of": 16,
    "time_embed_dim": 32,
}
CLIP = {
    "embed_dim": 16,
    "vision_width": 32,
    "vision_layers": 1,
    "vision_head_width": 16,
    "text_width": 16,
    "text_heads": 2,
    "text_layers": 1,
}
SYNCHFORMER = {"hidden_dim": 16, "num_heads": 2, "depth": 1, "mlp_dim": 32, "patch_size": 56}
_BUILDERS = {
    "transformer": partial(MMAudioTransformer, **TRANSFORMER),
    "vae": partial(AutoencoderMel, **{**VAE_VARIANTS["16k"], "base_width": 8}),
    "vocoder": partial(BigVGAN, **{**BIGVGAN_VARIANTS["16k"], "initial_channels": 64}),
    "clip": partial(CLIPEncoder, **CLIP),
    "sync_encoder": partial(Synchformer, **SYNCHFORMER),
}
_SMALL = MMAUDIO_RELEASES["mmaudio-small-16k"]
COMPONENTS = tuple(
    replace(part, name=f"tiny-{part.name}", build=_BUILDERS[part.slot])
    for part in _SMALL.components
)
RELEASE = replace(
    _SMALL,
    name="tiny-mmaudio",
    components=COMPONENTS,
    settings={**_SMALL.settings, "num_inference_steps": 2},
)
PRESET = ReleasedPreset(RELEASE)


def _pairs(shapes):
    """The weight-norm pairs that a released vocoder holds in place of weights, and its filters."""
    out = {}
    for name, shape in shapes.items():
        if name.endswith(".weight"):
            out[name.removesuffix("weight") + "weight_g"] = (shape[0], 1, 1)
            out[name.removesuffix("weight") + "weight_v"] = shape
        else:
            out[name] = shape
    return out


def official_state(part: ReleasedComponent) -> dict[str, torch.Tensor]:
    """The tensors of an official file, with all that must be left out in it."""
    shapes = {name: tuple(tensor.shape) for name, tensor in part.build().state_dict().items()}
    extra = {}
    if part.slot == "transformer":
        extra = {
            "t_embed.freqs": torch.ones(3),
            "latent_rot": torch.ones(1),
            "clip_rot": torch.ones(1),
        }
    elif part.slot == "vocoder":
        shapes = _pairs(shapes)
        extra = {"activation_post.upsample.filter": oversampling_filter()[None, None]}
    elif part.slot == "clip":
        shapes = {name.removeprefix("model."): shape for name, shape in shapes.items()}
    elif part.slot == "sync_encoder":
        shapes = {f"vfeat_extractor.{name}": shape for name, shape in shapes.items()}
        extra = {
            "vfeat_extractor.patch_embed.proj.weight": torch.ones(2),
            "afeat_extractor.anything": torch.ones(2),
        }
    return {name: torch.from_numpy(fill(name, shape)) for name, shape in shapes.items()} | extra


def write_official(hub: Path, parts=COMPONENTS) -> Path:
    """Write the official files as the Hub has them: owner/name/path."""
    for part in parts:
        path = hub / part.file.repository / part.file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        state = official_state(part)
        torch.save({"generator": state} if part.slot == "vocoder" else state, path)
    return hub
