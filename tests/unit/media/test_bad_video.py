"""What is wrong with a file is said, in the right words, and what can be read is read."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import av
import numpy as np
import pytest

from pavas_sdk.errors import DamagedMediaError, InputError, MediaError, MediaNotFoundError
from pavas_sdk.media import mux, open_video, read_audio, read_video


def overwrite_bytes(path, start: float, count: int) -> None:
    data = bytearray(path.read_bytes())
    at = int(len(data) * start)
    data[at : at + count] = random.Random(0).randbytes(count)
    path.write_bytes(data)


# nothing usable: a typed error


def test_no_such_file(clips):
    clips.make("bouncing_ball.mp4", 3)
    with pytest.raises(MediaNotFoundError, match=r"no such file: .*did you mean .*bouncing_ball"):
        open_video(clips.folder / "bouncing_bal.mp4")
    with pytest.raises(FileNotFoundError):
        read_video(clips.folder / "nothing" / "like_it.mp4")


def test_a_folder(clips):
    with pytest.raises(MediaError, match="is a folder; give one file"):
        open_video(clips.folder)


def test_an_empty_file(clips):
    path = clips.folder / "empty.mp4"
    path.touch()
    with pytest.raises(MediaError, match="is empty"):
        open_video(path)


@pytest.mark.parametrize("name", ["notes.mp4", "notes.mkv", "notes.txt", "notes.nfo", "notes"])
def test_text(clips, name):
    path = clips.folder / name
    path.write_text("Dear diary, today the ball bounced.\n" * 200)
    with pytest.raises(MediaError, match="not a video"):
        open_video(path)


def test_random_bytes(clips):
    path = clips.folder / "random.mp4"
    path.write_bytes(random.Random(1).randbytes(20_000))
    with pytest.raises(MediaError):
        open_video(path)


def test_a_playlist_does_not_reach_other_files(clips):
    path = clips.folder / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises(MediaError):
        open_video(path)


@pytest.mark.parametrize("name", ["tone.wav", "tone.flac"])
def test_audio_only(clips, name):
    with pytest.raises(MediaError, match="holds sound only, no pictures"):
        open_video(clips.sound(name))


def test_audio_with_cover_art(clips):
    cover = clips.make("cover.png", 1, codec="png", pixel_format="rgb24")
    image = cover.read_bytes()
    picture = b"".join(
        (
            (3).to_bytes(4, "big"),  # front cover
            *(len(text).to_bytes(4, "big") + text for text in (b"image/png", b"")),
            *(n.to_bytes(4, "big") for n in (96, 64, 24, 0, len(image))),
            image,
        )
    )
    path = clips.sound("tone.flac")
    data = path.read_bytes()
    after_stream_info = 4 + 4 + 34
    block = b"\x06" + len(picture).to_bytes(3, "big") + picture
    path.write_bytes(data[:after_stream_info] + block + data[after_stream_info:])
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(MediaError, match="holds sound only"):
        open_video(path)


def test_zero_frames(clips):
    path = clips.folder / "none.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        output.start_encoding()
    with pytest.raises(MediaError, match=r"0 frames|not a video|none of"):
        open_video(path)


def test_three_by_three_pixels(clips):
    path = clips.make("dot.mkv", 5, codec="ffv1", size=(3, 3), pixel_format="yuv444p")
    with pytest.raises(MediaError, match="3 x 3 pixels; at least 16 x 16"):
        open_video(path)


def test_an_index_that_was_never_written(clips):
    whole = clips.make("a.mp4", 20)
    with pytest.raises(DamagedMediaError, match="begins like a video but cannot be opened"):
        open_video(clips.cut(whole, 0.5))


def test_nothing_that_can_be_decoded(clips):
    path = clips.make("a.mp4", 10)
    data = path.read_bytes()
    at = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    path.write_bytes(data[:at] + bytes(end - at) + data[end:])
    with pytest.raises(DamagedMediaError, match="none of its 10 frames can be decoded"):
        open_video(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(clips):
    path = clips.make("a.mp4", 3)
    path.chmod(0)
    with pytest.raises(MediaError, match="check its permissions"):
        open_video(path)


# damaged: what can be read is used, and the rest is named


@pytest.mark.parametrize("name", ["whole.mp4", "whole.mkv"])
def test_truncated(clips, numbers, caplog, name):
    source = clips.make("a.mp4", 50, noise=35, g="10")
    whole = clips.remux(source, name, **({"movflags": "faststart"} if name.endswith("4") else {}))
    video = open_video(clips.cut(whole, 0.6))
    part = video.read()
    assert 20 < len(part) < 40
    np.testing.assert_allclose(part.times_s, np.array(numbers(part.frames)) / 25, atol=2e-3)
    missing = 2.0 - video.duration_s
    assert f"{missing:.3f} s are missing" in video.warnings[0]
    assert "2.000 s" in video.warnings[0]
    assert any("are missing" in record.message for record in caplog.records)


@pytest.mark.parametrize("fraction", [0.5, 0.7, 0.95])
def test_truncated_in_the_middle_of_a_single_group(clips, numbers, fraction):
    source = clips.make("a.mp4", 50, noise=35, g="300", bf="3")
    video = open_video(clips.cut(clips.remux(source, "b.mp4", movflags="faststart"), fraction))
    part = video.read()
    shown = numbers(part.frames)
    np.testing.assert_allclose(part.times_s, np.array(shown) / 25, atol=2e-3)
    assert len(shown) > 15
    # behind the end the last one is held
    assert numbers(video.frames_at([1.99]).frames) == shown[-1:]


@pytest.mark.parametrize("name", ["hole.mp4", "hole.mkv"])
def test_damaged_in_the_middle(clips, name):
    path = clips.make(name, 30, noise=35, g="10")
    clean = read_video(path)
    overwrite_bytes(path, 0.5, 1500)
    video = open_video(path)
    before = video.warnings  # what the decoder finds shows only when that part is decoded
    assert not any("damaged frame" in text for text in before)
    damaged = video.read()
    assert len(damaged) >= 25
    assert any("damaged frame" in text for text in video.warnings)
    if len(damaged) < 30:  # packets whose headers were hit are gone, or cannot be decoded
        lost = ("frames missing", "frame missing", "could not be decoded")
        assert any(word in text for text in video.warnings for word in lost)
    # frames before the hole are as they were
    np.testing.assert_array_equal(damaged.frames[:10], clean.frames[:10])
    again = open_video(path)
    assert again.check() == video.warnings
    assert again.check() == video.warnings  # reading twice counts once


def test_a_window_beside_the_damage_is_clean(clips):
    path = clips.make("hole.mp4", 40, noise=35, g="10", bf="0")
    clean = read_video(path, 1.2, 1.6)
    overwrite_bytes(path, 0.3, 1500)
    video = open_video(path)
    np.testing.assert_array_equal(video.read(1.2, 1.6).frames, clean.frames)
    assert video.warnings == ()


# odd timestamps


def test_a_clock_that_runs_backwards(clips, numbers):
    part = clips.remux(clips.make("a.mp4", 20, g="5"), "part.ts")
    path = clips.folder / "twice.ts"
    path.write_bytes(part.read_bytes() * 2)
    video = open_video(path)
    whole = video.read()
    assert numbers(whole.frames) == list(range(20)) * 2
    np.testing.assert_allclose(whole.times_s, np.arange(40) / 25, atol=1e-3)
    assert any("run backwards" in text for text in video.warnings)
    assert numbers(video.frames_at([0.2, 1.0]).frames) == [5, 5]
    assert numbers(video.frames_at([0.1]).frames) == [2]


def test_decoded_frames_that_do_not_follow_their_timestamps(clips, numbers):
    # AVI stores no presentation times; what FFmpeg guesses for H.264 with B-frames is wrong
    video = open_video(clips.make("a.avi", 30, bf="2"))
    whole = video.read()
    assert numbers(whole.frames) == list(range(30))
    np.testing.assert_allclose(whole.times_s, np.arange(30) / 25, atol=1e-6)
    assert numbers(video.frames_at([0.3, 0.5]).frames) == [7, 12]


def test_timestamps_that_jump(clips, numbers):
    times = np.concatenate([np.arange(10) / 25, np.arange(10) / 25 + 2.0])
    video = open_video(clips.make("a.mkv", times, bf="0"))
    assert "longest 1.640 s at 0.360 s" in video.warnings[0]
    assert numbers(video.frames_at([0.37, 1.9, 2.0]).frames) == [9, 9, 10]
    assert video.duration_s == pytest.approx(2.4)


def test_timestamps_that_jump_absurdly(clips, numbers):
    times = np.concatenate([np.arange(10) / 25, np.arange(10) / 25 + 3600.0])
    video = open_video(clips.make("a.mkv", times, bf="0"))
    assert video.duration_s == pytest.approx(0.8, abs=0.01)
    assert "jump by 3599.6 s" in video.warnings[0]
    assert numbers(video.read().frames) == list(range(20))
    assert numbers(video.frames_at([0.5]).frames) == [12]


# unusual, but fine


def test_one_frame(clips, numbers):
    video = open_video(clips.make("still.mp4", 1))
    assert video.duration_s == pytest.approx(0.04)
    assert "only one frame" in video.warnings[0]
    assert numbers(video.read().frames) == [0]
    assert numbers(video.frames_at([0.0, 1.0, 2.0]).frames) == [0, 0, 0]


def test_a_fifth_of_a_second(clips, numbers):
    video = open_video(clips.make("short.mp4", 5))
    assert video.duration_s == pytest.approx(0.2)
    assert numbers(video.read(fps=8).frames) == [0, 3]
    assert video.warnings == ()


EIGHT_K = """
import resource, sys
from pavas_sdk.media import open_video
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
video = open_video(sys.argv[1])
shape = video.read(max_side=160).frames.shape
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((video.height, video.width), shape, (after - before) // 1024)
"""


@pytest.mark.parametrize(
    "codec",
    ["mpeg4", pytest.param("libx264", marks=pytest.mark.slow)],
)
def test_eight_k_needs_bounded_memory(clips, codec):
    path = clips.folder / "large.mkv"
    options = {"preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 7680, 4320, "yuv420p"
        for level in (40, 120, 200):
            frame = av.VideoFrame(7680, 4320, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([level]) * plane.buffer_size)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    done = subprocess.run(
        [sys.executable, "-c", EIGHT_K, str(path)], capture_output=True, text=True, check=True
    )
    sizes, _, grown_mb = done.stdout.rpartition(" ")
    assert sizes == "(4320, 7680) (3, 90, 160, 3)"
    assert int(grown_mb) < 700  # one such frame as RGB has 95 MB


def test_a_size_that_changes_on_the_way(clips, numbers):
    parts = [
        clips.remux(clips.make("a.mp4", 10), "a.ts"),
        clips.remux(clips.make("b.mp4", 10, size=(128, 192)), "b.ts"),
    ]
    path = clips.folder / "both.ts"
    path.write_bytes(b"".join(p.read_bytes() for p in parts))
    video = open_video(path)
    assert video.read().frames.shape == (20, 64, 96, 3)
    assert any("size of the pictures changes" in text for text in video.warnings)


# the same errors from the other readers


def test_sound_of_a_silent_video(clips):
    with pytest.raises(MediaError, match="no sound track"):
        read_audio(clips.make("a.mp4", 3))


def test_sound_of_no_file(clips):
    with pytest.raises(MediaNotFoundError):
        read_audio(clips.folder / "none.wav")


def test_muxing_under_no_video(clips):
    sound = read_audio(clips.sound("tone.wav"))
    with pytest.raises(MediaError, match="holds sound only"):
        mux(clips.folder / "tone.wav", sound, clips.folder / "out.mp4")
    with pytest.raises(MediaNotFoundError):
        mux(clips.folder / "none.mp4", sound, clips.folder / "out.mp4")
    assert sorted(p.name for p in clips.folder.iterdir()) == ["tone.wav"]


def test_all_are_input_errors():
    assert issubclass(MediaNotFoundError, InputError)
    assert issubclass(DamagedMediaError, InputError)


def test_folders_and_pipes_are_named_as_such(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.mp4")
    for path, what in ((tmp_path, "is a folder"), (tmp_path / "pipe.mp4", "not a regular file")):
        with pytest.raises(MediaError, match=what) as caught:
            open_video(path)
        assert "no such file" not in str(caught.value)
