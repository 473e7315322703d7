"""Windows cover a clip, overlap as asked, and lie on a grid where one is given."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data.frames import Window, plan_windows
from pavas_sdk.errors import ConfigurationError, InputError


@given(
    duration=st.floats(0.05, 700.0),
    window=st.floats(2.0, 30.0),
    overlap=st.floats(0.1, 0.9),
)
def test_windows_cover_everything(duration, window, overlap):
    windows = plan_windows(duration, window_s=window, overlap_s=overlap)
    assert windows[0].start_s == 0.0
    assert windows[-1].end_s == duration
    for earlier, later in pairwise(windows):
        assert earlier.end_s - later.start_s >= overlap - 1e-9
        assert later.end_s > earlier.end_s
    assert max(entry.duration_s for entry in windows) <= 1.51 * window + 1e-9


def test_equal_steps_and_a_shorter_last_window():
    windows = plan_windows(25.0, window_s=8.0, overlap_s=1.0)
    assert [(w.start_s, w.end_s) for w in windows] == [(0, 8), (7, 15), (14, 22), (21, 25)]


def test_a_crumb_joins_its_neighbour():
    windows = plan_windows(22.5, window_s=8.0, overlap_s=1.0)
    assert [(w.start_s, w.end_s) for w in windows] == [(0, 8), (7, 15), (14, 22.5)]


@pytest.mark.parametrize(("stretch", "count"), [(1.5, 1), (1.0, 2)])
def test_how_far_one_window_stretches(stretch, count):
    assert len(plan_windows(12.0, window_s=8.0, overlap_s=1.0, stretch=stretch)) == count


@given(
    ticks=st.integers(9, 5000),
    window=st.integers(2, 8),
    rate_hz=st.sampled_from([1.0, 31.25, 44100 / 1024]),
)
def test_windows_on_a_grid_are_equal_and_begin_at_ticks(ticks, window, rate_hz):
    windows = plan_windows(
        ticks / rate_hz,
        window_s=window / rate_hz,
        overlap_s=1 / rate_hz,
        stretch=1.0,
        grid_hz=rate_hz,
    )
    assert windows[0].start_s == 0.0
    assert windows[-1].end_s == pytest.approx(ticks / rate_hz)
    for entry in windows:
        assert entry.duration_s == pytest.approx(window / rate_hz)
        assert entry.start_s * rate_hz == pytest.approx(round(entry.start_s * rate_hz))
    for earlier, later in pairwise(windows):
        assert later.start_s <= earlier.end_s + 1e-9


def test_evenly_spread_on_a_grid():
    windows = plan_windows(11.0, window_s=5.0, overlap_s=1.0, stretch=1.0, grid_hz=1.0)
    assert [(w.start_s, w.end_s) for w in windows] == [(0, 5), (3, 8), (6, 11)]


@pytest.mark.parametrize("overlap_s", [8.0, 9.0, -0.1])
def test_an_overlap_that_is_no_smaller_than_the_window_is_refused(overlap_s):
    with pytest.raises(ConfigurationError, match="choose overlap_s below window_s"):
        plan_windows(60.0, window_s=8.0, overlap_s=overlap_s)


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(1.0, 1.0), (2.0, 1.0), (0.0, float("inf")), (float("nan"), 1.0)]
)
def test_a_window_has_a_length(start_s, end_s):
    with pytest.raises(InputError, match="must end behind its beginning"):
        Window(start_s=start_s, end_s=end_s)
