"""Running over clips: resuming, settings, processes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import pytest

from pavas_sdk.errors import ConfigurationError, FormatError, InputError, OutputError
from pavas_sdk.evaluation import run


@dataclass(frozen=True)
class Square:
    clip_id: int
    value: int
    process: int = 0

    def to_json(self):
        return {"clip_id": self.clip_id, "value": self.value}

    @classmethod
    def read(cls, data):
        return cls(clip_id=data["clip_id"], value=data["value"])


def square(clip_id):
    return Square(clip_id, clip_id**2, os.getpid())


def factory():
    return square


class Failing:
    """Fails at one clip, as an interrupted run does."""

    def __init__(self, at):
        self.at = at
        self.seen = []

    def __call__(self):
        return self.measure

    def measure(self, clip_id):
        if clip_id == self.at:
            raise KeyboardInterrupt
        self.seen.append(clip_id)
        return square(clip_id)


def call(ids, made=factory, **options):
    return run(ids, made, Square.read, settings=options.pop("settings", {"a": 1}), **options)


def test_rows_come_in_the_order_of_the_clips():
    told = []
    rows = call([5, 3, 4], progress=lambda done, total: told.append((done, total)))
    assert [(row.clip_id, row.value) for row in rows] == [(5, 25), (3, 9), (4, 16)]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "deep" / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        call([1, 2, 3], Failing(at=3), path=path)
    second = Failing(at=None)
    rows = call([1, 2, 3, 4], second, path=path)
    assert second.seen == [3, 4]
    assert [row.value for row in rows] == [1, 4, 9, 16]
    assert len(path.read_text().splitlines()) == 5


def test_half_a_line_is_done_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    call([1, 2], path=path)
    whole = path.read_text()
    path.write_text(whole[:-5])
    again = Failing(at=None)
    call([1, 2], again, path=path)
    assert again.seen == [2]
    assert path.read_text() == whole


def test_finished_clips_of_another_selection_stay_in_the_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    call([1, 2], path=path)
    assert [row.clip_id for row in call([2, 3], path=path)] == [2, 3]
    assert len(path.read_text().splitlines()) == 4


def test_results_of_other_settings_are_never_mixed(tmp_path):
    path = tmp_path / "rows.jsonl"
    call([1], path=path, settings={"steps": 25, "model": "a"})
    before = path.read_text()
    with pytest.raises(ConfigurationError, match="steps: 25 there, 5 here"):
        call([1], path=path, settings={"steps": 5, "model": "a"})
    assert path.read_text() == before


@pytest.mark.parametrize(
    "text", ["hello\n", '{"format": "other"}\n', "[1]\n", '\x00{"format"'], ids=range(4)
)
def test_other_files_are_refused_and_left_alone(tmp_path, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match="results file"):
        call([1], path=path)
    assert path.read_text() == text


def test_a_newer_file_is_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"format": "pavas.evaluation", "format_version": 2}) + "\n")
    with pytest.raises(FormatError, match="format_version 2"):
        call([1], path=path)


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        call([1], path=tmp_path / "file" / "rows.jsonl")


def test_two_processes_give_the_same_rows(tmp_path):
    rows = call(list(range(6)), jobs=2, path=tmp_path / "rows.jsonl")
    assert [row.value for row in rows] == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {row.process for row in rows}


def test_impossible_requests_are_refused():
    with pytest.raises(InputError, match="repeat"):
        call([1, 1])
    with pytest.raises(ConfigurationError, match="jobs"):
        call([1], jobs=0)


def test_results_of_other_settings_are_replaced_where_that_is_asked_for(tmp_path):
    path = tmp_path / "rows.jsonl"
    call([1, 2], path=path)
    seen = Failing(at=None)
    call([1, 2, 3], seen, path=path, anew=True)  # of the same settings: kept
    assert seen.seen == [3]
    seen = Failing(at=None)
    call([1], seen, path=path, anew=True, settings={"a": 2})
    assert seen.seen == [1]
    assert call([1], Failing(at=1), path=path, settings={"a": 2})[0].value == 1
