from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.data import FrameSource, Video
from pavas_sdk.errors import InputError, MediaError, MediaNotFoundError
from pavas_sdk.media import MemorySource, as_source, open_video, write_video

VFR = np.array([0.0, 0.04, 0.08, 0.2, 0.24, 0.5, 0.54])


def numbered(times: np.ndarray = VFR, **fields) -> Video:
    frames = np.zeros((times.size, 32, 48, 3), np.uint8)
    frames += np.arange(times.size, dtype=np.uint8)[:, None, None, None]
    return Video(frames=frames, times_s=times, **fields)


def shown(video: Video) -> list[int]:
    return video.frames[:, 0, 0, 0].tolist()


def test_is_a_frame_source():
    source = MemorySource(numbered(source="here", time_scale=4.0))
    assert isinstance(source, FrameSource)
    assert (source.height, source.width, source.source, source.time_scale) == (32, 48, "here", 4.0)
    assert source.duration_s == pytest.approx(0.58)
    assert source.frame_rate_hz == pytest.approx(25)
    assert source.read().time_scale == 4.0
    assert source.warnings == ()


def test_time_begins_with_the_first_frame():
    source = MemorySource(numbered(VFR + 7.0))
    np.testing.assert_allclose(source.read().times_s, VFR)
    assert shown(source.frames_at([0.21])) == [3]


def test_reading_windows():
    source = MemorySource(numbered())
    assert shown(source.read(0.0, 0.2)) == [0, 1, 2]
    assert shown(source.read(0.2)) == [3, 4, 5, 6]
    held = source.read(0.3, 0.4)  # nothing appears: what is shown
    assert shown(held) == [4]
    assert held.times_s == pytest.approx([0.3])
    assert shown(source.read(0.0, 0.5, fps=10)) == [0, 2, 3, 4, 4]
    assert shown(source.frames_at([-1.0, 0.0, 0.55, 9.0])) == [0, 0, 6, 6]


@settings(deadline=None, max_examples=25)
@given(
    gaps=st.lists(st.integers(5, 300), min_size=1, max_size=12),
    start=st.floats(0, 1),
    length=st.floats(0.01, 1),
    fps=st.sampled_from([None, 8.0, 25.0]),
)
def test_agrees_with_the_same_video_in_a_file(tmp_path_factory, gaps, start, length, fps):
    times = np.cumsum([0, *gaps]) / 1000
    blocks = np.random.default_rng(0).integers(30, 220, (times.size, 2, 3, 1), dtype=np.uint8)
    frames = np.kron(blocks, np.ones((1, 16, 16, 3), np.uint8))
    video = Video(frames=frames, times_s=times)
    path = tmp_path_factory.mktemp("v") / "v.mkv"
    file = open_video(write_video(path, video, crf=0, preset="ultrafast"))
    memory = MemorySource(video)
    assert file.duration_s == pytest.approx(memory.duration_s, abs=2e-3)
    if start >= min(file.duration_s, memory.duration_s) - 2e-3:
        return
    edges = np.abs(np.concatenate([times - start, times - start - length]))
    if edges.min() < 2e-3 and fps is None:
        return  # Matroska rounds times to milliseconds: on an edge either is right
    one, two = (
        file.read(start, start + length, fps=fps),
        memory.read(start, start + length, fps=fps),
    )
    if fps is not None and np.abs(times[:, None] - one.times_s[None]).min() < 2e-3:
        return
    np.testing.assert_allclose(one.times_s, two.times_s, atol=2e-3)
    assert np.abs(one.frames.astype(int) - two.frames).max() <= 3  # 8-bit YUV


def test_shrinking():
    small = MemorySource(numbered()).frames_at(np.arange(60) / 100, max_side=24)
    assert small.frames.shape == (60, 16, 24, 3)
    assert shown(small) == [0] * 4 + [1] * 4 + [2] * 12 + [3] * 4 + [4] * 26 + [5] * 4 + [6] * 6


def test_one_frame():
    source = MemorySource(numbered(np.zeros(1)))
    assert "only one frame" in source.warnings[0]
    assert shown(source.frames_at([0.0, 1.0])) == [0, 0]


def test_too_small():
    with pytest.raises(MediaError, match="the video is 3 x 3 pixels"):
        MemorySource(Video(frames=np.zeros((2, 3, 3, 3), np.uint8), times_s=[0.0, 0.1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_s": 0.6}, "nothing to read between 0.6 and None s"),
        ({"start_s": -1}, "start_s must be a finite number at least 0"),
        ({"end_s": 0.0}, "0 <= start_s < end_s"),
        ({"fps": -1.0}, "fps must be"),
        ({"max_side": 1.5}, "max_side must be a whole number"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        MemorySource(numbered()).read(**arguments)


def test_as_source(clips):
    path = clips.make("a.mp4", 3)
    for given_path in (path, str(path)):
        assert as_source(given_path).duration_s == pytest.approx(0.12)
    video = numbered()
    source = as_source(video)
    assert isinstance(source, MemorySource)
    assert as_source(source) is source
    with pytest.raises(MediaNotFoundError):
        as_source(Path("nothing_like_it.mp4"))
    with pytest.raises(InputError, match="cannot read frames from dict; expected a path"):
        as_source({"frames": video.frames})
