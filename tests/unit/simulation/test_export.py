from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.errors import FormatError, InputError, OutputExistsError
from pavas_sdk.media import read_audio, read_video
from pavas_sdk.simulation import read_masks, write_clip
from pavas_sdk.simulation.collisions import Contact
from pavas_sdk.simulation.export import ClipFiles, finished_clip


@pytest.fixture
def written(clip_of, tmp_path):
    clip = clip_of("throw")
    return clip, write_clip(clip, tmp_path, "one", points=True), tmp_path


def test_files_hold_the_clip(written):
    clip, files, folder = written
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in files.all)
    video = read_video(files.video)
    assert video.frames.shape == clip.video.frames.shape
    assert np.abs(video.frames.astype(int) - clip.video.frames).mean() < 10
    np.testing.assert_allclose(video.times_s, clip.video.times_s, atol=1e-4)
    sound = read_audio(files.video)
    assert sound.sample_rate_hz == clip.audio.sample_rate_hz
    assert sound.duration_s == pytest.approx(clip.audio.duration_s, abs=0.1)
    assert PhysicsEstimate.load(files.physics).dumps() == clip.physics.dumps()


def test_masks_and_truth_survive(written):
    clip, files, _ = written
    masks = read_masks(files.truth)
    assert set(masks) == set(clip.masks)
    for object_id, track in masks.items():
        np.testing.assert_array_equal(track.masks, clip.masks[object_id].masks)
        np.testing.assert_array_equal(track.scores, clip.masks[object_id].scores)
    with np.load(files.truth) as truth:
        np.testing.assert_array_equal(truth["camera_to_world"], clip.camera_to_world)
        np.testing.assert_array_equal(truth["intrinsics"], clip.intrinsics)
        points = truth["points_m"].astype(np.float32) + truth["points_origin_m"]
    exact = clip.reconstruction().points_m
    np.testing.assert_allclose(points, exact, rtol=2e-3, atol=0.02)


def test_contacts_document(written):
    clip, files, _ = written
    document = json.loads(files.contacts.read_text())
    assert (document["format"], document["format_version"]) == ("pavas.contacts", 1)
    assert document["seed"] == clip.scene.seed
    assert tuple(Contact.from_json(row) for row in document["contacts"]) == clip.contacts
    for row in document["contacts"]:
        assert row["object_id"] == clip.object_of_body.get(row["body"])
        assert row["other_name"] in {"floor", "back wall", "left wall", "right wall", "body"}


def test_finished_clips_are_known_and_kept(written):
    clip, files, folder = written
    scene = clip.scene
    before = files.video.stat().st_mtime_ns
    assert finished_clip(folder, "one", seed=scene.seed, config=scene.config) is not None
    with pytest.raises(OutputExistsError, match="overwrite"):
        write_clip(clip, folder, "one")
    assert files.video.stat().st_mtime_ns == before
    write_clip(clip, folder, "one", overwrite=True)
    assert files.video.stat().st_mtime_ns != before


def test_another_clip_of_that_name_is_said(written):
    clip, _, folder = written
    with pytest.raises(InputError, match="other settings"):
        finished_clip(folder, "one", seed=999, config=clip.scene.config)
    with pytest.raises(InputError, match="other settings"):
        finished_clip(
            folder, "one", seed=clip.scene.seed, config=replace(clip.scene.config, fps=30.0)
        )


def test_half_a_clip_is_no_clip(written):
    clip, files, folder = written
    config = clip.scene.config
    files.truth.unlink()
    assert finished_clip(folder, "one", seed=clip.scene.seed, config=config) is None
    assert finished_clip(folder, "two", seed=clip.scene.seed, config=config) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "pavas.contacts"}'])
def test_damaged_contacts_are_said(written, text):
    clip, files, folder = written
    files.contacts.write_text(text)
    with pytest.raises(FormatError, match="--overwrite"):
        finished_clip(folder, "one", seed=clip.scene.seed, config=clip.scene.config)


def test_a_newer_document_is_refused(written):
    clip, files, folder = written
    document = json.loads(files.contacts.read_text()) | {"format_version": 2}
    files.contacts.write_text(json.dumps(document))
    with pytest.raises(FormatError, match="version 2"):
        finished_clip(folder, "one", seed=clip.scene.seed, config=clip.scene.config)


def test_masks_of_something_else(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(FormatError, match="no simulated masks"):
        read_masks(path)
    with pytest.raises(FormatError, match="no simulated masks"):
        read_masks(tmp_path / "missing.npz")


def test_an_interrupted_write_leaves_no_finished_clip(clip_of, tmp_path, monkeypatch):
    clip = clip_of("throw")

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_clip(clip, tmp_path, "one")
    files = ClipFiles(tmp_path, "one")
    assert not files.contacts.exists()
    assert not files.truth.exists()
    assert not list(tmp_path.glob(".*"))
    assert finished_clip(tmp_path, "one", seed=1, config=clip.scene.config) is None
