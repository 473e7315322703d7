"""Any damage of a JSON document is a `FormatError` that names the file."""

from __future__ import annotations

import json
import os

import pytest

from pavas_sdk.data.documents import (
    check_format,
    parse_json,
    read_document,
    read_json,
    read_object,
)
from pavas_sdk.errors import FormatError

GOOD = {"format": "pavas.test", "format_version": 2, "value": 0.5}


def test_a_document_is_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(GOOD))
    assert read_document(path, format_name="pavas.test", newest=3, what="it") == GOOD
    assert read_json(str(path)) == GOOD
    path.write_text(json.dumps(GOOD), encoding="utf-8-sig")  # as editors of Windows may save it
    assert read_json(path) == GOOD


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"[NaN]", "missing values are null"),
        (b"[-Infinity]", "missing values are null"),
        (b"[1e999]", "too large"),
        (b"9" * 5000, "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b" " * 101, "larger than 100 bytes"),
    ],
    ids=["empty", "half", "binary", "nan", "infinity", "huge", "long", "nested", "size"],
)
def test_damage_names_the_file(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    limit = 100 if message.startswith("larger") else 2**20
    with pytest.raises(FormatError, match=rf"(?s)cannot read .*a\.json: .*{message}"):
        read_json(path, max_bytes=limit)


def test_an_object_is_asked_for(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_object(path) == {"a": 1}
    path.write_text("[1]")
    with pytest.raises(FormatError, match=r"a\.json: expected a JSON object, got list"):
        read_object(path)


def test_what_is_not_there_names_the_file(tmp_path):
    with pytest.raises(FormatError, match=r"cannot read .*none\.json: No such file"):
        read_json(tmp_path / "none.json")
    with pytest.raises(FormatError, match=r"cannot read .*: Is a directory"):
        read_json(tmp_path)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            [],
            'this is no test document: .* with "format": "pavas.test", got list. Make one with: pava',
        ),
        ({}, 'got "format": None. Make one with: pavas test'),
        (GOOD | {"format": "pavas.other"}, "got \"format\": 'pavas.other'"),
        (GOOD | {"format_version": 4}, "format_version 4.*up to 3.*pip install -U pavas-sdk"),
        (GOOD | {"format_version": 0}, "format_version 0"),
        (GOOD | {"format_version": True}, "format_version True"),
        (GOOD | {"format_version": "2"}, "format_version '2'"),
        ({"format": "pavas.test"}, "format_version None"),
    ],
)
def test_another_format_or_a_newer_version(document, message):
    with pytest.raises(FormatError, match=message):
        check_format(
            document,
            format_name="pavas.test",
            newest=3,
            what="test document",
            make_with="pavas test",
        )


def test_a_document_of_another_format_names_the_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(GOOD))
    with pytest.raises(FormatError, match=r"a\.json: this is no letter"):
        read_document(path, format_name="pavas.letter", newest=3, what="letter")
    with pytest.raises(FormatError, match=r"a\.json: letter has format_version 2"):
        read_document(path, format_name="pavas.test", newest=1, what="letter")


def test_the_version_is_told():
    assert check_format(GOOD, format_name="pavas.test", newest=2, what="it") == 2


def test_text_is_parsed():
    assert parse_json('{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(FormatError, match="no regular file"):
        read_json(tmp_path / "pipe.json")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_cannot_be(name):
    with pytest.raises(FormatError, match="cannot read"):
        read_json(name)


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(FormatError, match="the key '0' stands twice in one object"):
        parse_json('{"masses_kg": {"0": 1.0, "1": 3.0, "0": 2.0}}')
    assert parse_json('[{"0": 1}, {"0": 2}]') == [{"0": 1}, {"0": 2}]
