"""Adapters and LoRAs that the command line puts on top of a model."""

import json
from dataclasses import asdict

import pytest

from pavas_sdk.cli.generate_jobs import GenerateWork
from pavas_sdk.cli.main import run
from pavas_sdk.cli.model_options import AddedWeights, take_added_weights
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.evaluation import sound_options
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A saved model without an adapter, and adapters: its own, and that of another backbone."""
    folder = tmp_path_factory.mktemp("world")
    pipe = tiny_pipeline()
    pipe.conditioning_adapter.document = pipe.describe_adapter()
    pipe.conditioning_adapter.save_pretrained(folder / "adapter")
    other = tiny_pipeline(name="other")
    other.conditioning_adapter.document = other.describe_adapter()
    other.conditioning_adapter.save_pretrained(folder / "other")
    tiny_pipeline(adapter=False).save_pretrained(folder / "model")
    return folder


def given(**options):
    return take_added_weights({"adapter": None, "adapter_scale": None, "loras": (), **options})


@pytest.mark.parametrize(
    ("word", "expected"),
    [("you/metal", ("you/metal", 1.0)), ("a/b=0.7", ("a/b", 0.7)), ("a=b=-1", ("a=b", -1.0))],
)
def test_loras_have_weights(word, expected):
    assert given(loras=(word,)).loras == (expected,)


@pytest.mark.parametrize("word", ["you/metal=loud", "=1", "a=nan"])
def test_weights_that_are_none(word):
    with pytest.raises(ConfigurationError, match="SOURCE=WEIGHT"):
        given(loras=(word,))


def test_workers_are_told_of_the_adapter(world, tmp_path):
    added = AddedWeights(adapter=str(world / "adapter"), adapter_scale=0.25)
    choice = {"name": None, "slots": {}, "settings": {}, "cache": None, "timeout_s": None}
    request = {
        **dict.fromkeys(("physics", "steps", "guidance", "video_guidance", "physics_guidance")),
        **dict.fromkeys(("level", "normalize", "cache", "end_s")),
        "prompt": "",
        "negative_prompt": "",
        "labels": {},
        "masses_kg": {},
        "speed_factors": {},
        "seed": 0,
        "time_scale": 1.0,
        "waveforms": 1,
        "start_s": 0.0,
    }
    told = json.loads(json.dumps({"added": asdict(added), "choice": choice, "request": request}))
    work = GenerateWork(
        str(tmp_path), {}, model=str(world / "model"), device="cpu", dtype="float32", **told
    )
    assert work._pipe.adapter_provenance()["source"] == "adapter"
    assert work._pipe.adapter_scale == 0.25


def test_what_cannot_be_put_on_is_told_before_any_sound(world, tmp_path, capsys):
    command = ["generate", "--prompt", "x", "--duration", "1", "-o", str(tmp_path / "out")]
    command += ["--model", str(world / "model")]
    assert run([*command, "--adapter-scale", "0.5"]) == 2
    assert "no adapter that --adapter-scale could weigh" in capsys.readouterr().err
    assert run([*command, "--adapter", str(world / "other")]) == 2
    assert "other" in capsys.readouterr().err
    assert run([*command, "--adapter", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert list((tmp_path / "out").rglob("*.wav")) == []


def test_figures_of_an_adapter_are_not_those_of_its_model(world):
    model, adapter = str(world / "model"), str(world / "adapter")
    plain, with_it = sound_options(model), sound_options(model, adapter=adapter)
    assert "adapter" not in plain.settings()
    assert with_it.settings()["adapter"] == adapter
    assert with_it.weights != plain.weights
    with pytest.raises(ConfigurationError, match="the true sound"):
        sound_options("codec", adapter=adapter)
