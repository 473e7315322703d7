from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk.data import Audio, Video
from pavas_sdk.errors import OutputError, OutputExistsError
from pavas_sdk.media import mux, read_audio, write_audio, write_video
from pavas_sdk.media.atomic import replacing

resource = pytest.importorskip("resource")  # stands in for a full disk; not on Windows

SOUND = Audio(samples=np.random.default_rng(0).uniform(-0.5, 0.5, 32_000), sample_rate_hz=16_000)


@contextmanager
def room_for(size: int):
    """Let no file grow beyond ``size`` bytes: writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def noise_video() -> Video:
    frames = np.random.default_rng(0).integers(0, 256, (20, 96, 128, 3), dtype=np.uint8)
    return Video(frames=frames, times_s=np.arange(20) / 25)


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission to write into"):
        write_audio(tmp_path / "out.wav", SOUND)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder nobody can write into")
def test_a_folder_that_takes_no_files():
    with pytest.raises(OutputError, match=r"cannot write /proc/out\.wav"):
        write_audio("/proc/out.wav", SOUND)


@pytest.mark.parametrize("name", ["out.wav", "out.flac"])
@pytest.mark.parametrize("size", [0, 3_000, 30_000])
def test_a_full_disk_while_writing_sound(tmp_path, name, size):
    with (
        room_for(size),
        pytest.raises(OutputError, match=r"nothing was left behind; free some space"),
    ):
        write_audio(tmp_path / name, SOUND)
    assert names(tmp_path) == []
    write_audio(tmp_path / name, SOUND)
    assert read_audio(tmp_path / name).samples.shape == (1, 32_000)


def test_a_full_disk_while_writing_pictures(tmp_path):
    with room_for(20_000), pytest.raises(OutputError, match=r"^cannot write .*space") as caught:
        write_video(tmp_path / "out.mp4", noise_video())
    assert caught.value.errno == errno.EFBIG
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_full_disk_while_muxing_keeps_the_old_file(tmp_path, name):
    source = write_video(tmp_path / "in.mp4", noise_video())
    old = tmp_path / name
    old.write_bytes(b"precious")
    with room_for(20_000), pytest.raises(OutputError, match="free some space"):
        mux(source, SOUND, old, overwrite=True)
    assert old.read_bytes() == b"precious"
    assert len(names(tmp_path)) == 2


def test_errors_are_operating_system_errors_too():
    assert issubclass(OutputError, OSError)
    assert issubclass(OutputExistsError, FileExistsError)
