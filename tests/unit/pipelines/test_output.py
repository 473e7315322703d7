"""What a call returns: writing it, and several of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from pavas_sdk import Audio, PavasOutput, PavasOutputs, PhysicsEstimate
from pavas_sdk.errors import ConfigurationError, OutputError, OutputExistsError
from pavas_sdk.media import open_video, read_audio, write_video
from pavas_sdk.pipelines.output import sidecar_path


@pytest.fixture
def one(physics):
    rng = np.random.default_rng(0)
    samples = np.round(rng.uniform(-0.5, 0.5, 16000) * 32767) / 32767
    return PavasOutput(
        audio=Audio(samples=samples, sample_rate_hz=16000),
        physics=physics,
        provenance={"model": "untrained", "seed": 3, "gain_db": 0.0},
    )


@pytest.fixture
def several(one):
    return PavasOutputs([one, one.normalized(-20.0)])


def test_save_writes_sound_and_provenance(one, tmp_path):
    path, sidecar = one.save(tmp_path / "deep" / "out.wav")
    assert sidecar == tmp_path / "deep" / "out.pavas.json"
    back = read_audio(path)
    np.testing.assert_allclose(back.samples, one.audio.samples, atol=1e-4)
    document = json.loads(sidecar.read_text())
    assert document["format"] == "pavas.provenance"
    assert document["format_version"] == 1
    assert document["seed"] == 3


@pytest.mark.parametrize(
    ("name", "sidecar"),
    [("a.wav", "a.pavas.json"), ("a.b.flac", "a.b.pavas.json"), ("a b.wav", "a b.pavas.json")],
)
def test_the_sidecar_lies_beside(name, sidecar):
    assert sidecar_path(name).name == sidecar


def test_existing_files_are_kept_and_nothing_is_half_written(one, tmp_path):
    for name in ("out.wav", "out.pavas.json"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(OutputExistsError, match="overwrite"):
            one.save(folder / "out.wav")
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name).read_text() == "mine"
        one.save(folder / "out.wav", overwrite=True)
        assert (folder / "out.wav").read_bytes()[:4] == b"RIFF"


def test_another_ending_is_told_before_what_exists(one, tmp_path):
    one.save(tmp_path / "clip.wav")
    with pytest.raises(ConfigurationError, match=r"'clip\.mp3': expected a name ending in \.wav"):
        one.save(tmp_path / "clip.mp3")


def test_normalized_records_its_gain(one, tmp_path):
    louder = one.normalized(-1.0)
    assert louder.audio.peak_dbfs == pytest.approx(-1.0, abs=1e-4)
    assert one.audio.gain_db == 0.0
    _, sidecar = louder.save(tmp_path / "out.wav")
    assert json.loads(sidecar.read_text())["gain_db"] == pytest.approx(louder.audio.gain_db)


def test_silence_stays_silence(one):
    silent = PavasOutput(
        audio=Audio(samples=np.zeros(100), sample_rate_hz=16000),
        physics=one.physics,
        provenance=one.provenance,
    )
    assert silent.normalized(0.0).audio.gain_db == 0.0


def test_physics_is_saved_to_be_given_back(one, tmp_path):
    path = one.save_physics(tmp_path / "out.physics.json")
    assert PhysicsEstimate.load(path).to_json() == one.physics.to_json()
    with pytest.raises(OutputExistsError):
        one.save_physics(path)


def test_several_sounds_are_written_one_by_one(several, tmp_path):
    assert len(several) == 2
    assert several[1].audio.peak_dbfs == pytest.approx(-20.0, abs=1e-4)
    assert several[-1].audio is several[1].audio
    for refused in (several.save, several.mux, several.save_physics):
        with pytest.raises(ConfigurationError, match="holds 2 sounds; write them one by one"):
            refused(tmp_path / "out.wav")
    with pytest.raises(IndexError):
        several[2]
    with pytest.raises(IndexError):
        several[0][1]


def test_several_sounds_are_a_sequence_with_lists(one, several):
    assert isinstance(several, Sequence)
    assert [sound.audio for sound in several] == several.audio
    assert several.physics == [one.physics, one.physics]
    assert [document["seed"] for document in several.provenance] == [3, 3]
    assert several.video_path == [None, None]
    assert len(several[1:]) == 1
    assert several[1:][0] is several[1]
    louder = several.normalized(-3.0)
    assert [sound.audio.peak_dbfs for sound in louder] == pytest.approx([-3.0, -3.0], abs=1e-4)
    assert repr(several) == "PavasOutputs(2 sounds)"


def test_one_sound_can_be_iterated_like_several(one):
    assert list(one) == [one]
    assert len(one) == 1
    assert one[0] is one[-1] is one


def test_tensors_are_not_written(one, tmp_path):
    raw = PavasOutput(audio=torch.zeros(1, 10), physics=one.physics, provenance=one.provenance)
    with pytest.raises(ConfigurationError, match="holds a Tensor, not an Audio"):
        raw.save(tmp_path / "out.wav")


def test_an_unwritable_folder_is_an_error_of_ours(one, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose a folder"):
        one.save(tmp_path / "file" / "out.wav")


def test_mux_copies_the_pictures_of_the_file(pipe, clip, tmp_path):
    source = tmp_path / "clip.mp4"
    write_video(source, clip.video)
    out = pipe(source, physics="none", generator=torch.Generator().manual_seed(0))
    made = out.mux(tmp_path / "new" / "out.mp4")
    with open_video(made) as video, open_video(source) as before:
        np.testing.assert_array_equal(video.read().frames, before.read().frames)
    sound = read_audio(made)
    assert sound.duration_s == pytest.approx(clip.video.duration_s, abs=1024 / 16000)
    with pytest.raises(OutputExistsError):
        out.mux(made)


def test_mux_without_a_video_says_what_to_do(one, tmp_path):
    with pytest.raises(ConfigurationError, match=r"made without a video.*\.wav or \.flac"):
        one.mux(tmp_path / "out.mp4")
