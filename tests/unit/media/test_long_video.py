"""A long video costs no more memory than a short one, and time in proportion."""

from __future__ import annotations

import subprocess
import sys

import av
import numpy as np
import pytest

from pavas_sdk.media import open_video

READ_ALL = """
import resource, sys, time
from pavas_sdk.media import open_video
before = time.process_time()
video = open_video(sys.argv[1])
seen = sum(
    len(video.read(start, start + 8, max_side=96)) for start in range(0, int(video.duration_s), 8)
)
seconds = time.process_time() - before
print(seen, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, seconds)
"""


def looped(clips, seconds: int):
    """Repeat a four-second clip by copying its packets."""
    source = clips.make("unit.mp4", 100, noise=35, size=(90, 160), g="25", bf="2")
    path = clips.folder / f"{seconds}.mp4"
    with av.open(str(source)) as given:
        stream = given.streams.video[0]
        packets = [
            (bytes(p), p.pts, p.dts, p.duration, p.is_keyframe)
            for p in given.demux(stream)
            if p.size
        ]
        length = round(4 / stream.time_base)
        with av.open(str(path), "w") as output:
            copied = output.add_stream_from_template(stream)
            for loop in range(seconds // 4):
                for data, pts, dts, duration, keyframe in packets:
                    packet = av.Packet(data)
                    packet.stream, packet.time_base = copied, stream.time_base
                    packet.pts, packet.dts = pts + loop * length, dts + loop * length
                    packet.duration, packet.is_keyframe = duration, keyframe
                    output.mux(packet)
    return path


def test_windows_of_a_long_video_decode_each_frame_once(clips):
    video = open_video(looped(clips, 60), cache_bytes=2**20)
    decoded = 0
    decode = video._cursor._decode

    def counting():
        nonlocal decoded
        for item in decode():
            decoded += 1
            yield item

    video.close()
    video._cursor._decode = counting
    seen = 0
    for start in range(0, 60, 8):
        seen += len(video.read(start, start + 8, max_side=32))
        assert video._cache.held_bytes <= 2**20
    assert seen == 1500
    assert decoded == 1500
    assert video.duration_s == pytest.approx(60)


def test_a_jump_into_a_long_video_decodes_only_what_is_near(clips):
    video = open_video(looped(clips, 60), cache_bytes=0)
    reference = video.read(0.0, 4.0)
    decoded = 0
    decode = video._cursor._decode

    def counting():
        nonlocal decoded
        for item in decode():
            decoded += 1
            yield item

    video.close()
    video._cursor._decode = counting
    window = video.read(49.0, 50.0)
    np.testing.assert_array_equal(window.frames, reference.frames[25:50])
    assert decoded < 80  # the window, and at most one group of pictures before it


@pytest.mark.slow
def test_ten_minutes_need_the_memory_of_thirty_seconds(clips):
    figures = {}
    for seconds in (32, 600):
        done = subprocess.run(
            [sys.executable, "-c", READ_ALL, str(looped(clips, seconds))],
            capture_output=True,
            text=True,
            check=True,
        )
        seen, memory_mb, cpu_s = (float(word) for word in done.stdout.split())
        assert seen == seconds * 25
        figures[seconds] = (memory_mb, cpu_s)
    assert figures[600][0] < 1.3 * figures[32][0]
    assert figures[600][1] / 600 < 1.5 * figures[32][1] / 32 + 0.01
