"""The released sizes of the flow network, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models.sequence import SEQUENCE_16K, SEQUENCE_44K, SequenceConfig
from pavas_sdk.registry.released_models import MMAUDIO_MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.models.transformer import MMAudioTransformer

__all__ = ["TRANSFORMER_VARIANTS", "build_transformer", "sequence_config", "transformer_config"]

_SIZES = {
    "small": {"hidden_dim": 448, "num_heads": 7, "depth": 12, "fused_depth": 8},
    "medium": {"hidden_dim": 896, "num_heads": 14, "depth": 12, "fused_depth": 8},
    "large": {"hidden_dim": 896, "num_heads": 14, "depth": 21, "fused_depth": 14},
}
_LATENT_DIMS = {"16k": 20, "44k": 40}
_VERSIONS: dict[int, dict[str, Any]] = {
    1: {
        "time_embed_dim": 256,
        "time_embed_scale": 1.0,
        "conv_projection_activation": "selu",
        "linear_projection_activation": None,
    },
    2: {
        "time_embed_dim": 896,
        "time_embed_scale": 10000.0,
        "conv_projection_activation": "silu",
        "linear_projection_activation": "silu",
    },
}

TRANSFORMER_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    variant: {
        "latent_dim": _LATENT_DIMS[model.mode],
        **_SIZES[model.size],
        **_VERSIONS[model.version],
    }
    for variant, model in MMAUDIO_MODELS.items()
}
"""Constructor numbers of :class:`~pavas_sdk.models.MMAudioTransformer` for each released size."""


def transformer_config(variant: str) -> dict[str, Any]:
    """Return a copy of the constructor numbers of ``variant``.

    Raises:
        ConfigurationError: No such variant.
    """
    if variant not in TRANSFORMER_VARIANTS:
        raise ConfigurationError(
            f"unknown transformer variant {variant!r}; known: {', '.join(TRANSFORMER_VARIANTS)}"
        )
    return dict(TRANSFORMER_VARIANTS[variant])


def build_transformer(variant: str) -> MMAudioTransformer:
    """Return a new, untrained network of the released size ``variant``.

    Inside ``with torch.device("meta"):`` it takes no memory.

    Raises:
        ConfigurationError: No such variant.
    """
    from pavas_sdk.models.transformer import MMAudioTransformer

    net: MMAudioTransformer = MMAudioTransformer(**transformer_config(variant))
    return net


def sequence_config(variant: str) -> SequenceConfig:
    """Return the rates of ``variant``: 16 or 44.1 kHz.

    Raises:
        ConfigurationError: No such variant.
    """
    return SEQUENCE_16K if transformer_config(variant)["latent_dim"] == 20 else SEQUENCE_44K
