"""Official names to ours: nothing lost, nothing invented."""

from __future__ import annotations

import torch
from torch import nn

from pavas_sdk.models import BigVGAN
from pavas_sdk.models.bigvgan import oversampling_filter
from pavas_sdk.released.tensor_names import (
    bigvgan_tensors,
    clip_tensors,
    fold_weight_norm,
    synchformer_tensors,
    transformer_tensors,
)


def test_derived_tables_of_the_flow_network_are_dropped_and_the_rest_passes_through():
    official = {"a": torch.ones(2), "x.latent_rot": torch.ones(3)}
    derived = {name: torch.zeros(3) for name in ("t_embed.freqs", "latent_rot", "clip_rot")}
    tensors = transformer_tensors({**official, **derived})
    assert {name: tensor.read() for name, tensor in tensors.items()} == official


def test_only_the_visual_half_of_synchformer_is_taken():
    tensors = synchformer_tensors(
        {
            "vfeat_extractor.norm.bias": torch.ones(2),
            "vfeat_extractor.patch_embed_3d.proj.bias": torch.ones(3),
            "vfeat_extractor.patch_embed.proj.weight": torch.zeros(16, 3, 16, 16),
            "afeat_extractor.norm.bias": torch.zeros(2),
        }
    )
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "norm.bias": (2,),
        "patch_embed_3d.proj.bias": (3,),
    }


def test_clip_stands_inside_a_wrapper():
    assert set(clip_tensors({"token_embedding.weight": torch.zeros(1)})) == {
        "model.token_embedding.weight"
    }


def test_weight_norm_is_folded_as_torch_does_in_both_spellings():
    torch.manual_seed(0)
    for layer in (nn.Conv1d(3, 5, 3), nn.ConvTranspose1d(4, 2, 4)):
        new = nn.utils.parametrizations.weight_norm(layer)
        with torch.no_grad():
            new.parametrizations.weight.original0.mul_(1.7)
        state = new.state_dict()
        classic = {
            "x.weight_g": state["parametrizations.weight.original0"],
            "x.weight_v": state["parametrizations.weight.original1"],
            "x.bias": state["bias"],
        }
        for official, prefix in ((state, ""), (classic, "x.")):
            tensors = fold_weight_norm(official)
            assert set(tensors) == {f"{prefix}weight", f"{prefix}bias"}
            folded = tensors[f"{prefix}weight"]
            assert folded.shape == tuple(new.weight.shape)
            torch.testing.assert_close(folded.read(), new.weight.detach())


def test_half_a_pair_and_plain_weights_pass_through():
    tensors = fold_weight_norm({"a.weight_g": torch.ones(1), "b.weight": torch.ones(2)})
    assert set(tensors) == {"a.weight_g", "b.weight"}


def test_a_whole_vocoder_in_both_spellings_of_weight_norm_and_none():
    torch.manual_seed(0)
    vocoder = BigVGAN(
        mel_bins=6, initial_channels=32, upsample_rates=(4, 2), upsample_kernel_sizes=(8, 4)
    )
    plain = vocoder.state_dict()
    classic, modern = {}, {}
    for key, value in plain.items():
        if not key.endswith(".weight"):
            classic[key] = modern[key] = value
            continue
        stem = key.removesuffix("weight")
        norm = value.flatten(1).norm(dim=1).reshape(-1, 1, 1)
        classic[f"{stem}weight_g"] = modern[f"{stem}parametrizations.weight.original0"] = norm
        classic[f"{stem}weight_v"] = 3.0 * value
        modern[f"{stem}parametrizations.weight.original1"] = 0.5 * value
    filters = {"activation_post.upsample.filter": oversampling_filter()[None, None]}
    for state in (plain, {**classic, **filters}, modern):
        tensors = bigvgan_tensors(state)
        assert set(tensors) == set(plain)
        for key, tensor in tensors.items():
            torch.testing.assert_close(tensor.read(), plain[key], rtol=1e-6, atol=1e-7)
