import pytest
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import (
    SEQUENCE_16K,
    SEQUENCE_44K,
    TRANSFORMER_VARIANTS,
    VAE_VARIANTS,
    MMAudioTransformer,
    build_transformer,
    build_vae,
    sequence_config,
    sequence_for_mode,
    transformer_config,
)


def test_names():
    assert list(TRANSFORMER_VARIANTS) == [
        "small_16k",
        "small_44k",
        "medium_44k",
        "large_44k",
        "large_44k_v2",
    ]


@pytest.mark.parametrize("variant", TRANSFORMER_VARIANTS)
def test_heads_are_64_wide_and_the_codec_fits(variant):
    config = transformer_config(variant)
    assert config["hidden_dim"] == 64 * config["num_heads"]
    mode = variant.split("_")[1]
    assert config["latent_dim"] == VAE_VARIANTS[mode]["latent_channels"]
    assert sequence_config(variant) is {"16k": SEQUENCE_16K, "44k": SEQUENCE_44K}[mode]


def test_the_two_large_ones_differ_in_projections_and_time_only():
    first, second = transformer_config("large_44k"), transformer_config("large_44k_v2")
    assert {key for key in first if first[key] != second[key]} == {
        "time_embed_dim",
        "time_embed_scale",
        "conv_projection_activation",
        "linear_projection_activation",
    }


def test_configs_are_copies():
    transformer_config("small_16k")["depth"] = 1
    assert transformer_config("small_16k")["depth"] == 12


def test_built_networks_carry_their_numbers():
    with torch.device("meta"):
        network = build_transformer("small_16k")
        vae = build_vae("44k")
    assert isinstance(network, MMAudioTransformer)
    assert network.config.hidden_dim == 448
    assert len(network.joint_blocks) == 4
    assert len(network.fused_blocks) == 8
    assert vae.sequence == sequence_for_mode("44k")


@pytest.mark.parametrize("function", [transformer_config, build_transformer, sequence_config])
def test_unknown_names(function):
    with pytest.raises(
        ConfigurationError, match="unknown transformer variant 'tiny'; known: small"
    ):
        function("tiny")
