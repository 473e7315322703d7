"""Features on disk: what is read is what was written, and damage is told."""

import json
import shutil

import numpy as np
import pytest
from training_datasets_world import LAYOUT, toy_objects, toy_row, write_set

from pavas_sdk.errors import FormatError, OutputError
from pavas_sdk.training.datasets import (
    FeatureRow,
    FeatureSet,
    RowBuffers,
    array_files,
    shard_folder,
    write_feature_shard,
)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("features"))


def test_rows_are_read_as_they_were_written(features):
    found = FeatureSet(features)
    assert len(found) == 10
    buffers = RowBuffers.of(found.layout, 10)
    for clip in range(10):
        found.read(clip, buffers, 9 - clip)
        assert found.clip_id(clip) == f"clip-{clip}"
    for clip in range(10):
        row, place = toy_row(clip), 9 - clip
        for name, values in row.features.items():
            np.testing.assert_array_equal(
                buffers.features[name][place], values.astype(np.float16), err_msg=name
            )
        assert buffers.text_exists[place] == (clip % 2 == 1)
        assert (buffers.features["text_features"][place] == (3.0 if clip % 2 else 0.0)).all()
        objects, expected = buffers.objects[place], toy_objects(clip)
        for name in ("objects", "visible", "mass_kg", "speed_m_s", "impact_energy_j"):
            np.testing.assert_array_equal(getattr(objects, name), getattr(expected, name))
    assert buffers.video_exists.all()


def test_files_are_closed_as_others_are_opened(features, monkeypatch):
    found = FeatureSet(features)
    found._open = array_files.OpenFiles(limit=2)
    buffers = RowBuffers.of(found.layout, 1)
    for clip in (0, 9, 0):
        found.read(clip, buffers, 0)
        assert len(found._open._open) <= 2
        np.testing.assert_array_equal(
            buffers.features["mean"][0], toy_row(clip).features["mean"].astype(np.float16)
        )


@pytest.mark.parametrize("keep", [0, 60, 200])
def test_a_half_written_array_is_told(features, tmp_path, keep):
    shutil.copytree(features, tmp_path / "set")
    broken = tmp_path / "set/shards/00001/clip_features.npy"
    broken.write_bytes(broken.read_bytes()[:keep])
    with pytest.raises(FormatError, match=r"clip_features\.npy"):
        FeatureSet(tmp_path / "set")


@pytest.mark.parametrize("name", ["text_index", "object_offsets", "mass_kg"])
@pytest.mark.parametrize("left", [b"", b"garbage" * 40, None])
def test_a_damaged_index_is_told(features, tmp_path, name, left):
    shutil.copytree(features, tmp_path / "set")
    broken = tmp_path / f"set/shards/00001/{name}.npy"
    if left is None:
        np.save(broken, np.load(broken)[:-1])  # whole, but of other clips
    else:
        broken.write_bytes(left)
    with pytest.raises(FormatError, match=rf"{name}\.npy.*run pavas prepare again"):
        FeatureSet(tmp_path / "set")


def test_texts_of_another_size_are_told(features, tmp_path):
    shutil.copytree(features, tmp_path / "set")
    np.save(tmp_path / "set/texts.npy", np.zeros((1, 3, 5), dtype=np.float16))
    with pytest.raises(FormatError, match=r"texts\.npy has shape"):
        FeatureSet(tmp_path / "set")


def test_a_shard_that_does_not_say_its_clips_is_told(features, tmp_path):
    shutil.copytree(features, tmp_path / "set")
    path = tmp_path / "set/shards/00001/meta.json"
    known = json.loads(path.read_text())
    del known["rows"]
    path.write_text(json.dumps(known))
    with pytest.raises(FormatError, match="does not say its number of clips"):
        FeatureSet(tmp_path / "set")


def test_a_file_cut_while_it_is_read_is_told(features, tmp_path):
    shutil.copytree(features, tmp_path / "set")
    found = FeatureSet(tmp_path / "set")
    broken = tmp_path / "set/shards/00000/mean.npy"
    broken.write_bytes(broken.read_bytes()[:140])
    with pytest.raises(FormatError, match="ends before row 3"):
        found.read(3, RowBuffers.of(found.layout, 1), 0)


def test_a_set_without_its_description_is_unfinished(features, tmp_path):
    shutil.copytree(features, tmp_path / "set")
    (tmp_path / "set/dataset.json").unlink()
    with pytest.raises(FormatError, match="pavas prepare"):
        FeatureSet(tmp_path / "set")


def test_a_missing_shard_is_told(features, tmp_path):
    shutil.copytree(features, tmp_path / "set")
    shutil.rmtree(tmp_path / "set/shards/00001")
    with pytest.raises(FormatError, match="holds 6 clips, its description says 10"):
        FeatureSet(tmp_path / "set")


def test_a_newer_format_is_told(features, tmp_path):
    shutil.copytree(features, tmp_path / "set")
    path = tmp_path / "set/dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))
    with pytest.raises(FormatError, match="99"):
        FeatureSet(tmp_path / "set")


@pytest.mark.parametrize("value", [np.nan, 1e6])
def test_numbers_that_float16_cannot_hold_are_refused(tmp_path, value):
    row = toy_row(0)
    wrong = np.full(LAYOUT.shapes()["std"], value)
    row = FeatureRow(
        features={**row.features, "std": wrong}, text=-1, objects=row.objects, facts=row.facts
    )
    with pytest.raises(FormatError, match="std"):
        write_feature_shard(shard_folder(tmp_path, 0), [row], LAYOUT)
    assert list((tmp_path / "shards").iterdir()) == []


def test_a_shard_that_breaks_off_leaves_nothing(tmp_path):
    def rows():
        yield toy_row(0)
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="free some space"):
        write_feature_shard(shard_folder(tmp_path, 0), rows(), LAYOUT)
    assert list((tmp_path / "shards").iterdir()) == []


def test_a_finished_shard_is_left_alone(tmp_path):
    folder = shard_folder(tmp_path, 0)
    assert write_feature_shard(folder, [toy_row(1)], LAYOUT) == 1
    before = (folder / "mean.npy").read_bytes()
    assert write_feature_shard(folder, [toy_row(2), toy_row(3)], LAYOUT) == 1
    assert (folder / "mean.npy").read_bytes() == before
