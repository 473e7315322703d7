"""The components of the core itself, registered through the same hook as everyone's."""

from __future__ import annotations

from pavas_sdk.registry.hookspecs import hookimpl
from pavas_sdk.registry.released_models import MMAUDIO_LICENCE, MMAUDIO_MODELS
from pavas_sdk.registry.spec import ComponentSpec

__all__ = ["pavas_register_components"]


@hookimpl
def pavas_register_components() -> list[ComponentSpec]:
    """Register the released MMAudio models, the velocity estimator that needs none, and what listens."""
    return [
        *(
            ComponentSpec(
                "pipeline",
                model.preset,
                f"pavas_sdk.released.mmaudio:{variant}",
                summary=f"{model.summary}, without physics; official files are fetched once",
                licence=MMAUDIO_LICENCE,
            )
            for variant, model in MMAUDIO_MODELS.items()
        ),
        ComponentSpec(
            "velocity_estimator",
            "centroid",
            "pavas_sdk.physics:CentroidVelocityEstimator",
            summary="speed of the centroid of an object's points (Eq. 3)",
            licence="Apache-2.0",
        ),
        *_metric_extractors(),
    ]


_ROOM = "pavas_sdk.evaluation.extractors"


def _metric_extractors() -> list[ComponentSpec]:
    """Licences are those of the weights; the code is the core's."""
    rows = (
        ("panns", "sound:PannsExtractor", "what a sound is (Cnn14, 16 kHz)", "CC-BY-4.0"),
        ("vggish", "sound:VggishExtractor", "128 numbers per 0.96 s of sound", "Apache-2.0"),
        ("passt", "sound:PasstExtractor", "what a sound is (PaSST, 32 kHz)", "Apache-2.0"),
        (
            "synchformer-video",
            "synchformer:SynchformerVideoExtractor",
            "motion in pictures, for DeSync",
            "MIT",
        ),
        (
            "synchformer",
            "synchformer:SynchformerExtractor",
            "by how much sound and picture are apart, for DeSync",
            "MIT",
        ),
        ("clap-audio", "clap:ClapAudioExtractor", "a sound in CLAP's space", "Apache-2.0"),
        (
            "clap-unfused",
            "clap:ClapUnfusedExtractor",
            "a sound in the smaller CLAP's space, for PhyAVBench",
            "Apache-2.0",
        ),
        ("clap-text", "clap:ClapTextExtractor", "a caption in CLAP's space", "Apache-2.0"),
    )
    return [
        ComponentSpec(
            "metric_extractor", name, f"{_ROOM}.{target}", summary=summary, licence=licence
        )
        for name, target, summary, licence in rows
    ]
