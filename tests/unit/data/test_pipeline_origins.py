"""``pavas.json``: written and read by one hand."""

from __future__ import annotations

import json

import pytest

from pavas_sdk.data import ComponentRef
from pavas_sdk.data.pipeline_origins import PipelineOrigins
from pavas_sdk.errors import FormatError

REF = ComponentRef(kind="vae", name="Codec", distribution="acme", version="1.2", licence="MIT")
SOURCE = {"official": {"repository": "a/b", "sha256": "0"}, "weights": {"dtype": "float32"}}
ORIGINS = PipelineOrigins(
    components={"vae": REF}, sources={"vae": SOURCE}, pavas_sdk_version="0.1.0"
)


def test_what_was_written_is_read(tmp_path):
    ORIGINS.write(tmp_path)
    assert PipelineOrigins.read(tmp_path) == ORIGINS
    PipelineOrigins(components={"vae": REF}).write(tmp_path)  # in its place
    assert PipelineOrigins.read(tmp_path) == PipelineOrigins(components={"vae": REF})
    assert "sources" not in json.loads((tmp_path / "pavas.json").read_text())


def test_the_document_is_the_one_of_version_1(tmp_path):
    ORIGINS.write(tmp_path)
    assert json.loads((tmp_path / "pavas.json").read_text()) == {
        "format": "pavas.pipeline",
        "format_version": 1,
        "pavas_sdk_version": "0.1.0",
        "components": {"vae": REF.to_json()},
        "sources": {"vae": SOURCE},
    }


def test_a_folder_without_the_file_says_nothing(tmp_path):
    assert PipelineOrigins.read(tmp_path) == PipelineOrigins()


@pytest.mark.parametrize(
    "change", [{"components": []}, {"components": {"vae": 1}}, {"sources": {"vae": "x"}}]
)
def test_a_malformed_file_is_named(tmp_path, change):
    ORIGINS.write(tmp_path)
    path = tmp_path / "pavas.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FormatError, match=r"pavas\.json: "):
        PipelineOrigins.read(tmp_path)
