from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.errors import FormatError, InputError, OutputExistsError
from pavas_sdk.media import read_audio, read_video
from pavas_sdk.simulation import read_clip, read_masks, write_clip
from pavas_sdk.simulation.export import ClipFiles, finished_clip

FILES_0_1_0 = Path(__file__).parents[2] / "compatibility" / "version_0_1_0" / "simulated"


@pytest.fixture
def written(simulation_of, tmp_path):
    simulated = simulation_of("throw")
    return simulated, write_clip(simulated, tmp_path, "one", points=True), tmp_path


def test_files_hold_the_clip(written):
    simulated, files, folder = written
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in files.all)
    video = read_video(files.video)
    assert video.frames.shape == simulated.clip.video.frames.shape
    assert np.abs(video.frames.astype(int) - simulated.clip.video.frames).mean() < 10
    np.testing.assert_allclose(video.times_s, simulated.clip.video.times_s, atol=1e-4)
    sound = read_audio(files.video)
    assert sound.sample_rate_hz == simulated.clip.audio.sample_rate_hz
    assert sound.duration_s == pytest.approx(simulated.clip.audio.duration_s, abs=0.1)
    assert PhysicsEstimate.load(files.physics).dumps() == simulated.clip.physics.dumps()


def test_masks_and_truth_survive(written):
    simulated, files, _ = written
    masks = read_masks(files.truth)
    assert set(masks) == set(simulated.clip.masks)
    for object_id, track in masks.items():
        np.testing.assert_array_equal(track.masks, simulated.clip.masks[object_id].masks)
        np.testing.assert_array_equal(track.scores, simulated.clip.masks[object_id].scores)
    with np.load(files.truth) as truth:
        np.testing.assert_array_equal(truth["camera_to_world"], simulated.camera_to_world)
        np.testing.assert_array_equal(truth["intrinsics"], simulated.intrinsics)
        points = truth["points_m"].astype(np.float32) + truth["points_origin_m"]
    exact = simulated.reconstruction().points_m
    np.testing.assert_allclose(points, exact, rtol=2e-3, atol=0.02)


def test_contacts_document(written):
    simulated, files, _ = written
    document = json.loads(files.contacts.read_text())
    assert (document["format"], document["format_version"]) == ("pavas.contacts", 1)
    assert document["seed"] == simulated.scene.seed
    for row, collision in zip(document["contacts"], simulated.motion.collisions, strict=True):
        assert {name: row[name] for name in collision.to_json()} == collision.to_json()
        assert row["object_id"] == simulated.object_of_body.get(row["body"])
        assert row["other_name"] in {"floor", "back wall", "left wall", "right wall", "body"}


def test_finished_clips_are_known_and_kept(written):
    simulated, files, folder = written
    scene = simulated.scene
    before = files.video.stat().st_mtime_ns
    assert finished_clip(folder, "one", seed=scene.seed, config=scene.config) is not None
    with pytest.raises(OutputExistsError, match="overwrite"):
        write_clip(simulated, folder, "one")
    assert files.video.stat().st_mtime_ns == before
    write_clip(simulated, folder, "one", overwrite=True)
    assert files.video.stat().st_mtime_ns != before


def test_another_clip_of_that_name_is_said(written):
    simulated, _, folder = written
    with pytest.raises(InputError, match="other settings"):
        finished_clip(folder, "one", seed=999, config=simulated.scene.config)
    with pytest.raises(InputError, match="other settings"):
        finished_clip(
            folder,
            "one",
            seed=simulated.scene.seed,
            config=replace(simulated.scene.config, fps=30.0),
        )


def test_half_a_clip_is_no_clip(written):
    simulated, files, folder = written
    config = simulated.scene.config
    files.truth.unlink()
    assert finished_clip(folder, "one", seed=simulated.scene.seed, config=config) is None
    assert finished_clip(folder, "two", seed=simulated.scene.seed, config=config) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "pavas.contacts"}'])
def test_damaged_contacts_are_said(written, text):
    simulated, files, folder = written
    files.contacts.write_text(text)
    with pytest.raises(FormatError, match="--overwrite"):
        finished_clip(folder, "one", seed=simulated.scene.seed, config=simulated.scene.config)


def test_a_newer_document_is_refused(written):
    simulated, files, folder = written
    document = json.loads(files.contacts.read_text()) | {"format_version": 2}
    files.contacts.write_text(json.dumps(document))
    with pytest.raises(FormatError, match="version 2"):
        finished_clip(folder, "one", seed=simulated.scene.seed, config=simulated.scene.config)


def test_masks_of_something_else(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(FormatError, match="no simulated masks"):
        read_masks(path)
    with pytest.raises(FormatError, match="no simulated masks"):
        read_masks(tmp_path / "missing.npz")


def test_an_interrupted_write_leaves_no_finished_clip(simulation_of, tmp_path, monkeypatch):
    simulated = simulation_of("throw")

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_clip(simulated, tmp_path, "one")
    files = ClipFiles(tmp_path, "one")
    assert not files.contacts.exists()
    assert not files.truth.exists()
    assert not list(tmp_path.glob(".*"))
    assert finished_clip(tmp_path, "one", seed=1, config=simulated.scene.config) is None


def test_a_written_clip_is_read_again(written):
    simulated, _, folder = written
    clip, truth = read_clip(folder, "one"), simulated.clip
    assert clip.clip_id == truth.clip_id == 1
    assert clip.contacts == truth.contacts
    assert clip.physics.dumps() == truth.physics.dumps()
    assert (clip.prompt, clip.action, clip.surface) == (truth.prompt, truth.action, truth.surface)
    assert (clip.materials, clip.sizes_m) == (truth.materials, truth.sizes_m)
    assert set(clip.masks) == set(truth.masks)
    assert clip.source.duration_s == pytest.approx(truth.source.duration_s, abs=0.05)
    assert clip.true_audio.sample_rate_hz == 48000
    with pytest.raises(FormatError, match=r"no finished clip 'two': two\.mp4"):
        read_clip(folder, "two")


def test_files_of_version_0_1_0_are_read():
    """Written by that version: `pavas simulate --size 48x32 --duration 0.8 --seed 7`."""
    thrown = read_clip(FILES_0_1_0, "throw")
    assert thrown.clip_id == 7_000_000
    assert (thrown.prompt, thrown.action, thrown.surface) == ("impact sounds", "throw", "wood")
    (contact,) = thrown.contacts
    assert contact.object_id == 0
    (entry,) = thrown.physics
    assert entry.mass_kg == pytest.approx(0.021, abs=5e-4)
    assert contact.energy_change_j < entry.mass_kg * np.nanmax(entry.speed_m_s) ** 2
    assert thrown.masks[0].masks.shape == (20, 32, 48)
    assert thrown.video.frames.shape == (20, 32, 48, 3)
    struck = read_clip(FILES_0_1_0, "strike")
    assert [contact.object_id for contact in struck.contacts] == [None, None]
    assert struck.contacts[0].time_s == 0.32968468687321495
    assert struck.contacts[0].energy_change_j == 0.20644292978859327
    assert not struck.objects
    assert struck.surface == "carpet"
