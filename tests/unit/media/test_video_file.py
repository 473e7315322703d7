from __future__ import annotations

import json
import threading
from fractions import Fraction

import numpy as np
import pytest

from pavas_sdk.data import FrameSource
from pavas_sdk.errors import InputError
from pavas_sdk.media import open_video, read_video

VFR = [0.0, 0.04, 0.08, 0.2, 0.24, 0.5, 0.54, 0.58, 0.7, 0.74]


def patch_track_matrix(path, degrees: int) -> None:
    """Write a rotation into an mp4's track header, as a phone does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 32 + 4  # version 0: the matrix follows 36 bytes of fields
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]  # clockwise, as phones count
    values = [cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(v.to_bytes(4, "big", signed=True) for v in values)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx-vp9")],
)
def test_reading_everything(clips, numbers, name, codec):
    video = open_video(clips.make(name, 12, codec=codec))
    whole = video.read()
    assert isinstance(video, FrameSource)
    assert numbers(whole.frames) == list(range(12))
    np.testing.assert_allclose(whole.times_s, np.arange(12) / 25, atol=1e-6)
    assert video.duration_s == whole.end_s == pytest.approx(0.48)
    assert video.frame_rate_hz == pytest.approx(25)
    assert (video.height, video.width) == whole.frames.shape[1:3] == (64, 96)
    assert video.warnings == ()
    assert video.source == whole.source
    assert not video.has_audio


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_variable_frame_rate(clips, numbers, name, b_frames):
    video = open_video(clips.make(name, VFR, bf=b_frames))
    np.testing.assert_allclose(video.read().times_s, VFR, atol=2e-3)
    # every 50 ms: the frame last shown, never the nearest
    grid = video.read(fps=20)
    assert numbers(grid.frames) == [0, 1, 2, 2, 3, 4, 4, 4, 4, 4, 5, 6, 7, 7, 8, 9]
    assert numbers(video.frames_at([0.199, 0.201, 0.499, 0.6, 5.0]).frames) == [2, 3, 4, 7, 9]
    assert video.info()["variable_frame_rate"]


def test_hold_at_the_exact_time_of_a_frame(clips, numbers):
    video = open_video(clips.make("a.mp4", 30))
    assert numbers(video.frames_at(np.arange(30) / 25).frames) == list(range(30))
    assert numbers(video.frames_at(np.arange(30) / 25 + 0.0399).frames) == list(range(30))


def test_times_before_the_start_and_behind_the_end_are_held(clips, numbers):
    video = open_video(clips.make("a.mp4", 5))
    held = video.frames_at([-3.0, -1.0, 0.05, 0.19, 7.0])
    assert numbers(held.frames) == [0, 0, 1, 4, 4]
    np.testing.assert_allclose(held.times_s, [-3.0, -1.0, 0.05, 0.19, 7.0])


def test_a_stream_that_does_not_start_at_zero_is_shifted(clips, numbers):
    source = clips.make("a.mp4", np.arange(10) / 25 + 3.0, bf="2")
    transport = clips.remux(source, "a.ts")  # and MPEG-TS adds its own offset
    for path in (source, transport):
        video = open_video(path)
        np.testing.assert_allclose(video.read().times_s, np.arange(10) / 25, atol=2e-3)
        assert numbers(video.frames_at([0.0, 0.2]).frames) == [0, 5]


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("closed.mp4", "libx264", {"g": "6", "bf": "2"}),
        ("open.mp4", "libx264", {"g": "6", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}),
        ("open.mkv", "libx264", {"g": "6", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}),
        ("one.mp4", "libx264", {"g": "300"}),
        ("a.avi", "mpeg4", {"g": "5", "bf": "2"}),
        ("a.ts", "libx264", {"g": "6", "bf": "2"}),
        ("a.webm", "libvpx", {"g": "8", "auto-alt-ref": "1", "lag-in-frames": "12"}),
        ("intra.mkv", "mjpeg", {}),
    ],
)
def test_any_jump_gives_the_frames_of_a_straight_read(clips, numbers, name, codec, options):
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = clips.make(name, 40, codec=codec, pixel_format=pixel_format, **options)
    straight = open_video(path, cache_bytes=0).read()
    assert numbers(straight.frames) == list(range(40))
    video = open_video(path, cache_bytes=0)
    rng = np.random.default_rng(1)
    for _ in range(12):
        first = int(rng.integers(0, 39))
        last = int(rng.integers(first + 1, 41))
        part = video.read(straight.times_s[first], first / 25 + (last - first) / 25)
        np.testing.assert_array_equal(part.frames, straight.frames[first:last])
        at = np.sort(rng.uniform(0, 1.6, 3))
        expected = straight.at_times(at)
        np.testing.assert_array_equal(video.frames_at(at).frames, expected.frames)
    assert video.warnings == ()


def test_successive_windows_tile_the_video_and_decode_it_once(clips, numbers):
    video = open_video(clips.make("a.mp4", VFR, g="300"), cache_bytes=0)
    decoded = 0
    decode = video._cursor._decode

    def counting():
        nonlocal decoded
        for item in decode():
            decoded += 1
            yield item

    video.close()
    video._cursor._decode = counting
    windows = [video.read(k * 0.1, (k + 1) * 0.1) for k in range(8)]
    # a window in which no frame appears gives the one held, at its start
    assert [numbers(w.frames) for w in windows] == [
        [0, 1, 2],
        [2],
        [3, 4],
        [4],
        [4],
        [5, 6, 7],
        [7],
        [8, 9],
    ]
    assert windows[1].times_s == pytest.approx([0.1])
    assert windows[3].end_s == pytest.approx(0.4)
    assert decoded == len(VFR)


def test_neighbouring_windows_share_no_frame(clips, numbers):
    video = open_video(clips.make("a.mp4", 11))
    parts = [video.read(start, start + 0.2) for start in (0.0, 0.2, 0.4)]
    assert [numbers(p.frames) for p in parts] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10]]
    assert parts[-1].end_s == pytest.approx(video.duration_s)
    parts = [video.read(start, start + 0.2, fps=50, max_side=32) for start in (0.0, 0.2, 0.4)]
    assert [len(p) for p in parts] == [10, 10, 2]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied_to_the_pixels(clips, numbered_picture, degrees):
    path = clips.make("phone.mp4", 5, crf="1")
    plain = open_video(path).read()
    patch_track_matrix(path, degrees)
    video = open_video(path)
    turned = video.read()
    # a phone that was held turned clockwise stores pictures that must be turned clockwise
    np.testing.assert_array_equal(turned.frames, np.rot90(plain.frames, -degrees // 90, (1, 2)))
    assert video.rotation_deg == 360 - degrees
    assert (video.height, video.width) == turned.frames.shape[1:3]
    small = video.read(max_side=48)
    assert max(small.frames.shape[1:3]) == 48
    assert (small.height > small.width) == (degrees != 180)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("deep.mkv", "ffv1", "yuv420p10le"),
        ("gray.mkv", "ffv1", "gray"),
        ("rgb.mkv", "ffv1", "bgr0"),
        ("full.mkv", "mjpeg", "yuvj444p"),
        ("a.gif", "gif", "rgb8"),
        ("still.png", "png", "rgb24"),
    ],
)
def test_other_pixel_formats(clips, numbers, name, codec, pixel_format):
    count = 1 if name.endswith("png") else 6
    path = clips.make(name, count, codec=codec, pixel_format=pixel_format)
    frames = open_video(path).read().frames
    assert numbers(frames) == list(range(count))
    # the darkest and the brightest block keep their level (20 and 220)
    assert abs(int(frames.min()) - 20) < 40  # GIF has few colours
    if count > 1:
        assert abs(int(frames.max()) - 220) < 40


def test_pixels_that_are_not_square_are_stretched_and_noted(clips, numbers):
    video = open_video(clips.make("wide.mp4", 5, aspect=Fraction(4, 3)))
    assert (video.height, video.width) == (64, 128)
    assert numbers(video.read().frames) == list(range(5))
    assert "1.333 times as wide" in video.warnings[0]
    assert video.info()["pixel_aspect_ratio"] == pytest.approx(4 / 3)


@pytest.mark.parametrize("side", [8, 17, 48, 96, 1000])
def test_max_side(clips, numbers, side):
    video = open_video(clips.make("a.mp4", 6))
    small = video.read(max_side=side)
    assert max(small.frames.shape[1:3]) == min(side, 96)
    if side >= 17:
        assert numbers(small.frames) == list(range(6))
    again = read_video(video.source, max_side=side)
    np.testing.assert_array_equal(small.frames, again.frames)


def test_start_and_duration(clips, numbers):
    path = clips.make("a.mp4", 50, g="10")
    video = open_video(path, start_s=0.5, duration_s=0.8)  # between frames 12 and 13
    whole = video.read()
    assert numbers(whole.frames) == list(range(12, 33))
    np.testing.assert_allclose(whole.times_s[:3], [0.0, 0.02, 0.06], atol=1e-6)
    assert video.duration_s == whole.end_s == pytest.approx(0.8)
    np.testing.assert_allclose(video.frame_times_s, whole.times_s, atol=1e-9)
    assert numbers(video.frames_at([0.0, 0.3]).frames) == [12, 20]
    assert video.info()["start_s"] == video.start_s == 0.5


def test_more_than_there_is_gives_what_there_is(clips):
    path = clips.make("a.mp4", 10)
    video = open_video(path, start_s=0.2, duration_s=5.0)
    assert video.duration_s == pytest.approx(0.2)
    assert "the video ends at 0.400 s" in video.warnings[0]
    with pytest.raises(InputError, match=r"start_s is 0.4, but .* is 0.400 s long"):
        open_video(path, start_s=0.4)


def test_time_scale_leaves_times_alone(clips):
    video = open_video(clips.make("a.mp4", 10), time_scale=4.0)
    assert video.time_scale == video.read().time_scale == video.frames_at([0.1]).time_scale == 4.0
    assert video.duration_s == pytest.approx(0.4)


def test_frame_rate_override(clips, numbers):
    video = open_video(clips.make("a.mkv", VFR), fps=100)
    whole = video.read()
    np.testing.assert_allclose(whole.times_s, np.arange(10) / 100)
    assert numbers(whole.frames) == list(range(10))
    assert video.duration_s == pytest.approx(0.1)
    assert video.frame_rate_hz == pytest.approx(100)


def test_info_is_json(clips):
    info = open_video(clips.make("a.mp4", 10, sound_s=0.4)).info()
    assert json.loads(json.dumps(info)) == info
    assert info["codec"] == "h264"
    assert info["audio_codec"] == "aac"
    assert info["has_audio"]
    assert info["frames"] == 10
    assert info["declared_frames"] == 10
    assert not info["variable_frame_rate"]


def test_the_same_window_is_decoded_once(clips):
    video = open_video(clips.make("a.mp4", 20))
    first = video.read(0.0, 0.4, max_side=48)
    assert video.read(0.0, 0.4, max_side=48) is first
    within = video.frames_at([0.1, 0.2, 0.3], max_side=48)
    other = open_video(video.source, cache_bytes=0).frames_at([0.1, 0.2, 0.3], max_side=48)
    np.testing.assert_array_equal(within.frames, other.frames)
    assert not first.frames.flags.writeable
    assert video._cache.held_bytes <= 2 * first.frames.nbytes
    video.close()
    assert video._cache.held_bytes == 0
    np.testing.assert_array_equal(video.read(0.0, 0.4, max_side=48).frames, first.frames)


def test_the_cache_is_bounded(clips):
    one = 64 * 96 * 3
    video = open_video(clips.make("a.mp4", 20), cache_bytes=6 * one)
    for k in range(10):
        video.read(k * 0.08, (k + 1) * 0.08)
        assert video._cache.held_bytes <= 6 * one
    assert video.read().frames.nbytes > 6 * one
    assert video._cache.held_bytes <= 6 * one


def test_an_interrupted_read_does_not_shorten_the_video(clips, numbers):
    video = open_video(clips.make("a.mp4", 20), cache_bytes=0)
    decode = video._cursor._decode

    def interrupted():
        for time_s, frame in decode():
            if time_s > 0.3:
                raise KeyboardInterrupt
            yield time_s, frame

    video.close()
    video._cursor._decode = interrupted
    with pytest.raises(KeyboardInterrupt):
        video.read()
    video._cursor._decode = decode
    assert numbers(video.read(0.4, 0.8).frames) == list(range(10, 20))


def test_threads_share_a_file(clips, numbers):
    video = open_video(clips.make("a.mp4", 40, g="8"), cache_bytes=0)
    seen: dict[int, list[int]] = {}

    def read(k: int) -> None:
        seen[k] = numbers(video.frames_at([k * 0.2, k * 0.2 + 0.1]).frames)

    threads = [threading.Thread(target=read, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {k: [5 * k, 5 * k + 2] for k in range(8)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"time_scale": 0}, "time_scale must be finite and above 0"),
        ({"time_scale": 1e-300}, "from 0.001 to 1e"),
        ({"time_scale": float("nan")}, "time_scale"),
        ({"fps": -1}, "fps must be"),
        ({"start_s": -0.1}, "start_s must be a finite number at least 0"),
        ({"duration_s": 0}, "duration_s must be"),
    ],
)
def test_impossible_arguments_to_open(clips, arguments, message):
    path = clips.make("a.mp4", 3)
    with pytest.raises(InputError, match=message):
        open_video(path, **arguments)


def test_impossible_arguments_to_read(clips):
    video = open_video(clips.make("a.mp4", 5))
    with pytest.raises(InputError, match=r"between 3 and None s: the video has 0\.2"):
        video.read(3)
    with pytest.raises(InputError, match="0 <= start_s < end_s"):
        video.read(0.1, 0.1)
    with pytest.raises(InputError, match="fps"):
        video.read(fps=0)
    with pytest.raises(InputError, match="max_side must be a whole number"):
        video.read(max_side=0)
    with pytest.raises(InputError, match=r"entry 2 is 0\.1 after 0\.2"):
        video.frames_at([0.0, 0.2, 0.1])
    with pytest.raises(InputError, match="finite seconds"):
        video.frames_at([])
    with pytest.raises(InputError, match="finite seconds"):
        video.frames_at([float("nan")])
