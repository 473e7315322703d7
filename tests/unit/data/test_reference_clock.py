import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data.timing import reference_clip, reference_frame_clock
from pavas_sdk.errors import InputError

TIMES = st.lists(st.floats(-1, 20, allow_nan=False), max_size=80).map(sorted)


def test_the_first_frame_at_or_after_each_tick():
    times = [0.0, 0.3, 0.5, 0.9, 1.4]
    # ticks 0, 0.5, 1.0
    assert reference_frame_clock(times, 2.0, 8.0).tolist() == [0, 2, 4]


def test_a_slow_source_repeats_frames():
    assert reference_frame_clock([0.0, 1.0], 4.0, 8.0).tolist() == [0, 1, 1, 1, 1]


def test_the_end_is_inclusive_and_negative_times_do_not_count():
    times = [-0.5, 0.0, 0.5, 1.0, 1.5]
    assert reference_frame_clock(times, 2.0, 1.0).tolist() == [1, 2, 3]


def test_the_rounding_of_a_twentyfifth_adds_up():
    times = np.arange(200) / 25
    index = reference_frame_clock(times, 25.0, 8.0)
    assert index.size == 199
    assert 6 not in index
    assert reference_frame_clock(times, 8.0, 8.0).size == 64


@given(times_s=TIMES, rate_hz=st.sampled_from([8.0, 25.0, 3.0]), end_s=st.floats(0.1, 20))
def test_shown_frames_exist_in_order_and_not_before_their_tick(times_s, rate_hz, end_s):
    index = reference_frame_clock(times_s, rate_hz, end_s)
    assert (np.diff(index) >= 0).all()
    shown = np.asarray(times_s)[index] if index.size else np.zeros(0)
    assert ((shown >= 0) & (shown <= end_s)).all()
    assert (shown >= np.arange(index.size) / rate_hz - 1e-9).all()


@given(times_s=TIMES, end_s=st.floats(0.1, 20))
def test_both_rates_fit_into_one_duration(times_s, end_s):
    clip = reference_clip(times_s, end_s)
    assert clip.duration_s <= end_s
    assert clip.clip_index.size == int(8.0 * clip.duration_s)
    assert clip.sync_index.size == int(25.0 * clip.duration_s)


def test_truncation_may_lose_one_frame_more():
    """25.0 * (29 / 25.0) is just below 29."""
    clip = reference_clip(np.arange(30) / 24, 29 / 25)
    assert clip.duration_s == 29 / 25
    assert clip.sync_index.size == 28


def test_rate_must_be_positive():
    with pytest.raises(InputError, match="rate_hz must be positive, got 0"):
        reference_frame_clock([0.0], 0.0, 1.0)
