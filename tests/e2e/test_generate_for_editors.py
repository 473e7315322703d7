"""``pavas generate`` for sound designers: folders, parts, formats, time stamps, markers."""

from __future__ import annotations

import json
import shutil

import av
import numpy as np
import pytest

from pavas_sdk import PhysicsEstimate
from pavas_sdk.data import Audio
from pavas_sdk.data.everyday_things import find_everyday_thing
from pavas_sdk.media import mux, open_video, read_audio, write_video
from pavas_sdk.testing import moving_discs


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


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """One second, two discs, and a tone."""
    path = tmp_path_factory.mktemp("pair") / "pair.mkv"
    times = np.arange(16_000) / 16_000
    tone = Audio(samples=0.2 * np.sin(2 * np.pi * 400 * times), sample_rate_hz=16_000)
    clip = moving_discs(2, frames=25, height=96, width=128)
    silent = write_video(path.with_name("silent.mp4"), clip.video)
    mux(silent, tone, path)
    clip.physics.save(path.with_suffix(".json"))
    return path


def test_stems_sum_to_the_sound_and_the_mix_keeps_what_is_there(generate, pair, tmp_path):
    options = ("--steps", "2", "--bit-depth", "32f", "--mix", "-6", "--stems")
    answer = generate(*options, *physics_of(pair), "--label", "0=hammer", videos=(pair,))
    assert answer.code == 0, answer.err
    out = tmp_path / "out"
    stems = sorted(path.name for path in out.glob("pair.stem*.wav"))
    assert stems == ["pair.stem0-hammer.wav", "pair.stem1-violet-ball.wav"]
    whole = read_audio(out / "pair.wav").samples
    parts = [read_audio(out / name).samples for name in stems]
    assert np.abs(sum(parts) - whole).max() < 1e-6 * np.abs(whole).max()
    assert all(np.abs(part).max() > 1e-3 * np.abs(whole).max() for part in parts)
    sidecar = json.loads((out / "pair.pavas.json").read_text())
    assert sidecar["stems"]["pair.stem0-hammer.wav"] == {"object_id": 0, "label": "hammer"}
    assert set(stems) <= set(sidecar["files"])
    assert str(out / stems[0]) in answer.out
    # the label brings the mass of such a thing, and is recorded
    physics = PhysicsEstimate.load(out / "pair.physics.json")
    assert physics[0].object.label == "hammer"
    assert physics[0].mass_kg == find_everyday_thing("hammer").mass_kg
    assert "object 0 called hammer" in physics.edits
    # the tone is in the video, not in the wav
    times = np.arange(12_000) / 16_000
    wave = np.exp(-2j * np.pi * 400 * times)
    video = read_audio(out / "pair.mkv", sample_rate_hz=16_000).samples[0, 2_000:14_000]
    lowered_db = sidecar["mix"]["lowered_db"]
    new = whole[0, 2_000:14_000] * 10 ** (-lowered_db / 20)
    kept = 2 * abs(np.mean((video - new) * wave))
    assert kept == pytest.approx(0.2 * 10 ** ((-6 - lowered_db) / 20), rel=0.05)

    again = generate(*options, *physics_of(pair), videos=(pair,))
    assert again.code == 2
    assert "use --overwrite" in again.err


def physics_of(pair):
    return ("--physics", pair.with_suffix(".json"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mix", "loud"), "expected keep, replace or a gain in dB"),
        (("--mix", "keep", "--no-mux"), "--no-mux leaves no video for --mix"),
        (("--mix", "keep", "--fps", "25"), "cannot be kept in step"),
        (("--stems", "--physics", "none"), "no objects for --stems"),
        (("--label", "hammer"), "expected ID=NAME"),
        (("--label", "9=hammer", "--steps", "1"), "9"),
    ],
)
def test_stems_mixes_and_labels_that_cannot_be(generate, tmp_path, arguments, said):
    answer = generate(*arguments)
    assert answer.code == 2
    assert said in answer.err
    assert not list((tmp_path / "out").glob("disc*"))


def test_an_edited_physics_file_is_recorded_and_never_lost(generate, tmp_path):
    out = tmp_path / "out"
    assert generate("--steps", "1", "--no-mux").code == 0
    file = out / "disc.physics.json"
    data = json.loads(file.read_text())
    data["objects"][0]["mass_kg"] = 7.5
    file.write_text(json.dumps(data))
    edited = file.read_text()
    again = generate("--steps", "1", "--no-mux", "--overwrite")
    assert again.code == 0, again.err
    assert "disc.physics.json was edited; kept as disc.physics.edited.json" in again.err
    aside = out / "disc.physics.edited.json"
    assert aside.read_text() == edited
    assert PhysicsEstimate.load(file)[0].mass_kg != 7.5
    used = generate("--steps", "1", "--no-mux", "--overwrite", "--physics", aside)
    assert used.code == 0, used.err
    assert json.loads((out / "disc.pavas.json").read_text())["edits"] == ["edited by hand"]
    assert PhysicsEstimate.load(file)[0].mass_kg == 7.5
    assert sorted(path.name for path in out.glob("*.edited*")) == [aside.name]
