"""Which container holds what is tried before any work; what a copy would lose is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from small_media import KINDS, write_kind, write_small

from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, MediaError
from pavas_sdk.media import choose_container, encode_with_sound, fitting_containers, mux, open_video

if TYPE_CHECKING:
    from pathlib import Path

SILENCE = Audio(samples=np.zeros((1, 9600), np.float32), sample_rate_hz=16000)
ENCODED = {"raw.avi", "huffyuv.avi", "gif.gif", "flv.flv", "wmv.asf", "y4m.y4m", "apng.apng"}


def small(folder: Path, name: str, **options: object) -> Path:
    path = write_kind(folder, name, **options)
    if path is None:
        pytest.skip(f"no encoder for {name}")
    return path


@pytest.mark.parametrize("name", KINDS)
def test_what_is_chosen_can_be_written_and_read(tmp_path, name):
    source = small(tmp_path, name)
    choice = choose_container(source)
    assert choice.encode is (name in ENCODED or name == "theora.ogv")
    out = tmp_path / f"out{choice.suffix}"
    if choice.encode:
        assert "encoded anew" in choice.note
        encode_with_sound(source, SILENCE, out)
    else:
        mux(source, SILENCE, out)
    with open_video(source) as before, open_video(out) as after:
        assert after.has_audio
        assert after.duration_s == pytest.approx(before.duration_s, abs=0.021)
        assert after.frame_times_s.size == before.frame_times_s.size
        assert after.check() == ()


def test_the_source_s_own_container_needs_no_word(tmp_path):
    assert choose_container(small(tmp_path, "h264.mkv")).suffix == ".mkv"
    assert choose_container(small(tmp_path, "h264.mkv")).note == ""
    avi = choose_container(small(tmp_path, "h264.avi"))
    assert (avi.suffix, avi.note) == (".mp4", "the h264 pictures go into a .mp4 file")


def test_a_wanted_container_is_obeyed_or_refused_with_what_to_type(tmp_path):
    source = small(tmp_path, "h264.mp4")
    assert choose_container(source, ".mkv").suffix == ".mkv"
    with pytest.raises(ConfigurationError, match=r"cannot hold h264 pictures.*--to mp4"):
        choose_container(source, ".webm")
    with pytest.raises(ConfigurationError, match=r"expected a name ending in"):
        choose_container(source, ".ogg")
    assert choose_container(small(tmp_path, "gif.gif"), ".mkv").encode


def test_a_copy_that_cannot_be_is_refused_with_names_that_can(tmp_path):
    with pytest.raises(MediaError, match=r"choose a name ending in \.mp4 or \.mkv or \.mov"):
        mux(small(tmp_path, "h264.mp4"), SILENCE, tmp_path / "out.webm")
    with pytest.raises(MediaError, match=r"encode_with_sound"):
        mux(small(tmp_path, "gif.gif"), SILENCE, tmp_path / "out.mkv")


@pytest.mark.parametrize(("source", "target"), [("hevc.mkv", "mp4"), ("hevc.ts", "mov")])
def test_hevc_is_written_as_players_want_it(tmp_path, source, target):
    out = tmp_path / f"out.{target}"
    mux(small(tmp_path, source), SILENCE, out)
    with av.open(str(out)) as file:
        assert file.streams.video[0].codec_tag == "hvc1"


def test_hvc1_stays(tmp_path):
    source = tmp_path / "phone.mov"
    options = {"x265-params": "log-level=none"}
    if write_small(source, "libx265", "yuv420p", options=options, codec_tag="hvc1") is None:
        pytest.skip("no libx265")
    mux(source, SILENCE, tmp_path / "out.mov")
    with av.open(str(tmp_path / "out.mov")) as file:
        assert file.streams.video[0].codec_tag == "hvc1"


def test_prores_keeps_its_kind(tmp_path):
    source = small(tmp_path, "prores.mov")
    mux(source, SILENCE, tmp_path / "out.mov")
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mov")) as after:
        tags = [file.streams.video[0].codec_tag for file in (before, after)]
    assert tags == ["ap4h", "ap4h"]


@pytest.mark.parametrize("target", ["out.webm", "out.mkv"])
def test_alpha_of_vp9_stays(tmp_path, target):
    source = small(tmp_path, "vp9.webm")
    mux(source, SILENCE, tmp_path / target)
    mux(tmp_path / target, SILENCE, tmp_path / "again.webm")
    for name in ("vp9.webm", target, "again.webm"):
        content = (tmp_path / name).read_bytes()
        assert content.count(b"\x53\xc0\x81\x01") == 1, name  # AlphaMode, 1 byte, 1
        assert content.count(b"\x75\xa1") == 15, name  # one block of alpha per picture


def test_what_an_edit_list_hides_is_not_shown_again(tmp_path):
    """A file cut without encoding again: 5 of 15 frames are a lead-in that is never shown."""
    whole = small(tmp_path, "h264.mp4", options={"bf": "0"})
    trimmed = tmp_path / "trimmed.mp4"
    with av.open(str(whole)) as file, av.open(str(trimmed), "w") as output:
        stream = file.streams.video[0]
        copied = output.add_stream_from_template(stream)
        shift = round(0.2 / stream.time_base)
        for packet in file.demux(stream):
            if packet.size:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = copied
                output.mux(packet)
    with open_video(trimmed) as video:
        assert video.frame_times_s.size == 10
    with pytest.raises(MediaError, match=r"hides 5 frames by an edit list.*\.mp4 or \.mov"):
        mux(trimmed, SILENCE, tmp_path / "out.mkv")
    assert ".mkv" not in fitting_containers(trimmed)
    mux(trimmed, SILENCE, tmp_path / "out.mp4")
    with open_video(tmp_path / "out.mp4") as video:
        assert video.duration_s == pytest.approx(0.4)
