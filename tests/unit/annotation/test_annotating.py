"""Real clips through a real estimator: results, masks, failures with reasons."""

import base64
import gzip
import json
import tarfile

import numpy as np
import pytest
from annotation_world import files_of
from clip_files_world import write_clip, write_clips

from pavas_sdk.annotation import (
    Annotation,
    AnnotationConfig,
    EngineConfig,
    JobFolder,
    annotate,
    job,
    read_clips,
)
from pavas_sdk.annotation.annotating import AnnotationWork
from pavas_sdk.annotation.packing import pack
from pavas_sdk.annotation.tables import read_rows
from pavas_sdk.cli.main import run
from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.media import open_video
from pavas_sdk.physics import PhysicsEstimator


@pytest.fixture(autouse=True)
def real_work(toy_work_is_found, monkeypatch):
    factory = f"{AnnotationWork.__module__}:{AnnotationWork.__name__}"
    monkeypatch.setattr(job, "_FACTORY", factory)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    write_clips(folder, 3)
    write_clip(folder / "long.mp4", 3, seconds=1.6)
    write_clip(folder / "short.mp4", seconds=0.5)
    write_clip(folder / "dumb.mp4", sound=False)
    write_clip(folder / "silent.mp4", peak=0.0)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    return folder


@pytest.fixture(scope="module")
def config():
    return AnnotationConfig(estimator=PhysicsEstimator.from_name("tiny").to_json(), duration_s=1.0)


@pytest.fixture(scope="module")
def annotated(videos, config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    report = annotate(read_clips([videos]), folder, config)
    assert (report.total, report.failed) == (8, 4)
    return folder


def test_results_are_the_estimator_s(videos, config, annotated):
    found = Annotation.load(JobFolder(annotated), "disc 1")
    assert found.clip.path == str(videos / "disc 1.mp4")
    assert found.sound["peak"] == pytest.approx(0.1, rel=0.1)
    with open_video(videos / "disc 1.mp4") as video:
        result = PhysicsEstimator.from_name("tiny").estimate(video)
    assert len(found.physics) == len(result.physics) > 0
    for mine, other in zip(found.physics, result.physics, strict=True):
        assert mine.mass_kg == pytest.approx(other.mass_kg)
        np.testing.assert_allclose(mine.speed_m_s, other.speed_m_s, rtol=1e-5)
    assert found.masks.keys() == result.masks.keys()
    for key, track in result.masks.items():
        np.testing.assert_array_equal(found.masks[key].masks, track.masks)


def test_a_longer_video_is_cut(annotated):
    found = Annotation.load(JobFolder(annotated), "long")
    assert found.physics.duration_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short", "0.48 s long, expected 1 s"),
        ("dumb", "no sound track"),
        ("silent", "silent"),
        ("broken", "broken.mp4"),
    ],
)
def test_what_cannot_be_annotated_is_named(annotated, name, message):
    lines = (annotated / "failures.jsonl").read_text().splitlines()
    failures = {entry["clip_id"]: entry for entry in map(json.loads, lines)}
    assert set(failures) == {"short", "dumb", "silent", "broken"}
    assert message in failures[name]["message"]
    assert failures[name]["trace"] == []  # known errors need none
    with pytest.raises(InputError, match="could not be annotated"):
        Annotation.load(JobFolder(annotated), name)


def test_processes_write_the_same_files(videos, config, annotated, tmp_path):
    annotate(read_clips([videos]), tmp_path, config, engine=EngineConfig(workers=1))
    assert files_of(tmp_path) == files_of(annotated)


def test_stage_by_stage_is_the_same(videos, config, annotated, tmp_path):
    clips = read_clips([videos])
    with pytest.raises(InputError, match="--stage detect first"):
        annotate(clips, tmp_path, config, stage="segment")
    first = annotate(clips, tmp_path, config, stage="detect")
    assert (first.ok, first.failed) == (0, 4)
    second = annotate([], tmp_path, config, stage="segment", limit=2)
    assert second.ok == 0
    third = annotate([], tmp_path, config, stage="geometry")
    assert third.ok == 2
    annotate([], tmp_path, config, stage="segment")
    last = annotate([], tmp_path, config, stage="geometry")
    assert (last.ok, last.failed, last.left) == (4, 4, 0)
    assert files_of(tmp_path) == files_of(annotated)


def test_packed_clips_are_whole(annotated):
    folder = JobFolder(annotated)
    (path,) = pack(folder, "jsonl")
    rows = {row["clip_id"]: row for row in read_rows(path)}
    assert len(rows) == 8
    known = Annotation.load(folder, "disc 1")
    row = rows["disc 1"]
    assert (
        PhysicsEstimate.from_json(json.loads(row["physics"])).to_json() == known.physics.to_json()
    )
    masks = gzip.decompress(base64.b64decode(row["masks"]))
    assert len(json.loads(masks)) == len(known.masks)
    assert (row["source"], row["status"]) == ("disc 1.mp4", "ok")
    assert "silent" in rows["silent"]["failure"]
    assert pack(folder, "jsonl")[0].read_bytes() == path.read_bytes()
    assert [p.name for p in pack(folder, "jsonl", shard_size=5)] == [
        "part-00000.jsonl.gz",
        "part-00001.jsonl.gz",
    ]


def test_packed_for_webdataset(annotated):
    (path,) = pack(JobFolder(annotated), "webdataset")
    with tarfile.open(path) as tar:
        names = tar.getnames()
        row = json.load(tar.extractfile("disc 1.json"))
    assert row["clip_id"] == "disc 1"
    assert "disc 1.masks.json.gz" in names
    assert len({name.partition(".")[0] for name in names}) == 8


def test_packed_as_parquet(annotated):
    parquet = pytest.importorskip("pyarrow.parquet")
    (path,) = pack(JobFolder(annotated), "parquet")
    table = parquet.read_table(path)
    assert table.num_rows == 8
    assert {clip.clip_id for clip in read_clips([path])} == set(table["clip_id"].to_pylist())


def test_damaged_masks_are_told(videos, config, annotated):
    folder = JobFolder(annotated)
    path = folder.result_path("disc 2", ".masks.json.gz")
    before = path.read_bytes()
    try:
        path.write_bytes(before[:-20])
        with pytest.raises(FormatError, match="masks"):
            Annotation.load(folder, "disc 2")
    finally:
        path.write_bytes(before)


def test_the_command(videos, tmp_path, capsys):
    command = ["annotate", str(videos), "-o", str(tmp_path), "--duration", "1", "--workers", "0"]
    assert run([*command, "--json", "--without-sound"]) == 1
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 8
    assert {line["clip_id"] for line in lines if line["status"] == "failed"} == {"short", "broken"}
    assert "short: failed" in err
    assert "2 failed" in err
    assert (
        run([*command, "--without-sound"]) == 1
    )  # nothing to do, and the failures are still there
    assert capsys.readouterr().out == ""
    assert run([*command, "--duration", "0.5", "--without-sound"]) == 2
    assert "duration_s was 1.0, is 0.5" in capsys.readouterr().err
