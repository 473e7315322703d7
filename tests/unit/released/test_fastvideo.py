"""A folder that FastVideo converted loads here, and sounds as the official files do."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch
from mmaudio_world import CLIP, COMPONENTS, official_state
from safetensors.torch import save_file

from pavas_sdk import PavasPipeline
from pavas_sdk.errors import WeightsError
from pavas_sdk.models import VAE_VARIANTS, AutoencoderMel, BigVGAN, MMAudioTransformer, Synchformer
from pavas_sdk.released import ReleasedComponent
from pavas_sdk.released.fastvideo import is_fastvideo

SIZES = {
    "latent_dim": 40,
    "hidden_dim": 32,
    "num_heads": 2,
    "depth": 2,
    "fused_depth": 1,
    "clip_dim": 16,
    "sync_dim": 64,
    "text_dim": 16,
    "mlp_ratio": 4.0,
}
TRANSFORMER = partial(
    MMAudioTransformer,
    **SIZES,
    time_embed_dim=32,
    time_embed_scale=10000.0,
    conv_projection_activation="silu",
    linear_projection_activation="silu",
)
VAE = partial(AutoencoderMel, **{**VAE_VARIANTS["44k"], "base_width": 8})
VOCODER = partial(
    BigVGAN,
    mel_bins=128,
    initial_channels=64,
    upsample_rates=(8, 4, 2, 2, 2, 2),
    upsample_kernel_sizes=(16, 8, 4, 4, 4, 4),
    final_activation="clamp",
    final_bias=False,
    sample_rate_hz=44100,
)
SYNC = partial(Synchformer, hidden_dim=64, num_heads=1, depth=1, mlp_dim=32, patch_size=56)
OFFICIAL = {part.slot: part for part in COMPONENTS}
BUILDERS = {"transformer": TRANSFORMER, "vae": VAE, "vocoder": VOCODER, "sync_encoder": SYNC}


def official(slot):
    part = next(part for part in COMPONENTS if part.slot == slot)
    build = BUILDERS.get(slot, part.build)
    return official_state(
        ReleasedComponent(
            name=part.name, slot=slot, file=part.file, build=build, translate=part.translate
        )
    )


def clip_halves(state):
    """open_clip's names as FastVideo writes them."""
    fixed = {
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "ln_final.weight": "text_model.final_layer_norm.weight",
        "ln_final.bias": "text_model.final_layer_norm.bias",
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
        "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
        "visual.ln_post.weight": "vision_model.post_layernorm.weight",
        "visual.ln_post.bias": "vision_model.post_layernorm.bias",
    }
    text, vision = {}, {}
    for name, tensor in state.items():
        if name in ("text_projection", "logit_scale"):
            continue
        if name == "visual.proj":
            vision["visual_projection.weight"] = tensor.t().contiguous()
            continue
        target = fixed.get(name, name)
        target = target.replace("visual.transformer.resblocks.", "vision_model.encoder.layers.")
        target = target.replace("transformer.resblocks.", "text_model.encoder.layers.")
        for theirs, ours in (
            (".ln_1.", ".layer_norm1."),
            (".ln_2.", ".layer_norm2."),
            (".attn.in_proj_", ".self_attn.qkv_proj."),
            (".attn.out_proj.", ".self_attn.out_proj."),
            (".mlp.c_fc.", ".mlp.fc1."),
            (".mlp.c_proj.", ".mlp.fc2."),
        ):
            target = target.replace(theirs, ours)
        (vision if target.startswith("vision_model") else text)[target] = tensor
    return text, vision


def write(folder, name, state, config):
    (folder / name).mkdir(parents=True)
    tensors = {key: value.contiguous() for key, value in state.items()}
    save_file(tensors, folder / name / "diffusion_pytorch_model.safetensors")
    (folder / name / "config.json").write_text(json.dumps(config))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("fastvideo")
    flow = official("transformer")
    for name in ("t_embed.freqs", "latent_rot", "clip_rot"):
        del flow[name]
    write(root, "transformer", flow, {**SIZES, "v2": True, "text_seq_len": 77})
    decoder = {k: v for k, v in official("vae").items() if not k.startswith("encoder.")}
    write(root, "audio_vae", decoder, {"mode": "44k", "need_encoder": False})
    write(
        root,
        "vocoder",
        official("vocoder"),
        {
            "num_mels": 128,
            "upsample_initial_channel": 64,
            "upsample_rates": [8, 4, 2, 2, 2, 2],
            "upsample_kernel_sizes": [16, 8, 4, 4, 4, 4],
            "resblock_kernel_sizes": [3, 7, 11],
            "resblock_dilation_sizes": [[1, 3, 5]] * 3,
            "use_tanh_at_final": False,
            "use_bias_at_final": False,
            "sampling_rate": 44100,
        },
    )
    visual = {k: v for k, v in official("sync_encoder").items() if k.startswith("vfeat")}
    sync = {"image_size": 224, "segment_size": 16, "segment_stride": 8, "hidden_size": 64}
    write(root, "image_encoder_2", visual, sync)
    text, vision = clip_halves(official("clip"))
    write(
        root,
        "text_encoder",
        text,
        {
            "hidden_size": CLIP["text_width"],
            "num_attention_heads": CLIP["text_heads"],
            "num_hidden_layers": 1,
            "max_position_embeddings": 77,
            "vocab_size": 49408,
        },
    )
    write(
        root,
        "image_encoder",
        vision,
        {
            "hidden_size": CLIP["vision_width"],
            "intermediate_size": 4 * CLIP["vision_width"],
            "projection_dim": CLIP["embed_dim"],
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 378,
            "patch_size": 14,
        },
    )
    index = {"_class_name": "MMAudioPipeline", "_fastvideo_model_family": "mmaudio"}
    (root / "model_index.json").write_text(json.dumps(index))
    return root


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_every_tensor_is_the_official_one(folder, cache):
    assert is_fastvideo(folder)
    pipe = PavasPipeline.from_pretrained(folder)
    for slot in (*BUILDERS, "clip"):
        part = getattr(pipe, slot)
        state = official(slot)
        tensors = OFFICIAL[slot].translate(state)
        for name, tensor in part.state_dict().items():
            if name.endswith(("text_projection", "logit_scale")):
                continue
            assert torch.equal(tensor, tensors[name].read()), f"{slot}: {name}"
    assert pipe.vae.encoder is None
    assert pipe.config.sample_rate_hz == 44100
    pipe.set_progress_bar_config(disable=True)
    audio = pipe(
        prompt="nail", duration_s=0.64, num_inference_steps=1, generator=torch.Generator()
    ).audio
    assert np.isfinite(audio.samples).all()


def test_it_is_converted_once(folder, cache):
    first = PavasPipeline.from_pretrained(folder)
    (made,) = (cache / "pipelines").glob("fastvideo-*")
    stamp = (made / "model_index.json").stat().st_mtime_ns
    again = PavasPipeline.from_pretrained(folder)
    assert (made / "model_index.json").stat().st_mtime_ns == stamp
    assert torch.equal(first.transformer.latent_std, again.transformer.latent_std)


def test_a_folder_with_the_transformer_alone_is_explained(tmp_path, cache):
    (tmp_path / "model_index.json").write_text('{"_fastvideo_model_family": "mmaudio"}')
    with pytest.raises(WeightsError, match=r"lacks transformer/config.json.*transformer-only"):
        PavasPipeline.from_pretrained(tmp_path)
