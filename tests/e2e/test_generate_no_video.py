"""``pavas generate`` without a video: text alone, and still pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from pavas_sdk import PhysicsEstimate
from pavas_sdk.media import read_audio


@pytest.fixture
def generate(pavas, model, tmp_path):
    """Generate with the untrained model into ``tmp_path/out``."""

    def call(*arguments, out=tmp_path / "out"):
        return pavas("generate", *arguments, "-o", out, "--model", model, "--steps", "2")

    return call


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "street.png"
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_alone(generate, tmp_path):
    answer = generate("--prompt", "a metal ball, dropped!", "--duration", "1.5")
    assert answer.code == 0, answer.err
    assert names(tmp_path / "out") == [
        "a-metal-ball-dropped.pavas.json",
        "a-metal-ball-dropped.wav",
    ]
    assert "text alone, 1.50 s: a metal ball, dropped!" in answer.err
    assert "physics was not used" in answer.err
    assert "moving object" not in answer.err
    sound = read_audio(tmp_path / "out" / "a-metal-ball-dropped.wav")
    assert sound.duration_s == pytest.approx(1.5)
    made = json.loads((tmp_path / "out" / "a-metal-ball-dropped.pavas.json").read_text())
    assert (made["input"], made["video"], made["seed"]) == ("text", None, 0)


def test_the_negative_prompt_and_the_seed_are_heard(generate, tmp_path):
    first = ("--prompt", "metal ball", "--duration", "1")
    sounds = []
    for index, more in enumerate([(), ("--negative-prompt", "wood wall"), ("--seed", "5")]):
        assert generate(*first, *more, out=tmp_path / str(index)).code == 0
        sounds.append((tmp_path / str(index) / "metal-ball.wav").read_bytes())
    assert len(set(sounds)) == 3


def test_a_picture(generate, picture, tmp_path):
    answer = generate(picture, "--duration", "1", "--prompt", "wood", "--json")
    assert answer.code == 0, answer.err
    assert names(tmp_path / "out") == ["street.pavas.json", "street.wav"]
    assert "street.png: still picture, 1.00 s" in answer.err
    assert "physics was not used" in answer.err
    (result,) = answer.json["results"]
    assert (result["input"], result["image"], result["video"]) == ("image", str(picture), None)
    alone = generate("--duration", "1", "--prompt", "wood", "--no-mux")
    assert alone.code == 0
    sounds = [(tmp_path / "out" / name).read_bytes() for name in ("street.wav", "wood.wav")]
    assert sounds[0] != sounds[1]


def test_several_pictures_and_waveforms_are_resumed(generate, picture, tmp_path):
    other = tmp_path / "other.jpg"
    Image.new("RGB", (32, 32)).save(other)
    options = ("--duration", "1", "--waveforms", "2")
    assert generate(picture, *options).code == 0
    answer = generate(picture, other, *options)
    assert answer.code == 0, answer.err
    assert "street.png: results exist" in answer.err
    assert names(tmp_path / "out") == sorted(
        f"{name}-{k}{end}"
        for name in ("street", "other")
        for k in (1, 2)
        for end in (".wav", ".pavas.json")
    )


def test_a_picture_takes_a_whole_estimate(generate, film, picture, tmp_path):
    assert generate(film, "--no-mux").code == 0
    physics = tmp_path / "out" / "disc.physics.json"
    answer = generate(picture, "--duration", "1", "--physics", physics, "--mass", "0=7")
    assert answer.code == 0, answer.err
    assert PhysicsEstimate.load(tmp_path / "out" / "street.physics.json")[0].mass_kg == 7.0


def test_existing_results_are_kept(generate, tmp_path):
    options = ("--prompt", "wood", "--duration", "1")
    assert generate(*options).code == 0
    answer = generate(*options)
    assert answer.code == 2
    assert "use --overwrite" in answer.err
    assert generate(*options, "--overwrite").code == 0


def test_a_prompt_that_the_model_does_not_know(generate):
    answer = generate("--prompt", "rain on a tin roof", "--duration", "1")
    assert answer.code == 0
    assert "note: the text 'rain on a tin roof' has no effect" in answer.err
    assert "has no effect" not in generate("--prompt", "steel", "--duration", "1").err


def test_a_long_prompt_gives_a_short_name(generate, tmp_path):
    assert generate("--prompt", "wood " * 40 + "/../x", "--duration", "0.7").code == 0
    (sound,) = (tmp_path / "out").glob("*.wav")
    assert sound.stem == "-".join(["wood"] * 12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to make a sound for"),
        (("--duration", "2"), "nothing to make a sound for"),
        (("--prompt", "wood"), "a sound from text alone needs its length in seconds"),
        (("PICTURE",), "is a still picture; say how long"),
        (("FILM", "--duration", "2"), "is a video and has its own length"),
        (("PICTURE", "FILM", "--duration", "2"), "is a video and has its own length"),
        (("--prompt", "wood", "--duration", "0"), "--duration must be above 0 seconds"),
        (("--prompt", "wood", "--duration", "nan"), "--duration must be above 0 seconds"),
        (("--prompt", "wood", "--duration", "1", "--mass", "0=1"), "--mass: a text shows nothing"),
        (
            ("PICTURE", "--duration", "1", "--mass", "0=1", "--scale", "0.1"),
            "--mass, --scale and --set: a still picture shows nothing that moves",
        ),
        (("PICTURE", "--duration", "1", "--segmenter", "motion"), "--segmenter: a still picture"),
        (("PICTURE", "--duration", "1", "--time-scale", "2"), "--time-scale: a still picture"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_work(generate, film, picture, tmp_path, arguments, message):
    places = {"PICTURE": picture, "FILM": film}
    answer = generate(*(places.get(argument, argument) for argument in arguments))
    assert answer.code == 2
    assert message in answer.err
    assert not (tmp_path / "out").exists()


def test_a_damaged_picture(generate, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    answer = generate(bad, "--duration", "1")
    assert answer.code == 2
    assert "is no picture that can be read" in answer.err
    assert not (tmp_path / "out").exists()
