"""Two writers never share a name, and what a dead one had ready is brought to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pavas_sdk.data.claims import ClaimedError, claimed, recover
from pavas_sdk.data.temporary_names import clear_abandoned, is_abandoned, temporary_name
from pavas_sdk.errors import OutputError, OutputExistsError

NAMES, SEAL = ["clip.wav", "clip.mp4"], "clip.pavas.json"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make(folder: Path, text: str = "new", *, overwrite: bool = False) -> None:
    with claimed(folder, "clip") as claim:
        for name in (*NAMES, SEAL):
            (claim.drafts / name).write_text(f"{text} {name}")
        claim.publish(NAMES, [SEAL], overwrite=overwrite)


def killed(folder: Path, moves: int, *, overwrite: bool = False) -> None:
    """Publish in another process that is killed after so many moves."""
    code = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_claims import make
usual, left = Path.replace, [{moves + 1}]  # the journal is a move, too
def replace(self, target):
    if left[0] == 0:
        os._exit(9)
    left[0] -= 1
    return usual(self, target)
Path.replace = replace
make(Path({str(folder)!r}), overwrite={overwrite})
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 9


def test_all_files_appear_and_nothing_else_stays(tmp_path):
    make(tmp_path)
    assert names(tmp_path) == sorted([*NAMES, SEAL])
    with pytest.raises(OutputExistsError, match="appeared meanwhile and is kept"):
        make(tmp_path)
    make(tmp_path, "newer", overwrite=True)
    assert (tmp_path / "clip.wav").read_text() == "newer clip.wav"


def test_a_name_belongs_to_one_at_a_time(tmp_path):
    with claimed(tmp_path, "clip"):
        with pytest.raises(ClaimedError, match="another process makes"), claimed(tmp_path, "clip"):
            pytest.fail("the body must not run")
        with claimed(tmp_path, "other"):
            pass
        assert recover(tmp_path) == []  # what a live one works on stays
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_nothing(tmp_path, error):
    def fail() -> None:
        with claimed(tmp_path, "clip") as claim:
            (claim.drafts / "clip.wav").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []


def test_a_folder_that_refuses_a_move_is_left_as_it_was(tmp_path, monkeypatch):
    usual = Path.replace

    def full(self, target):
        if Path(target).name == "clip.mp4":
            raise OSError(28, "No space left on device")
        return usual(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        make(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_process_killed_between_moves_is_finished_by_the_next(tmp_path, moves):
    killed(tmp_path, moves)
    assert SEAL not in names(tmp_path)
    assert recover(tmp_path) == [*NAMES, SEAL][moves:]
    assert names(tmp_path) == sorted([*NAMES, SEAL])
    assert (tmp_path / SEAL).read_text() == f"new {SEAL}"


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_killed_replacement_is_finished_too(tmp_path, moves):
    make(tmp_path, "old")
    killed(tmp_path, moves, overwrite=True)
    assert SEAL not in names(tmp_path)  # the old one spoke of files that are gone
    recover(tmp_path)
    assert {(tmp_path / name).read_text() for name in (*NAMES, SEAL)} == {
        f"new {name}" for name in (*NAMES, SEAL)
    }


def test_a_process_killed_before_all_was_ready_leaves_nothing(tmp_path):
    killed(tmp_path, -1)
    assert len(names(tmp_path)) == 2
    assert recover(tmp_path) == []
    assert names(tmp_path) == []


def test_a_file_of_somebody_else_is_never_replaced_by_a_dead_one_s(tmp_path):
    killed(tmp_path, 0)
    (tmp_path / "clip.wav").write_text("mine")
    assert recover(tmp_path) == []
    assert names(tmp_path) == ["clip.wav"]
    assert (tmp_path / "clip.wav").read_text() == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 5}', '{"files": {"../x": "1"}}'])
def test_a_journal_that_is_none_is_removed(tmp_path, text):
    (tmp_path / ".pavas-clip").mkdir()
    (tmp_path / ".pavas-clip" / "journal.json").write_text(text)
    (tmp_path / ".pavas-clip.lock").write_text("")
    assert recover(tmp_path) == []
    assert names(tmp_path) == []


def test_a_long_name_has_short_hidden_files(tmp_path):
    with claimed(tmp_path, "視" * 80), claimed(tmp_path, "視" * 79 + "x"):
        assert all(len(os.fsencode(name)) < 200 for name in names(tmp_path))
        assert len(names(tmp_path)) == 4


# -- single files that are being written ---------------------------------------------------------


def abandoned(folder: Path, name: str = "out.txt") -> Path:
    code = f"""
import os
from pathlib import Path
from pavas_sdk.data.files import replacing
with replacing(Path({str(folder / name)!r})) as temporary:
    temporary.write_text("half")
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    (left,) = folder.glob(f".{name}*.part")
    return left


def test_what_a_dead_process_left_goes_with_the_next_write(tmp_path):
    from pavas_sdk.data.files import write_text

    left = abandoned(tmp_path)
    assert is_abandoned(left.name)
    mine = tmp_path / temporary_name("mine")
    mine.write_text("")
    assert is_abandoned(mine.name) is False
    foreign = tmp_path / ".out.txt.00000000-1-1.00000000.part"
    foreign.write_text("")
    assert is_abandoned(foreign.name) is None
    write_text(tmp_path / "other.txt", "whole")
    assert names(tmp_path) == sorted([mine.name, foreign.name, "other.txt"])


def test_a_number_that_was_given_to_another_process_is_no_sign_of_life(tmp_path):
    own = temporary_name("x")
    began = own.split(".")[-3].split("-")[2]
    assert is_abandoned(own.replace(f"-{began}.", f"-{int(began) + 1}.")) is (began != "0")


def test_what_nobody_can_be_asked_about_goes_when_it_is_old(tmp_path):
    old, new = tmp_path / ".a.12345678.part", tmp_path / ".b.12345678.part"
    for path in (old, new):
        path.mkdir()
    os.utime(old, (0, 0))
    assert clear_abandoned(tmp_path) == []
    assert clear_abandoned(tmp_path, unknown_older_than_s=86_400) == [old]


def test_a_name_of_many_bytes_leaves_room(tmp_path):
    assert len(os.fsencode(temporary_name("視" * 85))) < 200
