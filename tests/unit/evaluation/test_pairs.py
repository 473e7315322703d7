"""Physical quantities of sounds, and pairs in which one of them should change."""

import json

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, FormatError, InputError
from pavas_sdk.evaluation import evaluate_pairs
from pavas_sdk.evaluation.pairs import read_pairs
from pavas_sdk.evaluation.sound_quantities import change, quantity
from pavas_sdk.media import write_audio

TIMES_S = (0.3, 1.0)
RATE_HZ = 16000


def ring(*, hz=440.0, t60_s=0.3, level_db=-12.0, late_s=0.0, seconds=1.8):
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = np.zeros(t.size)
    for time_s in TIMES_S:
        age = np.maximum(t - time_s - late_s, 0)
        tone = sum(np.sin(2 * np.pi * k * hz * age) / k for k in (1, 2, 3))
        wave += (age > 0) * np.exp(-6.908 * age / t60_s) * tone
    wave *= 10 ** (level_db / 20)
    return Audio(samples=wave.astype(np.float32), sample_rate_hz=RATE_HZ)


@pytest.mark.parametrize("hz", [220.0, 440.0, 880.0])
def test_pitch(hz):
    assert quantity(ring(hz=hz), "f0", TIMES_S) == pytest.approx(hz, rel=0.03)


@pytest.mark.parametrize("t60_s", [0.15, 0.3, 0.6])
def test_decay(t60_s):
    assert quantity(ring(t60_s=t60_s), "decay", TIMES_S) == pytest.approx(t60_s, rel=0.12)


def test_level_brightness_and_onset():
    loud, soft = ring(level_db=-6.0), ring(level_db=-18.0)
    levels = [quantity(audio, "level", TIMES_S) for audio in (soft, loud)]
    assert change("level", *levels) == pytest.approx(12.0, abs=0.1)
    octave = [quantity(ring(hz=hz), "centroid", TIMES_S) for hz in (300.0, 600.0)]
    assert change("centroid", *octave) == pytest.approx(1.0, abs=0.1)
    late = [quantity(ring(late_s=s), "onset", TIMES_S) for s in (0.0, 0.05)]
    assert change("onset", *late) == pytest.approx(0.05, abs=0.01)


def test_what_cannot_be_read_is_nan():
    silence = Audio(samples=np.zeros(RATE_HZ, np.float32), sample_rate_hz=RATE_HZ)
    for name in ("f0", "decay", "level", "centroid", "onset"):
        assert np.isnan(quantity(silence, name, [0.3]))
    steady = Audio(samples=np.full(RATE_HZ, 0.1, np.float32), sample_rate_hz=RATE_HZ)
    assert np.isnan(quantity(steady, "decay", [0.3]))
    assert np.isnan(change("f0", float("nan"), 1.0))
    with pytest.raises(InputError, match="loudness"):
        quantity(silence, "loudness", [0.3])


def rows():
    pair = {"impacts_s": list(TIMES_S)}
    return [
        {"a": "slack", "b": "tight", "factor": "tension", "quantity": "f0", "direction": 1, **pair},
        {
            "a": "bare",
            "b": "damped",
            "factor": "damping",
            "quantity": "decay",
            "direction": -1,
            **pair,
        },
        {"a": "light", "b": "heavy", "factor": "mass", "quantity": "level", "direction": 1, **pair},
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("pairs")
    sounds = {
        "slack": ring(hz=300),
        "tight": ring(hz=600),
        "bare": ring(t60_s=0.6),
        "damped": ring(t60_s=0.15),
        "light": ring(level_db=-20),
        "heavy": ring(level_db=-14),
    }
    swapped = dict(
        zip(
            sounds,
            [sounds[k] for k in ("tight", "slack", "damped", "bare", "heavy", "light")],
            strict=True,
        )
    )
    half = {**sounds, "heavy": ring(level_db=-17)}
    for name, own in (("true", sounds), ("swapped", swapped), ("half", half)):
        (root / name).mkdir()
        for stem, audio in own.items():
            write_audio(root / name / f"{stem}.wav", audio)
    (root / "pairs.json").write_text(
        json.dumps({"format": "pavas.pairs", "format_version": 1, "pairs": rows()})
    )
    return root


def share(result, model, key="right_share"):
    return result["models"][model]["metrics"][key]["value"]


def test_direction_and_size(world):
    models = {name: world / name for name in ("half", "swapped")}
    result = evaluate_pairs(world / "pairs.json", models, reference=world / "true")
    assert list(result["models"]) == ["reference", "half", "swapped"]
    assert [share(result, m) for m in result["models"]] == [1.0, 1.0, 0.0]
    assert share(result, "reference", "effect") == pytest.approx(1.0)
    assert share(result, "swapped", "effect") == pytest.approx(-1.0)
    mass = next(r for r in result["models"]["half"]["pairs"] if r["factor"] == "mass")
    assert mass["change"] == pytest.approx(3.0, abs=0.1)
    assert result["models"]["half"]["by_quantity"]["f0"] == {"right_share": 1.0, "pairs": 1}


def test_failing_never_helps(world, tmp_path):
    write_audio(tmp_path / "slack.wav", ring(hz=300))
    (tmp_path / "tight.wav").write_bytes(b"no sound")
    write_audio(tmp_path / "bare.wav", ring())
    silent = Audio(samples=np.zeros(RATE_HZ, np.float32), sample_rate_hz=RATE_HZ)
    write_audio(tmp_path / "damped.wav", silent)
    entry = evaluate_pairs(world / "pairs.json", {"x": tmp_path})["models"]["x"]
    assert entry["metrics"]["right_share"]["value"] == 0.0
    assert entry["pairs"][1]["why"] == "no decay can be read"
    assert entry["pairs"][2]["why"] == "light is missing"
    assert entry["pairs"][0]["why"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": "pitch"}, "quantity must be one of"),
        ({"direction": 2}, "direction must be"),
        ({"impacts_s": []}, "impacts_s"),
        ({"impacts_s": [-1]}, "impacts_s"),
        ({"a": None}, "a"),
    ],
)
def test_wrong_files(tmp_path, change, message):
    path = tmp_path / "pairs.json"
    document = {"format": "pavas.pairs", "format_version": 1, "pairs": [rows()[0] | change]}
    path.write_text(json.dumps(document))
    with pytest.raises(FormatError, match=message):
        read_pairs(path)
    for wrong, what in (([], "no pair"), ([rows()[0]] * 2, "twice")):
        path.write_text(json.dumps(document | {"pairs": wrong}))
        with pytest.raises(FormatError, match=what):
            read_pairs(path)


def test_wrong_use(world, tmp_path):
    with pytest.raises(ConfigurationError, match="reference"):
        evaluate_pairs(world / "pairs.json", {"reference": world / "true"})
    with pytest.raises(InputError, match="no folder"):
        evaluate_pairs(world / "pairs.json", {"x": tmp_path / "none"})
