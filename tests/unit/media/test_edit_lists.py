"""Edit lists: a trimmed film stays trimmed in the copy; one that cannot be meant is ignored."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from small_media import write_small

from pavas_sdk.data import Audio
from pavas_sdk.errors import MediaError
from pavas_sdk.media import fitting_containers, mux, open_video

SILENCE = Audio(samples=np.zeros((1, 1600), np.float32), sample_rate_hz=16000)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two seconds of H.264 with B-frames; its edit list hides nothing."""
    path = tmp_path_factory.mktemp("edit-lists") / "whole.mp4"
    if write_small(path, "libx264", "yuv420p", frames=50, options={"g": "12"}) is None:
        pytest.skip("no encoder for H.264")
    return path.read_bytes()


def trimmed(content: bytes, start_s: float, end_s: float) -> bytes:
    """As a telephone trims: only the edit list says what is shown."""
    data = bytearray(content)
    clock = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    film = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)[0]
    at = data.index(b"elst") + 12
    first = struct.unpack_from(">i", data, at + 4)[0] + round(start_s * clock)
    struct.pack_into(">Ii", data, at, round((end_s - start_s) * film), first)
    return bytes(data)


@pytest.mark.parametrize("ending", ["mp4", "mov"])
@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 1.2), (0.6, 2.0), (0.6, 1.2)])
def test_what_is_trimmed_is_not_seen_again(tmp_path, whole, start_s, end_s, ending):
    path, out = tmp_path / "trimmed.mp4", tmp_path / f"out.{ending}"
    path.write_bytes(trimmed(whole, start_s, end_s))
    with open_video(path) as video:
        frames = video.read().frames
        assert video.warnings == ()
        assert video.duration_s == pytest.approx(end_s - start_s)
    report = mux(path, SILENCE, out)
    assert report.warnings == ()
    with open_video(out) as video:
        assert video.duration_s == pytest.approx(end_s - start_s)
        np.testing.assert_array_equal(video.read().frames, frames)


def test_a_trimmed_end_needs_no_edit_list_unless_pictures_behind_it_are_needed(tmp_path, whole):
    write_small(tmp_path / "plain.mp4", "libx264", "yuv420p", frames=50, options={"bf": "0"})
    path = tmp_path / "trimmed.mp4"
    path.write_bytes(trimmed((tmp_path / "plain.mp4").read_bytes(), 0.0, 1.2))
    assert ".mkv" in fitting_containers(path)
    mux(path, SILENCE, tmp_path / "out.mkv")
    with open_video(tmp_path / "out.mkv") as video:
        assert video.frame_times_s.size == 30
    path.write_bytes(trimmed(whole, 0.0, 1.2))
    assert fitting_containers(path) == [".mp4", ".mov"]
    with pytest.raises(MediaError, match="by an edit list"):
        mux(path, SILENCE, tmp_path / "again.mkv")


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_of_any_end_the_copy_is_exact(tmp_path, whole, ending):
    """Also where pictures before the end are coded from pictures behind it."""
    path, out = tmp_path / "trimmed.mp4", tmp_path / f"out.{ending}"
    for shown in range(38, 50):
        path.write_bytes(trimmed(whole, 0.0, shown / 25))
        mux(path, SILENCE, out, overwrite=True)
        with open_video(out) as video:
            assert video.frame_times_s.size == shown
            assert video.duration_s == pytest.approx(shown / 25)


@pytest.mark.parametrize("clock", [90_000, 1_000_000_000])
def test_a_list_that_hides_everything_is_ignored(tmp_path, whole, clock):
    """The list counts in the film's clock, which is wrong; that of the pictures is right."""
    data = bytearray(whole)
    struct.pack_into(">I", data, data.index(b"mvhd") + 16, clock)
    path = tmp_path / "clock.mp4"
    path.write_bytes(data)
    with open_video(path) as video:
        assert (video.duration_s, video.frame_times_s.size) == (pytest.approx(2.0), 50)
        (note,) = video.warnings
        assert "it was ignored" in note
    mux(path, SILENCE, tmp_path / "out.mp4")
    with open_video(tmp_path / "out.mp4") as video:
        assert (video.duration_s, video.frame_times_s.size) == (pytest.approx(2.0), 50)


@pytest.mark.parametrize("clock", [0, 1, 25])
def test_where_both_clocks_are_wrong_a_rate_is_asked_for(tmp_path, whole, clock):
    data = bytearray(whole)
    struct.pack_into(">I", data, data.index(b"mdhd") + 16, clock)
    path = tmp_path / "clock.mp4"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"for 50 frames\. Say how many.*--fps 25"):
        open_video(path)
    with open_video(path, fps=25) as video:
        assert (video.duration_s, video.frame_times_s.size) == (pytest.approx(2.0), 50)
        assert len(video.read().frames) == 50
    mux(path, SILENCE, tmp_path / "out.mp4", fps=25)
    with open_video(tmp_path / "out.mp4") as video:
        assert (video.duration_s, video.frame_times_s.size) == (pytest.approx(2.0), 50)
