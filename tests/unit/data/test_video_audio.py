"""Video and Audio."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import times

from pavas_sdk.data import Audio, Video
from pavas_sdk.errors import InputError


def video(moments, **changes) -> Video:
    moments = np.asarray(moments, dtype=np.float64)
    frames = np.zeros((moments.size, 2, 3, 3), dtype=np.uint8)
    frames[:] = np.arange(moments.size)[:, None, None, None]
    return Video(**{"frames": frames, "times_s": moments, **changes})


@given(times(min_size=1))
def test_by_default_the_last_frame_lasts_a_median_interval(moments):
    one = video(moments)
    step = np.median(np.diff(moments)) if moments.size > 1 else 0.04
    assert one.end_s == pytest.approx(moments[-1] + step)
    assert one.duration_s == pytest.approx(one.end_s - moments[0])
    assert (len(one), one.height, one.width) == (moments.size, 2, 3)


@given(times(min_size=1), st.floats(0.5, 60))
def test_at_fps_is_what_a_display_shows(moments, fps):
    shown = video(moments).at_fps(fps)
    assert shown.times_s[0] == moments[0]
    for time, frame in zip(shown.times_s, shown.frames[:, 0, 0, 0], strict=True):
        before = np.flatnonzero(moments <= time + 1e-6)
        assert frame == (before[-1] if before.size else 0) % 256
    assert shown.end_s > shown.times_s[-1]


def test_clip_keeps_times_and_slow_motion():
    part = video(np.arange(10) / 10, time_scale=4.0).clip(0.2, 0.5)
    np.testing.assert_allclose(part.times_s, [0.2, 0.3, 0.4])
    assert (part.end_s, part.time_scale) == (0.5, 4.0)
    with pytest.raises(InputError, match=r"no frame between 5 and 6 s; the video spans 0\.000"):
        video([0.0, 1.0]).clip(5, 6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames": np.zeros((2, 4, 4, 3))}, "uint8"),
        ({"frames": np.zeros((2, 4, 4), dtype=np.uint8)}, "shape"),
        ({"frames": np.zeros((2, 4, 4, 4), dtype=np.uint8)}, "shape"),
        ({"times_s": [0.0, 0.0]}, "increase strictly; entry 1 is 0.0 after 0.0"),
        ({"times_s": [1.0, 0.0]}, "increase strictly"),
        ({"times_s": [0.0, np.nan]}, "finite"),
        ({"times_s": [0.0]}, "shape"),
        ({"end_s": 1.0}, "after the last frame"),
        ({"end_s": float("inf")}, "finite"),
        ({"end_s": float("nan")}, "finite"),
        ({"time_scale": 0.0}, "time_scale"),
        ({"time_scale": "fast"}, "time_scale must be a number"),
    ],
)
def test_impossible_videos_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        video([0.0, 1.0], **changes)


def test_a_video_needs_a_frame():
    with pytest.raises(InputError, match="at least one frame"):
        Video(frames=np.zeros((0, 4, 4, 3), dtype=np.uint8), times_s=[])


def test_frames_cannot_be_written():
    one = video([0.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        one.frames[0] = 1


@given(st.floats(-60, 60), st.floats(-60, 60))
def test_gains_add_up_and_are_recorded(first, second):
    audio = Audio(samples=np.array([0.5, -0.25]), sample_rate_hz=8000)
    louder = audio.with_gain(first).with_gain(second)
    assert louder.gain_db == pytest.approx(first + second)
    assert louder.peak_dbfs == pytest.approx(audio.peak_dbfs + first + second, abs=1e-3)


@given(st.integers(0, 20), st.integers(0, 20))
def test_fitted_cuts_or_appends_silence(have, wanted):
    audio = Audio(samples=np.ones((2, have)), sample_rate_hz=10)
    fitted = audio.fitted(wanted)
    assert fitted.samples.shape == (2, wanted)
    assert fitted.samples.sum() == 2 * min(have, wanted)


def test_mono_and_silence():
    audio = Audio(samples=[[1.0, 0.0], [0.0, 0.0]], sample_rate_hz=2)
    np.testing.assert_array_equal(audio.mono, np.float32([0.5, 0.0]))
    assert (audio.channels, audio.duration_s) == (2, 1.0)
    assert Audio(samples=np.zeros(4), sample_rate_hz=4).peak_dbfs == float("-inf")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"samples": [[[1.0]]], "sample_rate_hz": 8}, "shape"),
        ({"samples": np.zeros((0, 5)), "sample_rate_hz": 8}, "channel"),
        ({"samples": [np.nan, 0.0], "sample_rate_hz": 8}, "1 samples are NaN"),
        ({"samples": ["a"], "sample_rate_hz": 8}, "array of float32"),
        ({"samples": [0.0], "sample_rate_hz": 0}, "sample_rate_hz"),
        ({"samples": [0.0], "sample_rate_hz": None}, "must be a number"),
    ],
)
def test_impossible_audio_is_refused(fields, words):
    with pytest.raises(InputError, match=words):
        Audio(**fields)
