"""A visitor's work without Gradio: open, edit, generate, compare, take back, close."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.errors import InputError, MediaError
from pavas_sdk.media import read_audio, write_video
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline
from pavas_sdk.ui.bench import RECORDED, Bench
from pavas_sdk.ui.models import ModelHolder, model_names
from pavas_sdk.ui.versions import SoundSettings


@pytest.fixture(scope="module")
def pipe():
    estimator = PhysicsEstimator(
        moving_object_detector=BrightDetector(),
        segmenter=BrightSegmenter(),
        reconstructor=WallReconstructor(),
        mass_estimator=DensityMassEstimator(),
    )
    return tiny_pipeline(physics_estimator=estimator)


@pytest.fixture
def bench(pipe, tmp_path):
    clip = write_video(tmp_path / "discs.mp4", moving_discs(2, frames=30).video)
    bench = Bench.open(clip, pipe, tmp_path)
    yield bench
    bench.close()
    assert not bench.folder.exists()


def make(bench, pipe, **settings):
    return bench.generate(pipe, SoundSettings(**settings), model="untrained")


def test_versions_and_their_files(bench, pipe):
    steps = []
    first = bench.generate(
        pipe, SoundSettings(seed=1), model="untrained", on_step=lambda *told: steps.append(told)
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    bench.edit({"kind": "mass", "object_id": 0, "mass_kg": 9.0})
    second = make(bench, pipe, seed=1)
    assert first.name == "1: as seen"
    assert second.name.endswith(" 9 kg")
    assert not np.array_equal(first.audio.samples, second.audio.samples)
    sound, video, physics, sidecar = second.files
    assert read_audio(sound).duration_s == pytest.approx(1.2, abs=1e-3)
    assert video.stat().st_size > 1000
    assert PhysicsEstimate.loads(physics.read_text("utf-8"))[0].mass_kg == 9.0
    assert json.loads(sidecar.read_text("utf-8"))["seed"] == 1
    # the same seed and physics give the same sound to the bit
    bench.go_back("1: as seen")
    assert np.array_equal(make(bench, pipe, seed=1).audio.samples, first.audio.samples)
    bench.edit({"kind": "undo"})
    assert bench.edited.now[0].mass_kg == 9.0


def test_stems_are_files_that_sum_to_the_sound(bench, pipe):
    steps = []
    version = bench.generate(
        pipe,
        SoundSettings(seed=1, stems=True),
        model="untrained",
        on_step=lambda *told: steps.append(told),
    )
    assert steps[-1] == (9, 9)  # the sound and one per object
    sound, _, _, sidecar, *stems = version.files
    labels = [entry.object.label.replace(" ", "-") for entry in bench.edited.now]
    assert [path.name for path in stems] == [
        f"discs-1.stem{index}-{label}.wav" for index, label in enumerate(labels)
    ]
    whole = read_audio(sound).samples
    parts = [read_audio(path).samples for path in stems]
    # the untrained network is louder than 16 bits hold; elsewhere there are three roundings
    held = np.all([np.abs(one) < 0.99 for one in (whole, *parts)], axis=0)
    assert held.mean() > 0.5
    assert np.abs(sum(parts) - whole)[held].max() < 3 / 32768
    assert all(np.abs(part).max() > 0.01 * np.abs(whole).max() for part in parts)
    known = json.loads(sidecar.read_text("utf-8"))["stems"]
    assert list(known) == [path.name for path in stems]
    assert version.name == "1: as seen"
    # without them the sound is the same, and there are no more files
    plain = make(bench, pipe, seed=1)
    assert np.array_equal(plain.audio.samples, version.audio.samples)
    assert len(plain.files) == 4


def test_stopped_among_the_stems_nothing_is_made(bench, pipe):
    def stop(done, total):
        pipe._interrupt = done > total // 2

    with pytest.raises(InputError, match="stopped"):
        bench.generate(pipe, SoundSettings(stems=True), model="untrained", on_step=stop)
    assert bench.versions == []
    assert not list(bench.folder.glob("version-*"))


def test_sounds_are_compared_on_one_gain(bench, pipe):
    make(bench, pipe)
    make(bench, pipe, seed=2)
    quiet, loud = bench.versions
    # as if their own gains differed by 6 dB
    object.__setattr__(loud, "audio", loud.audio.with_gain(20 * np.log10(2)))
    state = bench.state((quiet.name, loud.name))
    assert state["volumes"] == pytest.approx({quiet.name: 1.0, loud.name: 0.5})
    assert set(state["sounds"]) == {quiet.name, loud.name}
    json.dumps(state, allow_nan=False)
    assert bench.state((loud.name, loud.name))["volumes"] == {loud.name: 1.0}
    assert bench.state((None, "9: gone"))["sounds"] == {}
    assert RECORDED not in bench.sound_names()


def test_without_an_object_the_sound_is_made_without_physics(bench, pipe):
    for object_id in (0, 1):
        bench.edit({"kind": "remove_object", "object_id": object_id})
    version = make(bench, pipe)
    provenance = json.loads(version.files[3].read_text("utf-8"))
    assert provenance["physics"]["objects"] == []


def test_what_is_no_video_leaves_nothing(pipe, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(MediaError):
        Bench.open(broken, pipe, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["broken.mp4"]


def test_one_model_is_in_memory():
    holder = ModelHolder()
    assert model_names()[0] == "pavas-tiny/pavas-tiny"
    with holder.use("pavas-tiny") as first:
        assert holder.loaded == "pavas-tiny"
    with holder.use("pavas-tiny") as again:
        assert again is first
    with holder.use("pavas-tiny", "tiny") as other:
        assert other is not first
    holder.free()
    assert holder.loaded is None
