"""A tiny released model: official files with weights seeded by name, and the release they make."""

from __future__ import annotations

import sys
import zlib
from functools import partial
from pathlib import Path

import torch

from pavas_sdk.models import (
    AutoencoderMel,
    GriffinLimVocoder,
    MMAudioTransformer,
    TinySyncEncoder,
    TinyVisualEncoder,
)
from pavas_sdk.released import OfficialFile, Release, ReleasedComponent, ReleasedPreset
from pavas_sdk.released.tensor_names import transformer_tensors, unchanged

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from name_seeded import fill

REPOSITORY = "someone/official"
TRANSFORMER = {
    "latent_dim": 8,
    "hidden_dim": 32,
    "num_heads": 2,
    "depth": 2,
    "fused_depth": 1,
    "clip_dim": 16,
    "sync_dim": 16,
    "text_dim": 16,
    "text_length": 12,
    "mlp_ratio": 2.0,
    "mlp_multiple_of": 16,
    "time_embed_dim": 32,
}
ENCODER = {
    "image_size": 32,
    "widths": (8, 8, 16),
    "patch_dim": 16,
    "pooled_dim": 16,
    "text_dim": 16,
}
SYNC = {
    "image_size": 32,
    "widths": (8, 8, 8, 16),
    "hidden_dim": 16,
    "dilations": (1,),
    "feature_dim": 16,
}
SETTINGS = {
    "sample_rate_hz": 16000,
    "hop_length": 256,
    "frames_per_latent": 2,
    "window_s": 8.0,
    "overlap_s": 2.0,
    "num_inference_steps": 3,
    "guidance_scale": 2.0,
}


def component(slot, cls, config, path, *, licence="CC-BY-NC-4.0", translate=unchanged):
    return ReleasedComponent(
        name=f"tiny-{slot.replace('_', '-')}",
        slot=slot,
        file=OfficialFile(repository=REPOSITORY, path=path, size_bytes=10_000, licence=licence),
        build=partial(cls, **config),
        translate=translate,
    )


COMPONENTS = (
    component(
        "transformer",
        MMAudioTransformer,
        TRANSFORMER,
        "weights/tiny_flow.pth",
        translate=transformer_tensors,
    ),
    component(
        "vae",
        AutoencoderMel,
        {"mel_bins": 80, "latent_channels": 8, "base_width": 16},
        "ext_weights/v1-tiny.pth",
    ),
    component("vocoder", GriffinLimVocoder, {"iterations": 2}, "vocoder.pt", licence="MIT"),
    component("clip", TinyVisualEncoder, ENCODER, "open_clip.bin", licence="Apache-2.0"),
    component("sync_encoder", TinySyncEncoder, SYNC, "ext_weights/sync.pth", licence="MIT"),
)
RELEASE = Release(
    name="tiny-released", summary="for tests", components=COMPONENTS, settings=SETTINGS
)
PRESET = ReleasedPreset(RELEASE)


def official_state(part: ReleasedComponent) -> dict[str, torch.Tensor]:
    """The tensors of an official file; tables that must be dropped are in it, too."""
    state = {
        name: torch.from_numpy(fill(name, tensor.shape))
        for name, tensor in part.build().state_dict().items()
    }
    if part.slot == "transformer":
        state["t_embed.freqs"] = torch.ones(3)
    return state


def write_official(folder: Path, parts=COMPONENTS) -> Path:
    """Write the official files under their published paths."""
    for part in parts:
        path = folder / part.file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        state = official_state(part)
        torch.save({"generator": state} if part.slot == "vocoder" else state, path)
    return folder


def checksum(samples) -> str:
    return f"{zlib.crc32(samples.tobytes()):08x}"
