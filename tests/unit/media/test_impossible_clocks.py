"""Clocks that cannot be true are refused before any work; bytes that could not be read are said."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from small_media import write_small

from pavas_sdk.data import Audio, Video
from pavas_sdk.errors import InputError, MediaError, MediaNotFoundError
from pavas_sdk.media import as_source, mux, open_video

SILENCE = Audio(samples=np.zeros((1, 32000), np.float32), sample_rate_hz=16000)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two seconds of mpeg4, as AVI and as mp4."""
    folder = tmp_path_factory.mktemp("clocks")
    return {
        end: write_small(folder / f"whole.{end}", "mpeg4", "yuv420p", frames=50).read_bytes()
        for end in ("avi", "mp4")
    }


def damaged(content: bytes, mark: bytes, offset: int, layout: str, value: int) -> bytes:
    data = bytearray(content)
    struct.pack_into(layout, data, data.index(mark) + offset, value)
    return bytes(data)


@pytest.mark.parametrize("scale", [0xFFFFFFFF, 0x7FFFFFFF, 0xFFFF])
def test_an_avi_of_years(tmp_path, whole, scale):
    path = tmp_path / "years.avi"
    path.write_bytes(damaged(whole["avi"], b"strh", 28, "<I", scale))
    with pytest.raises(MediaError, match=r"cannot be true: .* for 50 frames\..*--fps 25"):
        open_video(path)
    with pytest.raises(MediaError, match="cannot be true"):
        mux(path, SILENCE, tmp_path / "out.mp4")
    with open_video(path, fps=25) as video:
        assert video.duration_s == pytest.approx(2.0)
        assert video.read().frames.shape[0] == 50
    mux(path, SILENCE, tmp_path / "out.mp4", fps=25)
    with open_video(tmp_path / "out.mp4") as video:
        assert (video.duration_s, video.frame_times_s.size) == (pytest.approx(2.0), 50)


@pytest.mark.parametrize(("mark", "value"), [(b"mdhd", 0), (b"mdhd", 1), (b"stts", 0x80000000)])
def test_an_mp4_whose_clock_hides_all_but_one_frame(tmp_path, whole, mark, value):
    path = tmp_path / "clock.mp4"
    path.write_bytes(damaged(whole["mp4"], mark, 16, ">I", value))
    with pytest.raises(MediaError, match=r"for 50 frames\..*--fps 25.*-ignore_editlist"):
        open_video(path)
    with open_video(path, fps=25) as video:
        assert (video.duration_s, video.frame_times_s.size) == (pytest.approx(2.0), 50)


@pytest.mark.parametrize("timescale", [10_000_000, 0x7FFFFFFF])
def test_fifty_frames_in_a_moment(tmp_path, whole, timescale):
    path = tmp_path / "moment.mp4"
    path.write_bytes(damaged(whole["mp4"], b"mdhd", 16, ">I", timescale))
    with pytest.raises(MediaError, match=r"frames in .* ms\. Say how many frames per second"):
        open_video(path)
    with open_video(path, fps=25) as video:
        assert video.duration_s > 1.0


@pytest.mark.parametrize(
    ("rate_hz", "said"),
    [(4, "only 4 frames per second: bounces"), (25, None), (1200, "1200 frames per second: is")],
)
def test_odd_rates_are_said(tmp_path, rate_hz, said):
    path = tmp_path / "odd.mp4"
    write_small(path, "mpeg4", "yuv420p", frames=200, rate_hz=rate_hz)
    with open_video(path) as video:
        assert video.duration_s == pytest.approx(200 / rate_hz, rel=0.2)
        assert [text for text in video.warnings if said and said in text] == (
            list(video.warnings) if said else []
        )
        assert bool(video.warnings) is bool(said)


def test_a_slide_show_is_said(tmp_path):
    path = tmp_path / "slides.gif"
    from fractions import Fraction

    write_small(path, "gif", "rgb8", frames=4, rate_hz=Fraction(1, 3))
    with open_video(path) as video:
        assert video.duration_s == pytest.approx(12.0)
        assert any("a frame lasts 3 s" in text for text in video.warnings)


@pytest.fixture(scope="module")
def fragmented(tmp_path_factory):
    path = tmp_path_factory.mktemp("fragments") / "whole.mp4"
    write_small(
        path,
        "libx264",
        "yuv420p",
        frames=50,
        options={"g": "10", "bf": "0"},
        container_options={"movflags": "frag_keyframe+empty_moov"},
    )
    with open_video(path) as video:
        assert video.warnings == ()
        assert video.frame_times_s.size == 50
    return path.read_bytes()


@pytest.mark.parametrize("value", [0, 7, 0xFFFFFFFF, None])
@pytest.mark.parametrize("which", [1, 3])
@pytest.mark.parametrize("kind", [b"moof", b"mdat"])
def test_fragments_that_were_not_read_are_said(tmp_path, fragmented, kind, which, value):
    places, at = [], 0
    while at + 8 <= len(fragmented):
        size = int.from_bytes(fragmented[at : at + 4], "big")
        if fragmented[at + 4 : at + 8] == kind:
            places.append((at, size))
        at += size
    at, size = places[which]
    data = bytearray(fragmented)
    struct.pack_into(">I", data, at, size + 1 if value is None else value)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    with open_video(path) as video:
        assert video.frame_times_s.size < 50
        (text,) = video.warnings
    assert "bytes behind the last frame" in text
    assert "could not be read" in text


def test_an_address_is_no_file(tmp_path):
    with pytest.raises(
        MediaNotFoundError, match=r"https://example\.org/a\.mp4 is an address.*curl"
    ):
        open_video("https://example.org/a.mp4")
    (tmp_path / "c:").mkdir()
    with pytest.raises(MediaNotFoundError, match="no such file"):
        open_video(tmp_path / "c:" / "a.mp4")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_cannot_be(name):
    with pytest.raises(MediaNotFoundError, match="no such file"):
        open_video(name)


@pytest.mark.parametrize("fps", [1e-9, 0.01, 1e6, float("nan"), float("inf")])
def test_a_rate_that_no_video_has_is_refused_wherever_it_is_given(tmp_path, whole, fps):
    """12 frames at 1e-9 per second would be 380 years of sound."""
    path = tmp_path / "whole.mp4"
    path.write_bytes(whole["mp4"])
    frames = np.zeros((12, 48, 64, 3), np.uint8)
    for video in (path, path.read_bytes(), frames):
        with pytest.raises(InputError, match="fps"):
            as_source(video, fps=fps)


def test_a_rate_that_leaves_no_time_for_a_sound_is_refused(tmp_path, whole):
    path = tmp_path / "whole.mp4"
    path.write_bytes(whole["mp4"])
    with pytest.raises(MediaError, match=r"50 frames at 99999 per second last 0\.5 ms.*--fps 25"):
        open_video(path, fps=99999)
    with open_video(path, fps=500) as video:
        assert video.duration_s == pytest.approx(0.1)


def test_frames_in_memory_whose_times_are_no_seconds_are_refused():
    frames = np.zeros((12, 48, 64, 3), np.uint8)
    with pytest.raises(
        MediaError, match=r"380 years for 12 frames\. times_s and end_s are seconds"
    ):
        as_source(Video(frames=frames, times_s=np.arange(12) * 1e9))
    still = Video(frames=frames[:1], times_s=np.zeros(1), end_s=30.0)
    assert as_source(still).duration_s == 30.0
