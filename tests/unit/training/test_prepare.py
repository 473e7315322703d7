"""From annotated clips to features: what the pipeline's own encoders give, level, resume, failures."""

import json

import numpy as np
import pytest
import torch
from clip_files_world import write_clip, write_clips

from pavas_sdk.annotation import Annotation, AnnotationConfig, JobFolder, annotate, read_clips
from pavas_sdk.data.alignment import mask_grids_at
from pavas_sdk.errors import ConfigurationError, FormatError, InputError
from pavas_sdk.media import open_video
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.testing.tiny_mmaudio import tiny_mmaudio_pipeline
from pavas_sdk.training.datasets import BatchLoader, FeatureSet, Mixture, RowBuffers
from pavas_sdk.training.prepare import PrepareConfig, prepare

CONFIG = PrepareConfig(model="untrained", shard_size=3)


@pytest.fixture(scope="module")
def pipe():
    return tiny_mmaudio_pipeline()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_clips(folder / "videos", 4)
    write_clip(folder / "videos/dumb.mp4", sound=False)
    table = folder / "clips.jsonl"
    rows = [
        {"id": f"d{n}", "path": f"videos/disc {n}.mp4", "label": "ball" * (n % 2)} for n in range(4)
    ]
    rows += [{"id": "dumb", "path": "videos/dumb.mp4", "label": "nothing"}]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = AnnotationConfig(
        estimator=PhysicsEstimator.from_name("tiny").to_json(),
        duration_s=1.0,
        require_sound=False,
    )
    annotate(read_clips([table]), folder / "data", config)
    return folder / "data"


@pytest.fixture(scope="module")
def prepared(data, pipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("features")
    report = prepare(data, out, CONFIG, pipe=pipe)
    assert report.rows == 4
    assert [failure["clip_id"] for failure in report.failures] == ["dumb"]
    return out, report


def test_features_are_the_pipeline_s(data, pipe, prepared):
    found = FeatureSet(prepared[0])
    layout = found.layout
    assert (layout.latent_length, layout.latent_dim) == (32, 20)
    buffers = RowBuffers.of(layout, 4)
    for row in range(4):
        found.read(row, buffers, row)
    annotation = Annotation.load(JobFolder(data), "d1")
    with open_video(annotation.clip.path) as video, torch.no_grad():
        seen = pipe.encode_video(video)
        text = pipe.clip.encode_text(["ball"])[0]
    np.testing.assert_allclose(buffers.features["clip_features"][1], seen.pooled[0], atol=1e-3)
    np.testing.assert_allclose(buffers.features["sync_features"][1], seen.sync[0], atol=1e-2)
    np.testing.assert_allclose(buffers.features["text_features"][1], text, atol=1e-3)
    assert buffers.text_exists.tolist() == [False, True, False, True]
    objects = buffers.objects[1]
    assert len(objects) == len(annotation.physics) == 2
    for place, entry in enumerate(annotation.physics):
        mask = mask_grids_at(annotation.masks[entry.object_id], seen.times_s, pipe.clip.grid)
        sums = torch.einsum("tpq,tpqd->td", torch.from_numpy(mask), seen.patches[0])
        np.testing.assert_allclose(objects.objects[place], sums, rtol=1e-2, atol=1e-2)
        assert objects.mass_kg[place] == pytest.approx(entry.mass_kg)
    assert found.description.encoders.keys() == {"clip", "sync_encoder", "vae"}


def test_one_gain_keeps_soft_clips_softer(data, prepared):
    found, level = FeatureSet(prepared[0]), prepared[1].level
    facts = [found.facts(row) for row in range(4)]
    assert {fact["gain"] for fact in facts} == {level.gain}
    peaks = np.array([fact["peak"] for fact in facts])
    np.testing.assert_allclose(peaks, [0.05, 0.1, 0.15, 0.2], rtol=0.1)
    known = [Annotation.load(JobFolder(data), f"d{n}").sound["peak"] for n in range(4)]
    assert level.gain * np.percentile(known, 99.5) == pytest.approx(0.95)


def test_the_reference_s_level_is_each_file_s_own(data, pipe, tmp_path):
    config = PrepareConfig(model="untrained", level="reference")
    prepare(data, tmp_path, config, pipe=pipe)
    found = FeatureSet(tmp_path)
    assert [found.facts(row)["gain"] * found.facts(row)["peak"] for row in range(4)] == [
        pytest.approx(0.95, rel=0.02)
    ] * 4


def test_clips_for_validation_get_the_level_of_the_training_set(data, pipe, prepared, tmp_path):
    config = PrepareConfig(model="untrained", level="none", level_from=str(prepared[0]))
    report = prepare(data, tmp_path, config, pipe=pipe)
    assert report.level == prepared[1].level
    assert report.level.gain > 1
    found = FeatureSet(tmp_path)
    assert {found.facts(row)["gain"] for row in range(4)} == {report.level.gain}
    nowhere = PrepareConfig(model="untrained", level_from=str(data))
    with pytest.raises(FormatError, match="no finished folder of features"):
        prepare(data, tmp_path / "other", nowhere, pipe=pipe)


def test_a_loader_reads_them(prepared):
    batch = BatchLoader(Mixture([FeatureSet(prepared[0])]), batch=4).read(0).to("cpu")
    padded = batch.padded_objects()
    assert padded.objects.shape[:2] == (4, 4)
    assert batch.has_physics.all()
    assert torch.isfinite(batch.mean).all()


def test_missing_shards_alone_are_made_again(data, pipe, prepared):
    out = prepared[0]
    before = (out / "shards/00000/mean.npy").stat().st_mtime_ns
    expected = (out / "shards/00001/mean.npy").read_bytes()
    (out / "shards/00001/meta.json").unlink()
    told = []
    prepare(data, out, CONFIG, pipe=pipe, tell=lambda report, progress: told.append(report.item))
    assert [item["number"] for item in told] == [1]
    assert (out / "shards/00000/mean.npy").stat().st_mtime_ns == before
    assert (out / "shards/00001/mean.npy").read_bytes() == expected


@pytest.mark.parametrize("name", ["shards/00000/mean.npy", "texts.json", "texts.npy"])
def test_what_was_damaged_since_is_made_again(data, pipe, prepared, name):
    out = prepared[0]
    expected = {path: path.read_bytes() for path in out.rglob("*.npy")}
    (out / name).write_bytes((out / name).read_bytes()[:-5])
    prepare(data, out, CONFIG, pipe=pipe)
    assert {path: path.read_bytes() for path in out.rglob("*.npy")} == expected
    assert len(FeatureSet(out)) == 4


def test_other_settings_and_other_encoders_are_refused(data, pipe, prepared):
    with pytest.raises(ConfigurationError, match="max_objects was 4, is 2"):
        prepare(
            data,
            prepared[0],
            PrepareConfig(model="untrained", shard_size=3, max_objects=2),
            pipe=pipe,
        )
    other = tiny_mmaudio_pipeline(seed=5)
    with pytest.raises(ConfigurationError, match="encoders was"):
        prepare(data, prepared[0], CONFIG, pipe=other)


def test_clips_that_were_recorded_clipped_are_named(pipe, tmp_path):
    (tmp_path / "videos").mkdir()
    for name, peak in (("fine", 0.9), ("harsh", 8.0)):
        write_clip(tmp_path / f"videos/{name}.mp4", peak=peak)
    estimator = PhysicsEstimator.from_name("tiny").to_json()
    config = AnnotationConfig(estimator=estimator, duration_s=1.0)
    annotate(read_clips([tmp_path / "videos"]), tmp_path / "data", config)
    report = prepare(tmp_path / "data", tmp_path / "features", CONFIG, pipe=pipe)
    assert (report.rows, report.clipped) == (2, ("harsh",))
    again = prepare(tmp_path / "data", tmp_path / "features", CONFIG, pipe=pipe)
    assert again.clipped == ("harsh",)


def test_nothing_to_prepare_is_told(tmp_path, pipe, data):
    with pytest.raises(InputError, match=r"no clip .* in the split 'train'"):
        prepare(data, tmp_path, PrepareConfig(model="untrained", split="train"), pipe=pipe)
