from __future__ import annotations

import av
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.data.timing import hold_index
from pavas_sdk.media.frame_sampling import every_frame, frames_shown
from pavas_sdk.media.pixels import FrameConverter, Orientation

SIZE = 4


def stream_from(times: np.ndarray, start_s: float = 0.0):
    """What a decoder delivers: frame k is filled with k, beginning with the one at start_s."""
    first = int(hold_index(times, np.asarray([start_s]))[0])
    for index in range(first, times.size):
        pixels = np.full((SIZE, SIZE, 3), index, np.uint8)
        yield float(times[index]), av.VideoFrame.from_ndarray(pixels, format="rgb24")


def converter() -> FrameConverter:
    return FrameConverter(Orientation(), SIZE, SIZE)


def times_of(gaps_ms: list[int]) -> np.ndarray:
    return np.cumsum([0, *gaps_ms]) / 1000


gaps = st.lists(st.integers(1, 900), max_size=40).map(times_of)


@settings(deadline=None, max_examples=60)
@given(
    times=gaps,
    wanted=st.lists(st.integers(-500, 20_000), min_size=1, max_size=40, unique=True).map(
        lambda ms: np.sort(ms) / 1000
    ),
)
def test_each_time_gives_the_last_frame_at_or_before_it(times, wanted):
    start = max(0.0, float(wanted[0]))
    frames = frames_shown(stream_from(times, start), wanted, converter())
    np.testing.assert_array_equal(frames[:, 0, 0, 0], hold_index(times, wanted))


@settings(deadline=None, max_examples=60)
@given(times=gaps, start_ms=st.integers(0, 9000), length_ms=st.integers(1, 9000))
def test_every_frame_of_an_interval_once(times, start_ms, length_ms):
    start, end = start_ms / 1000, (start_ms + length_ms) / 1000
    frames, shown = every_frame(stream_from(times, start), start, end, converter(), expected=3)
    inside = np.flatnonzero((times >= start - 1e-9) & (times < end - 1e-9))
    if inside.size:
        np.testing.assert_array_equal(frames[:, 0, 0, 0], inside)
        np.testing.assert_allclose(shown, times[inside])
    else:
        np.testing.assert_array_equal(frames[:, 0, 0, 0], hold_index(times, [start]))
        np.testing.assert_allclose(shown, [start])


def test_only_as_much_is_decoded_as_needed():
    delivered = []

    def counting():
        for time_s, frame in stream_from(np.arange(100) / 10):
            delivered.append(time_s)
            yield time_s, frame

    frames_shown(counting(), np.array([0.0, 0.55]), converter())
    assert delivered[-1] <= 0.65
    delivered.clear()
    every_frame(counting(), 0.0, 0.5, converter(), expected=5)
    assert delivered[-1] <= 0.55


def test_nothing_decoded_gives_nothing():
    assert frames_shown(iter(()), np.array([0.0]), converter()) is None
    frames, times = every_frame(iter(()), 0.0, 1.0, converter(), expected=4)
    assert len(frames) == times.size == 0


def test_a_time_that_rounding_puts_just_before_a_frame_still_gives_it():
    times = np.arange(30) / 29.97
    frames = frames_shown(stream_from(times), times - 2e-7, converter())
    np.testing.assert_array_equal(frames[:, 0, 0, 0], np.arange(30))
