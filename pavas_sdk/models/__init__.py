"""Neural networks: flow transformer, codecs, encoders, sampler.

Names load on first use, so that importing this package costs nothing. Saved pipelines record
these names under ``pavas_sdk.models``; they must stay importable from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_sdk.models.bigvgan import BIGVGAN_VARIANTS, BigVGAN, build_bigvgan
    from pavas_sdk.models.clip_encoder import CLIPEncoder
    from pavas_sdk.models.conditions import Conditions
    from pavas_sdk.models.griffin_lim import GriffinLimVocoder
    from pavas_sdk.models.guidance import (
        GuidanceBranch,
        composed_branches,
        guidance_branches,
        guide,
    )
    from pavas_sdk.models.istft_vocoder import IstftVocoder
    from pavas_sdk.models.linear_codec import LinearMelCodec
    from pavas_sdk.models.listening.imagebind_inputs import (
        imagebind_sound_input,
        imagebind_video_input,
    )
    from pavas_sdk.models.listening.panns import Cnn14
    from pavas_sdk.models.listening.passt import PaSST
    from pavas_sdk.models.listening.sound import prepare_sound
    from pavas_sdk.models.listening.synchformer_audio import SynchformerAudio
    from pavas_sdk.models.listening.synchformer_comparison import SynchformerComparison
    from pavas_sdk.models.listening.vggish import VGGish
    from pavas_sdk.models.mel import (
        MEL_16K,
        MEL_44K,
        MEL_48K,
        MelConfig,
        MelSpectrogram,
        mel_config_of_rate,
    )
    from pavas_sdk.models.scheduler import FlowMatchEuler
    from pavas_sdk.models.sequence import (
        SEQUENCE_16K,
        SEQUENCE_44K,
        SequenceConfig,
        sequence_for_mode,
    )
    from pavas_sdk.models.synchformer import Synchformer
    from pavas_sdk.models.tiny_impact_detector import (
        ImpactLogits,
        ImpactSight,
        TinyImpactDetector,
    )
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
    "bigvgan": ["BIGVGAN_VARIANTS", "BigVGAN", "build_bigvgan"],
    "clip_encoder": ["CLIPEncoder"],
    "conditions": ["Conditions"],
    "griffin_lim": ["GriffinLimVocoder"],
    "guidance": ["GuidanceBranch", "composed_branches", "guidance_branches", "guide"],
    "istft_vocoder": ["IstftVocoder"],
    "linear_codec": ["LinearMelCodec"],
    "mel": [
        "MEL_16K",
        "MEL_44K",
        "MEL_48K",
        "MelConfig",
        "MelSpectrogram",
        "mel_config_of_rate",
    ],
    "scheduler": ["FlowMatchEuler"],
    "sequence": ["SEQUENCE_16K", "SEQUENCE_44K", "SequenceConfig", "sequence_for_mode"],
    "synchformer": ["Synchformer"],
    "tiny_impact_detector": ["ImpactLogits", "ImpactSight", "TinyImpactDetector"],
    "tiny_sync_encoder": ["TinySyncEncoder"],
    "tiny_visual_encoder": ["TinyVisualEncoder"],
    "transformer": ["MMAudioTransformer"],
    "vae": ["AutoencoderMel", "VAE_VARIANTS", "build_vae"],
    "variants": [
        "TRANSFORMER_VARIANTS",
        "build_transformer",
        "sequence_config",
        "transformer_config",
    ],
    "visual_features": ["VisualFeatures"],
    "listening.imagebind_inputs": ["imagebind_sound_input", "imagebind_video_input"],
    "listening.panns": ["Cnn14"],
    "listening.sound": ["prepare_sound"],
    "listening.vggish": ["VGGish"],
    "listening.passt": ["PaSST"],
    "listening.synchformer_audio": ["SynchformerAudio"],
    "listening.synchformer_comparison": ["SynchformerComparison"],
}

__all__ = [
    "BIGVGAN_VARIANTS",
    "MEL_16K",
    "MEL_44K",
    "MEL_48K",
    "SEQUENCE_16K",
    "SEQUENCE_44K",
    "TRANSFORMER_VARIANTS",
    "VAE_VARIANTS",
    "AutoencoderMel",
    "BigVGAN",
    "CLIPEncoder",
    "Cnn14",
    "Conditions",
    "FlowMatchEuler",
    "GriffinLimVocoder",
    "GuidanceBranch",
    "ImpactLogits",
    "ImpactSight",
    "IstftVocoder",
    "LinearMelCodec",
    "MMAudioTransformer",
    "MelConfig",
    "MelSpectrogram",
    "PaSST",
    "SequenceConfig",
    "Synchformer",
    "SynchformerAudio",
    "SynchformerComparison",
    "TinyImpactDetector",
    "TinySyncEncoder",
    "TinyVisualEncoder",
    "VGGish",
    "VisualFeatures",
    "build_bigvgan",
    "build_transformer",
    "build_vae",
    "composed_branches",
    "guidance_branches",
    "guide",
    "imagebind_sound_input",
    "imagebind_video_input",
    "mel_config_of_rate",
    "prepare_sound",
    "sequence_config",
    "sequence_for_mode",
    "transformer_config",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
