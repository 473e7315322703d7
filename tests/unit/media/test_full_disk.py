"""A full disk and forbidden folders: nothing half-written is left behind."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk.data import Audio, Video
from pavas_sdk.errors import OutputError
from pavas_sdk.media import mux, read_audio, write_audio, write_video

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
