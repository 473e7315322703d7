"""``pavas generate`` for sound designers: folders, parts, formats, time stamps, markers."""

from __future__ import annotations

import json
import shutil

import av
import numpy as np
import pytest

from pavas_sdk import PhysicsEstimate
from pavas_sdk.media import open_video, read_audio


@pytest.fixture
def generate(pavas, film, model, tmp_path):
    def call(*arguments, videos=(film,)):
        return pavas("generate", *videos, "-o", tmp_path / "out", "--model", model, *arguments)

    return call


def test_format_rate_and_markers(generate, tmp_path):
    answer = generate(
        *("--bit-depth", "24", "--rate", "48000", "--no-mux"),
        *("--markers", "csv", "--markers", "edl", "--markers", "csv"),
    )
    assert answer.code == 0, answer.err
    out = tmp_path / "out"
    with av.open(str(out / "disc.wav")) as file:
        assert file.streams.audio[0].codec_context.name == "pcm_s24le"
        assert file.metadata["time_reference"] == "0"
    assert read_audio(out / "disc.wav").samples.shape == (1, 48_000)
    impacts = PhysicsEstimate.load(out / "disc.physics.json").impacts()
    assert len((out / "disc.impacts.csv").read_text().splitlines()) == 1 + len(impacts)
    assert (out / "disc.edl").read_text().count("|M:") == len(impacts)
    sidecar = json.loads((out / "disc.pavas.json").read_text())
    assert {"disc.impacts.csv", "disc.edl", "disc.physics.json"} <= set(sidecar["files"])


def test_float_samples_at_the_models_rate(generate, tmp_path):
    assert generate("--bit-depth", "32f", "--no-mux").code == 0
    with av.open(str(tmp_path / "out" / "disc.wav")) as file:
        assert file.streams.audio[0].codec_context.name == "pcm_f32le"
        assert file.streams.audio[0].rate == 16_000


def test_a_part_is_as_long_as_it_says_and_knows_its_place(generate, film, tmp_path):
    answer = generate("--start", "0.2", "--end", "0.9")
    assert answer.code == 0, answer.err
    out = tmp_path / "out"
    assert read_audio(out / "disc.wav").samples.shape == (1, 11_200)
    with av.open(str(out / "disc.wav")) as file:
        assert file.metadata["time_reference"] == str(round(0.2 * 16_000))
    with open_video(out / "disc.mp4") as made, open_video(film) as source:
        assert made.duration_s == pytest.approx(source.duration_s, abs=1e-3)
    sound = read_audio(out / "disc.mp4", sample_rate_hz=16_000).samples[0]
    assert np.abs(sound[:1_000]).max() < np.abs(sound[4_000:12_000]).max() / 10
    assert PhysicsEstimate.load(out / "disc.physics.json").duration_s == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start", "0.9", "--end", "0.5"), "--end 0.5 must be behind --start 0.9"),
        (("--start", "5"), "5"),
        (("--bit-depth", "8"), "--bit-depth"),
        (("--rate", "100"), "--rate"),
        (("--markers", "xml"), "--markers"),
    ],
)
def test_what_cannot_be_is_refused(generate, tmp_path, arguments, said):
    answer = generate(*arguments)
    assert answer.code == 2
    assert said in answer.err
    assert not list((tmp_path / "out").glob("disc*"))


def test_a_folder_is_all_its_videos(generate, film, tmp_path):
    folder = tmp_path / "shots"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b.mp4", "a.mp4", ".hidden.mp4", "deeper/c.mp4"):
        shutil.copy(film, folder / name)
    (folder / "notes.txt").write_text("not a video")
    answer = generate("--no-mux", videos=(folder,))
    assert answer.code == 0, answer.err
    assert sorted(path.name for path in (tmp_path / "out").glob("*.wav")) == ["a.wav", "b.wav"]


def test_a_folder_without_videos_is_said(generate, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    answer = generate(videos=(folder,))
    assert answer.code == 2
    assert "no video in the folder" in answer.err
