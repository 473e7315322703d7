"""Neural networks: flow transformer, codecs, encoders, sampler.

Names load on first use, so that importing this package costs nothing. Saved pipelines record
these names under ``pavas_sdk.models``; they must stay importable from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_sdk.models.bigvgan import BIGVGAN_VARIANTS, BigVGAN, build_bigvgan
    from pavas_sdk.models.clip_encoder import CLIPEncoder
    from pavas_sdk.models.conditions import Conditions
    from pavas_sdk.models.griffin_lim import GriffinLimVocoder
    from pavas_sdk.models.linear_codec import LinearMelCodec
    from pavas_sdk.models.mel import MEL_16K, MEL_44K, MelConfig, MelSpectrogram
    from pavas_sdk.models.scheduler import FlowMatchEuler, guide
    from pavas_sdk.models.sequence import (
        SEQUENCE_16K,
        SEQUENCE_44K,
        SequenceConfig,
        sequence_for_mode,
    )
    from pavas_sdk.models.synchformer import Synchformer
    from pavas_sdk.models.tiny_sync_encoder import TinySyncEncoder
    from pavas_sdk.models.tiny_visual_encoder import TinyVisualEncoder
    from pavas_sdk.models.transformer import MMAudioTransformer
    from pavas_sdk.models.vae import VAE_VARIANTS, AutoencoderMel, build_vae
    from pavas_sdk.models.variants import (
        TRANSFORMER_VARIANTS,
        build_transformer,
        sequence_config,
        transformer_config,
    )
    from pavas_sdk.models.visual_features import VisualFeatures

_EXPORTS = {
    "AutoencoderMel": "vae",
    "BIGVGAN_VARIANTS": "bigvgan",
    "BigVGAN": "bigvgan",
    "CLIPEncoder": "clip_encoder",
    "Conditions": "conditions",
    "FlowMatchEuler": "scheduler",
    "GriffinLimVocoder": "griffin_lim",
    "LinearMelCodec": "linear_codec",
    "MEL_16K": "mel",
    "MEL_44K": "mel",
    "MMAudioTransformer": "transformer",
    "MelConfig": "mel",
    "MelSpectrogram": "mel",
    "SEQUENCE_16K": "sequence",
    "SEQUENCE_44K": "sequence",
    "SequenceConfig": "sequence",
    "Synchformer": "synchformer",
    "TRANSFORMER_VARIANTS": "variants",
    "TinySyncEncoder": "tiny_sync_encoder",
    "TinyVisualEncoder": "tiny_visual_encoder",
    "VAE_VARIANTS": "vae",
    "VisualFeatures": "visual_features",
    "build_bigvgan": "bigvgan",
    "build_transformer": "variants",
    "build_vae": "vae",
    "guide": "scheduler",
    "sequence_config": "variants",
    "sequence_for_mode": "sequence",
    "transformer_config": "variants",
}

__all__ = [
    "BIGVGAN_VARIANTS",
    "MEL_16K",
    "MEL_44K",
    "SEQUENCE_16K",
    "SEQUENCE_44K",
    "TRANSFORMER_VARIANTS",
    "VAE_VARIANTS",
    "AutoencoderMel",
    "BigVGAN",
    "CLIPEncoder",
    "Conditions",
    "FlowMatchEuler",
    "GriffinLimVocoder",
    "LinearMelCodec",
    "MMAudioTransformer",
    "MelConfig",
    "MelSpectrogram",
    "SequenceConfig",
    "Synchformer",
    "TinySyncEncoder",
    "TinyVisualEncoder",
    "VisualFeatures",
    "build_bigvgan",
    "build_transformer",
    "build_vae",
    "guide",
    "sequence_config",
    "sequence_for_mode",
    "transformer_config",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
