"""The five released MMAudio models: the files that they are made of, and their presets. No torch.

Repositories and paths are those of the public reference; sizes follow from the parameter counts
in float32 (of Synchformer: the published size, since its file holds the audio part, too).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pavas_sdk import models
from pavas_sdk.registry.released_models import MMAUDIO_LICENCES, MMAUDIO_MODELS, MMAudioModel
from pavas_sdk.released.preset import ReleasedPreset
from pavas_sdk.released.releases import OfficialFile, Release, ReleasedComponent
from pavas_sdk.released.tensor_names import (
    bigvgan_tensors,
    clip_tensors,
    synchformer_tensors,
    transformer_tensors,
    unchanged,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MMAUDIO_RELEASES", "large_44k", "large_44k_v2", "medium_44k", "small_16k", "small_44k"]

_REPOSITORY = "hkchengrex/MMAudio"
_BYTES = 4  # of a float32 number


def _file(slot: str, path: str, size_bytes: int, *, repository: str = _REPOSITORY) -> OfficialFile:
    return OfficialFile(
        repository=repository, path=path, size_bytes=size_bytes, licence=MMAUDIO_LICENCES[slot]
    )


def _transformer(model: MMAudioModel) -> ReleasedComponent:
    path = f"weights/mmaudio_{model.variant}.pth"
    return ReleasedComponent(
        name=f"mmaudio-transformer-{model.variant.replace('_', '-')}",
        slot="transformer",
        file=_file("transformer", path, _BYTES * model.parameters),
        build=lambda: models.build_transformer(model.variant),
        translate=transformer_tensors,
    )


def _vae(mode: str, parameters: int) -> ReleasedComponent:
    return ReleasedComponent(
        name=f"mmaudio-vae-{mode}",
        slot="vae",
        file=_file("vae", f"ext_weights/v1-{mode.removesuffix('k')}.pth", _BYTES * parameters),
        build=lambda: models.build_vae(mode),
        translate=unchanged,
    )


def _vocoder(mode: str, file: OfficialFile) -> ReleasedComponent:
    return ReleasedComponent(
        name=f"bigvgan-{mode}",
        slot="vocoder",
        file=file,
        build=lambda: models.build_bigvgan(mode),
        translate=bigvgan_tensors,
    )


_VAES = {"16k": _vae("16k", 171_657_378), "44k": _vae("44k", 305_479_938)}
_VOCODERS = {
    "16k": _vocoder("16k", _file("vocoder", "ext_weights/best_netG.pt", _BYTES * 112_233_866)),
    "44k": _vocoder(
        "44k",
        _file(
            "vocoder",
            "bigvgan_generator.pt",
            _BYTES * 122_187_145,
            repository="nvidia/bigvgan_v2_44khz_128band_512x",
        ),
    ),
}
_CLIP = ReleasedComponent(
    name="clip-dfn5b-vit-h-14-378",
    slot="clip",
    file=_file(
        "clip",
        "open_clip_pytorch_model.bin",
        _BYTES * 986_700_000,
        repository="apple/DFN5B-CLIP-ViT-H-14-378",
    ),
    build=lambda: models.CLIPEncoder(),  # noqa: PLW0108  # the class itself would import torch
    translate=clip_tensors,
)
_SYNCHFORMER = ReleasedComponent(
    name="synchformer",
    slot="sync_encoder",
    file=_file("sync_encoder", "ext_weights/synchformer_state_dict.pth", 950_000_000),
    build=lambda: models.Synchformer(),  # noqa: PLW0108
    translate=synchformer_tensors,
)
_RATES: dict[str, dict[str, Any]] = {
    "16k": {"sample_rate_hz": 16000, "hop_length": 256},
    "44k": {"sample_rate_hz": 44100, "hop_length": 512},
}


def _release(model: MMAudioModel) -> Release:
    return Release(
        name=model.preset,
        summary=model.summary,
        components=(
            _transformer(model),
            _VAES[model.mode],
            _VOCODERS[model.mode],
            _CLIP,
            _SYNCHFORMER,
        ),
        settings=MappingProxyType(
            {
                **_RATES[model.mode],
                "frames_per_latent": 2,
                "window_s": 8.0,
                "overlap_s": 2.0,
                "num_inference_steps": 25,
                "guidance_scale": 4.5,
                "min_duration_s": 0.64,  # one segment of Synchformer
            }
        ),
    )


MMAUDIO_RELEASES: Mapping[str, Release] = MappingProxyType(
    {model.preset: _release(model) for model in MMAUDIO_MODELS.values()}
)
"""The released models by the name of their preset."""

# What the registry's entries name.
small_16k, small_44k, medium_44k, large_44k, large_44k_v2 = (
    ReleasedPreset(release, known=tuple(MMAUDIO_RELEASES.values()))
    for release in MMAUDIO_RELEASES.values()
)
