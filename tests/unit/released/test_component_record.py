"""A converted component is taken from the cache only when it is whole and what it should be."""

from __future__ import annotations

import json

import pytest

from pavas_sdk.errors import FormatError
from pavas_sdk.released.component_record import WEIGHTS_NAME, ComponentRecord

RECORD = ComponentRecord(
    component="tiny-vae",
    network=("pavas_sdk.models", "AutoencoderMel"),
    official={"repository": "a/b"},
    weights={"size_bytes": 3},
)


@pytest.fixture
def folder(tmp_path):
    RECORD.write(tmp_path)
    (tmp_path / WEIGHTS_NAME).write_bytes(b"123")
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def edit(folder, **changes):
    path = folder / "source.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_written_is_read(folder):
    assert ComponentRecord.read(folder) == RECORD
    assert ComponentRecord.of_whole(folder, "tiny-vae") == RECORD


def test_of_another_component_or_converter_it_is_not_taken(folder):
    assert ComponentRecord.of_whole(folder, "tiny-clip") is None
    edit(folder, converter_version=0)
    assert ComponentRecord.of_whole(folder, "tiny-vae") is None


@pytest.mark.parametrize("name", [WEIGHTS_NAME, "config.json", "source.json"])
def test_with_a_file_missing_it_is_not_taken(folder, name):
    (folder / name).unlink()
    assert ComponentRecord.of_whole(folder, "tiny-vae") is None


def test_cut_short_it_is_not_taken(folder):
    (folder / WEIGHTS_NAME).write_bytes(b"12")
    assert ComponentRecord.of_whole(folder, "tiny-vae") is None


@pytest.mark.parametrize(
    "change", [{"class": "x"}, {"class": None}, {"official": 3}, {"format_version": 2}]
)
def test_a_malformed_record_is_named(folder, change):
    edit(folder, **change)
    with pytest.raises(FormatError, match=r"source\.json|record of a converted component"):
        ComponentRecord.read(folder)
    assert ComponentRecord.of_whole(folder, "tiny-vae") is None
