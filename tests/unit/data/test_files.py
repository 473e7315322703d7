"""Files appear whole or not at all."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from pavas_sdk.data.files import make_folder, replacing, write_text
from pavas_sdk.errors import MissingWeightsError, OutputError, OutputExistsError

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_the_file_appears_whole_at_the_end(tmp_path):
    target = tmp_path / "out.txt"
    with replacing(target) as temporary:
        temporary.write_text("half")
        assert temporary.parent == tmp_path
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_write_leaves_everything_as_it_was(tmp_path, error):
    target = tmp_path / "out.txt"
    target.write_text("before")

    def write_half() -> None:
        with replacing(target, overwrite=True) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert target.read_text() == "before"
    assert names(tmp_path) == ["out.txt"]


def test_our_own_error_in_the_body_stays_what_it_is(tmp_path):
    """A missing weight is an OSError, too; it is no trouble with the output."""
    with pytest.raises(MissingWeightsError, match=r"^no weights$"), replacing(tmp_path / "out.txt"):
        raise MissingWeightsError("no weights")
    assert names(tmp_path) == []


def test_an_existing_file_is_kept(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("before")
    with (
        pytest.raises(OutputExistsError, match=r"exists and is kept; pass overwrite=True"),
        replacing(target),
    ):
        pytest.fail("the body must not run")
    assert target.read_text() == "before"
    with replacing(target, overwrite=True) as temporary:
        temporary.write_text("after")
    assert target.read_text() == "after"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    target = tmp_path / "out.txt"

    def write_mine() -> None:
        with replacing(target) as temporary:
            temporary.write_text("mine")
            target.write_text("theirs")

    with pytest.raises(OutputExistsError):
        write_mine()
    assert target.read_text() == "theirs"
    assert names(tmp_path) == ["out.txt"]


def test_two_writers_do_not_share_a_temporary_file(tmp_path):
    with replacing(tmp_path / "a", overwrite=True) as one:
        one.write_text("1")
        with replacing(tmp_path / "a", overwrite=True) as two:
            two.write_text("2")
        assert (tmp_path / "a").read_text() == "2"
    assert (tmp_path / "a").read_text() == "1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/out.wav", "the folder .*none does not exist; create it first"),
        ("file/out.wav", "the folder .*file is a file, not a folder"),
        ("folder", "it is a folder; give a file name"),
    ],
)
def test_an_impossible_place(tmp_path, name, message):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=message), replacing(tmp_path / name):
        pytest.fail("the body must not run")


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    with replacing(tmp_path / "ours") as temporary:
        temporary.write_text("")
    (tmp_path / "plain").write_text("")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")}
    assert len(modes) == 1


def test_text_makes_its_folder_and_keeps_what_exists(tmp_path):
    path = tmp_path / "a" / "b" / "out.json"
    write_text(path, "Überschrift")
    assert path.read_text("utf-8") == "Überschrift"
    with pytest.raises(OutputExistsError):
        write_text(path, "other")
    write_text(path, "other", overwrite=True)
    assert path.read_text("utf-8") == "other"
    assert names(path.parent) == ["out.json"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot make the folder .*file/folder"):
        make_folder(tmp_path / "file" / "folder")


def test_errors_are_operating_system_errors_too():
    assert issubclass(OutputError, OSError)
    assert issubclass(OutputExistsError, FileExistsError)
