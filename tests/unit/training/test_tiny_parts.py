"""The stage of the impact detector: its own pictures, a checkpoint, nothing done twice."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import TinyImpactDetector
from pavas_sdk.training import TinyRecipe
from pavas_sdk.training.impact_detector import ImpactTraining
from pavas_sdk.training.impact_store import PictureConfig
from pavas_sdk.training.tiny_parts import prepare_impact_detector

IMPACTS = ImpactTraining(
    clips=3,
    shard=2,
    steps=2,
    batch=1,
    frames=8,
    pictures=PictureConfig(duration_s=1.0, grey_size=32, grid=4),
    network={"image_size": 32, "stem_dim": 4, "dim": 8, "dilations": (1,)},
)


def test_a_detector_is_trained_once_and_goes_on_from_what_is_there(tmp_path):
    recipe = TinyRecipe(jobs=1, impacts=IMPACTS)
    prepare_impact_detector(tmp_path, recipe)
    place, work = tmp_path / "impact_detector", tmp_path / "impact_training"
    weights = place / "diffusion_pytorch_model.safetensors"
    assert TinyImpactDetector.from_pretrained(place).config.image_size == 32
    first, written = weights.read_bytes(), weights.stat().st_mtime_ns
    prepare_impact_detector(tmp_path, recipe)
    assert weights.stat().st_mtime_ns == written

    # without its result: from the pictures that are there, and from its checkpoint
    pictures = sorted(work.glob("pictures/*/grey.npy"))
    assert [path.parent.name for path in pictures] == ["shard-0000", "shard-0001"]
    made = [path.stat().st_mtime_ns for path in pictures]
    for again in (work / "checkpoint", place):
        shutil.rmtree(again)
        shutil.rmtree(place, ignore_errors=True)
        prepare_impact_detector(tmp_path, recipe)
        assert weights.read_bytes() == first
    assert [path.stat().st_mtime_ns for path in pictures] == made

    shutil.rmtree(place)
    other = replace(recipe, impacts=replace(IMPACTS, clips=2))
    with pytest.raises(ConfigurationError, match="begun with other pictures than the 2 from"):
        prepare_impact_detector(tmp_path, other)
