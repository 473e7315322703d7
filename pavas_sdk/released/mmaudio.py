"""The five released MMAudio models and the files that they are made of. No torch until built.

Repositories and paths are those of the public reference; sizes follow from the parameter counts
in float32 (of Synchformer: the published size, since its file holds the audio part, too).
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pavas_sdk.released.releases import OfficialFile, Release, ReleasedComponent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from pavas_sdk.models.translation import Entry

__all__ = ["MMAUDIO_RELEASES"]

_REPOSITORY = "hkchengrex/MMAudio"
_WEIGHTS_LICENCE = "CC-BY-NC-4.0"

_FLOW_PARAMETERS = {
    "small_16k": 157_283_644,
    "small_44k": 157_409_144,
    "medium_44k": 621_805_944,
    "large_44k": 1_030_002_168,
    "large_44k_v2": 1_030_575_608,
}
_SUMMARIES = {
    "small_16k": "157 M parameters, 16 kHz",
    "small_44k": "157 M parameters, 44.1 kHz",
    "medium_44k": "622 M parameters, 44.1 kHz",
    "large_44k": "1.03 B parameters, 44.1 kHz",
    "large_44k_v2": "1.03 B parameters, 44.1 kHz, second version; recommended by its authors",
}
# Tables that follow from the configuration; some released files hold them.
_DERIVED = ("t_embed.freqs", "latent_rot", "clip_rot")


def _build_transformer(variant: str) -> Any:
    from pavas_sdk.models.variants import build_transformer

    return build_transformer(variant)


def _build_vae(mode: str) -> Any:
    from pavas_sdk.models.vae import build_vae

    return build_vae(mode)


def _build_vocoder(mode: str) -> Any:
    from pavas_sdk.models.bigvgan import build_bigvgan

    return build_bigvgan(mode)


def _build_synchformer() -> Any:
    from pavas_sdk.models.synchformer import Synchformer

    return Synchformer()


def _build_clip() -> Any:
    from pavas_sdk.models.clip_encoder import CLIPEncoder

    return CLIPEncoder()


def _vocoder_entries(official: Mapping[str, Tensor]) -> Mapping[str, Entry]:
    from pavas_sdk.models.bigvgan import BigVGAN

    entries: Mapping[str, Entry] = BigVGAN.released_entries(official)
    return entries


def _synchformer_entries(official: Mapping[str, Tensor]) -> Mapping[str, Entry]:
    from pavas_sdk.models.synchformer import Synchformer

    entries: Mapping[str, Entry] = Synchformer.released_entries(official)
    return entries


def _clip_entries(official: Mapping[str, Tensor]) -> Mapping[str, Entry]:
    from pavas_sdk.models.clip_encoder import CLIPEncoder

    entries: Mapping[str, Entry] = CLIPEncoder.released_entries(official)
    return entries


def _without_derived(official: Mapping[str, Tensor]) -> Mapping[str, Entry]:
    from pavas_sdk.models.translation import without

    return without(official, names=_DERIVED)


def _as_they_are(official: Mapping[str, Tensor]) -> Mapping[str, Entry]:
    from pavas_sdk.models.translation import as_they_are

    return as_they_are(official)


def _transformer(variant: str) -> ReleasedComponent:
    return ReleasedComponent(
        name=f"mmaudio-transformer-{variant.replace('_', '-')}",
        slot="transformer",
        file=OfficialFile(
            repository=_REPOSITORY,
            path=f"weights/mmaudio_{variant}.pth",
            size_bytes=4 * _FLOW_PARAMETERS[variant],
            licence=_WEIGHTS_LICENCE,
        ),
        build=partial(_build_transformer, variant),
        translate=_without_derived,
    )


def _vae(mode: str, parameters: int) -> ReleasedComponent:
    return ReleasedComponent(
        name=f"mmaudio-vae-{mode}",
        slot="vae",
        file=OfficialFile(
            repository=_REPOSITORY,
            path=f"ext_weights/v1-{mode.removesuffix('k')}.pth",
            size_bytes=4 * parameters,
            licence=_WEIGHTS_LICENCE,
        ),
        build=partial(_build_vae, mode),
        translate=_as_they_are,
    )


def _vocoder(mode: str, repository: str, path: str, parameters: int) -> ReleasedComponent:
    return ReleasedComponent(
        name=f"bigvgan-{mode}",
        slot="vocoder",
        file=OfficialFile(
            repository=repository, path=path, size_bytes=4 * parameters, licence="MIT"
        ),
        build=partial(_build_vocoder, mode),
        translate=_vocoder_entries,
    )


_VOCODERS = {
    "16k": _vocoder("16k", _REPOSITORY, "ext_weights/best_netG.pt", 112_233_866),
    "44k": _vocoder(
        "44k", "nvidia/bigvgan_v2_44khz_128band_512x", "bigvgan_generator.pt", 122_187_145
    ),
}
_SYNCHFORMER = ReleasedComponent(
    name="synchformer",
    slot="sync_encoder",
    file=OfficialFile(
        repository=_REPOSITORY,
        path="ext_weights/synchformer_state_dict.pth",
        size_bytes=950_000_000,
        licence="MIT",
    ),
    build=_build_synchformer,
    translate=_synchformer_entries,
)
_CLIP = ReleasedComponent(
    name="clip-dfn5b-vit-h-14-378",
    slot="clip",
    file=OfficialFile(
        repository="apple/DFN5B-CLIP-ViT-H-14-378",
        path="open_clip_pytorch_model.bin",
        size_bytes=4 * 986_700_000,
        licence="LicenseRef-Apple-AMLR-research-only",
    ),
    build=_build_clip,
    translate=_clip_entries,
)
_VAES = {"16k": _vae("16k", 171_657_378), "44k": _vae("44k", 305_479_938)}
_RATES: dict[str, dict[str, Any]] = {
    "16k": {"sample_rate_hz": 16000, "hop_length": 256},
    "44k": {"sample_rate_hz": 44100, "hop_length": 512},
}


def _release(variant: str) -> Release:
    mode = "16k" if variant.endswith("16k") else "44k"
    return Release(
        name=f"mmaudio-{variant.replace('_', '-')}",
        summary=f"MMAudio {_SUMMARIES[variant]}",
        components=(
            _transformer(variant),
            _VAES[mode],
            _VOCODERS[mode],
            _CLIP,
            _SYNCHFORMER,
        ),
        settings=MappingProxyType(
            {
                **_RATES[mode],
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
    {release.name: release for release in map(_release, _FLOW_PARAMETERS)}
)
"""The released models by the name of their preset."""
