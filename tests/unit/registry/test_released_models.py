"""The one table of names, sizes and licences of the released models."""

from __future__ import annotations

from pavas_sdk.registry import default_registry
from pavas_sdk.registry.released_models import MMAUDIO_LICENCE, MMAUDIO_MODELS


def test_names_and_summaries_follow_from_size_mode_and_version():
    assert [(m.variant, m.preset, m.summary) for m in MMAUDIO_MODELS.values()] == [
        ("small_16k", "mmaudio-small-16k", "MMAudio, 157 M parameters, 16 kHz"),
        ("small_44k", "mmaudio-small-44k", "MMAudio, 157 M parameters, 44.1 kHz"),
        ("medium_44k", "mmaudio-medium-44k", "MMAudio, 622 M parameters, 44.1 kHz"),
        ("large_44k", "mmaudio-large-44k", "MMAudio, 1.03 B parameters, 44.1 kHz"),
        (
            "large_44k_v2",
            "mmaudio-large-44k-v2",
            "MMAudio, 1.03 B parameters, 44.1 kHz, second version",
        ),
    ]
    assert list(MMAUDIO_MODELS) == [m.variant for m in MMAUDIO_MODELS.values()]


def test_the_licence_of_all_weights_names_each_once():
    assert MMAUDIO_LICENCE == "CC-BY-NC-4.0 AND LicenseRef-Apple-AMLR-research-only AND MIT"


def test_every_model_is_registered_under_its_name():
    for variant, model in MMAUDIO_MODELS.items():
        spec = default_registry().get("pipeline", model.preset).spec
        assert spec.target == f"pavas_sdk.released.mmaudio:{variant}"
        assert spec.summary.startswith(model.summary)
        assert spec.licence == MMAUDIO_LICENCE
