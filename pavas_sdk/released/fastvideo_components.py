"""MMAudio as FastVideo lays it out: which folder holds which network, and what its names become.

FastVideo (hao-ai-lab/FastVideo, ``convert_mmaudio_to_diffusers.py``) keeps the official names of
the flow network, Synchformer and the vocoder, keeps the codec's decoder alone, and splits CLIP
into two encoders with names after transformers. All of it maps back name by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pavas_sdk.errors import WeightsError
from pavas_sdk.models.bigvgan import BigVGAN
from pavas_sdk.models.clip_encoder import CLIPEncoder
from pavas_sdk.models.synchformer import Synchformer
from pavas_sdk.models.transformer import MMAudioTransformer
from pavas_sdk.models.vae import VAE_VARIANTS, AutoencoderMel
from pavas_sdk.released.releases import ReleasedComponent
from pavas_sdk.released.tensor_names import (
    LazyTensor,
    bigvgan_tensors,
    clip_tensors,
    synchformer_tensors,
    unchanged,
)

__all__ = ["FASTVIDEO_FOLDERS", "fastvideo_component"]

FASTVIDEO_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "transformer": ("transformer",),
    "vae": ("audio_vae",),
    "vocoder": ("vocoder",),
    "clip": ("text_encoder", "image_encoder"),
    "sync_encoder": ("image_encoder_2",),
}
"""Folders of a FastVideo pipeline that make each of our components."""

_Configs = Mapping[str, Mapping[str, Any]]
_State = Mapping[str, Tensor]

# Parts of names in FastVideo's CLIP encoders, and in open_clip.
_CLIP_PARTS = (
    (".layer_norm1.", ".ln_1."),
    (".layer_norm2.", ".ln_2."),
    (".self_attn.qkv_proj.", ".attn.in_proj_"),
    (".self_attn.out_proj.", ".attn.out_proj."),
    (".mlp.fc1.", ".mlp.c_fc."),
    (".mlp.fc2.", ".mlp.c_proj."),
)
_CLIP_NAMES = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
_CLIP_LAYERS = (
    ("text_model.encoder.layers.", "transformer.resblocks."),
    ("vision_model.encoder.layers.", "visual.transformer.resblocks."),
)


def fastvideo_component(
    component: ReleasedComponent, configs: _Configs, state: _State
) -> ReleasedComponent:
    """Return ``component`` as a FastVideo folder holds it.

    Args:
        component: The same slot of the released model.
        configs: ``config.json`` of each of its folders.
        state: Its tensors, of all its folders.

    Raises:
        WeightsError: A number that is needed is not in the configs.
    """
    make, translate = _SLOTS[component.slot]
    try:
        build = make(configs, state)
    except KeyError as err:
        raise WeightsError(
            f"the FastVideo folder's {' and '.join(configs)} lack {err}; convert it again with "
            "FastVideo's convert_mmaudio_to_diffusers.py"
        ) from err
    return ReleasedComponent(
        name=component.name,
        slot=component.slot,
        file=component.file,
        build=build,
        translate=translate,
    )


def _transformer(configs: _Configs, state: _State) -> Callable[[], Any]:
    config, second = configs["transformer"], bool(configs["transformer"]["v2"])
    sizes = ("latent_dim", "hidden_dim", "num_heads", "depth", "fused_depth")
    return partial(
        MMAudioTransformer,
        **{name: config[name] for name in (*sizes, "clip_dim", "sync_dim", "text_dim")},
        mlp_ratio=config["mlp_ratio"],
        text_length=config["text_seq_len"],
        time_embed_dim=config["hidden_dim"] if second else 256,
        time_embed_scale=10000.0 if second else 1.0,
        conv_projection_activation="silu" if second else "selu",
        linear_projection_activation="silu" if second else None,
    )


def _vae(configs: _Configs, state: _State) -> Callable[[], Any]:
    numbers = dict(VAE_VARIANTS[configs["audio_vae"]["mode"]])
    numbers["base_width"] = state["decoder.conv_out.weight"].shape[1]
    return partial(AutoencoderMel, **numbers, with_encoder="encoder.conv_in.weight" in state)


def _vocoder(configs: _Configs, state: _State) -> Callable[[], Any]:
    config = configs["vocoder"]
    return partial(
        BigVGAN,
        mel_bins=config["num_mels"],
        initial_channels=config["upsample_initial_channel"],
        upsample_rates=tuple(config["upsample_rates"]),
        upsample_kernel_sizes=tuple(config["upsample_kernel_sizes"]),
        block_kernel_sizes=tuple(config["resblock_kernel_sizes"]),
        block_dilations=tuple(config["resblock_dilation_sizes"][0]),
        final_activation="tanh" if config.get("use_tanh_at_final", True) else "clamp",
        final_bias=config.get("use_bias_at_final", True),
        sample_rate_hz=config["sampling_rate"],
    )


def _synchformer(configs: _Configs, state: _State) -> Callable[[], Any]:
    config = configs["image_encoder_2"]
    patches = state["vfeat_extractor.patch_embed_3d.proj.weight"]
    inner = state["vfeat_extractor.blocks.0.mlp.fc1.weight"]
    blocks = {name.split(".")[2] for name in state if name.startswith("vfeat_extractor.blocks.")}
    return partial(
        Synchformer,
        image_size=config["image_size"],
        segment_frames=config["segment_size"],
        step_frames=config["segment_stride"],
        hidden_dim=config["hidden_size"],
        num_heads=max(1, config["hidden_size"] // 64),
        depth=len(blocks),
        mlp_dim=inner.shape[0],
        tubelet_frames=patches.shape[2],
        patch_size=patches.shape[3],
    )


def _clip(configs: _Configs, state: _State) -> Callable[[], Any]:
    text, image = configs["text_encoder"], configs["image_encoder"]
    size, patch = image["image_size"], image["patch_size"]
    return partial(
        CLIPEncoder,
        embed_dim=image["projection_dim"],
        image_size=size,
        input_size=384 if size == 378 else size,
        patch_size=patch,
        vision_width=image["hidden_size"],
        vision_layers=image["num_hidden_layers"],
        vision_head_width=image["hidden_size"] // image["num_attention_heads"],
        vision_mlp_ratio=image["intermediate_size"] / image["hidden_size"],
        text_width=text["hidden_size"],
        text_heads=text["num_attention_heads"],
        text_layers=text["num_hidden_layers"],
        context_length=text["max_position_embeddings"],
        vocab_size=text["vocab_size"],
    )


def _clip_tensors(official: _State) -> Mapping[str, LazyTensor]:
    state: dict[str, Tensor] = {}
    for name, tensor in official.items():
        if name == "visual_projection.weight":
            state["visual.proj"] = tensor.t()
            continue
        target = _CLIP_NAMES.get(name, name)
        for theirs, ours in (*_CLIP_LAYERS, *_CLIP_PARTS):
            target = target.replace(theirs, ours)
        state[target] = tensor
    # FastVideo leaves out what MMAudio's path through CLIP never uses. They are zeros here.
    width = official.get("text_model.final_layer_norm.weight")
    projection = official.get("visual_projection.weight")
    if width is not None and projection is not None:
        state.setdefault("text_projection", torch.zeros(width.shape[0], projection.shape[0]))
        state.setdefault("logit_scale", torch.zeros(()))
    return clip_tensors(state)


_SLOTS: Mapping[str, tuple[Callable[[_Configs, _State], Callable[[], Any]], Any]] = {
    "transformer": (_transformer, unchanged),
    "vae": (_vae, unchanged),
    "vocoder": (_vocoder, bigvgan_tensors),
    "clip": (_clip, _clip_tensors),
    "sync_encoder": (_synchformer, synchformer_tensors),
}
