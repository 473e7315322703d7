"""What is evaluated: options, fingerprints, and the sound that a model makes for a clip."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.evaluation import SoundMaker, SoundOptions, sound_options
from pavas_sdk.evaluation.sounds import fingerprint
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny_pipeline(num_inference_steps=1).save_pretrained(folder)
    return str(folder)


def test_changed_weights_are_another_model(model, tmp_path):
    assert fingerprint(model) == fingerprint(model) == fingerprint(f"codec:{model}")
    (tmp_path / "model_index.json").write_text("{}")
    before = fingerprint(str(tmp_path))
    (tmp_path / "model_index.json").write_text("{ }")
    assert fingerprint(str(tmp_path)) != before
    assert fingerprint("reference") == ""


def test_threads_are_no_setting():
    options = SoundOptions(model="m", physics="true", prompts="none", threads=1)
    assert "threads" not in options.settings()
    assert options.settings()["model"] == "m"


def test_sentences_are_kept_from_estimators_unless_asked_for():
    chosen = {
        physics: sound_options("reference", physics=physics).prompts
        for physics in ("true", "estimated", "none")
    }
    assert chosen == {"true": "clip", "estimated": "none", "none": "clip"}
    assert sound_options("reference", physics="estimated", prompts="clip").prompts == "clip"


@pytest.mark.parametrize("wrong", [{"physics": "guessed"}, {"prompts": "auto"}])
def test_other_words_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="must be one of"):
        SoundOptions(**{"model": "m", "physics": "true", "prompts": "none", **wrong})


def test_the_seed_is_that_of_the_noise(model):
    maker = SoundMaker(sound_options(model))
    clip = moving_discs(1, frames=16)
    first, objects = maker.sound(clip, seed=3)
    assert objects == 1
    assert (maker.sound(clip, seed=3)[0].samples == first.samples).all()
    assert (maker.sound(clip, seed=4)[0].samples != first.samples).any()
    heavier = clip.physics.with_mass(0, 50.0)
    assert (maker.with_physics(clip, heavier, 3).samples != first.samples).any()


def test_a_clip_without_sound_is_no_reference():
    maker = SoundMaker(sound_options("reference"))
    with pytest.raises(InputError, match="no true sound"):
        maker.sound(replace(moving_discs(1), clip_id="silent"), seed=0)
