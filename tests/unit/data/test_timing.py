"""Moving signals between time grids."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import times

from pavas_sdk.data import timing
from pavas_sdk.errors import InputError


@given(st.integers(1, 4000), st.sampled_from([8.0, 24.0, 25.0, 30.0, 31.25, 43.06640625]))
def test_grid_of_a_whole_number_of_frames_has_exactly_those(count, rate_hz):
    grid = timing.grid_times(count / rate_hz, rate_hz)
    assert grid.size == count
    np.testing.assert_allclose(np.diff(grid), 1 / rate_hz)


@given(st.floats(0.0, 100.0), st.floats(0.5, 100.0))
def test_grid_covers_the_duration_and_not_more(duration_s, rate_hz):
    grid = timing.grid_times(duration_s, rate_hz)
    assert grid.size >= 1
    assert grid.size == 1 or grid[-1] < duration_s
    assert grid[-1] + 1 / rate_hz >= duration_s - 1e-5 / rate_hz


@pytest.mark.parametrize(("duration_s", "rate_hz"), [(np.nan, 1), (np.inf, 1), (1, 0), (1, np.nan)])
def test_impossible_grids_are_refused(duration_s, rate_hz):
    with pytest.raises(InputError):
        timing.grid_times(duration_s, rate_hz)


@given(times(min_size=1), st.lists(st.floats(-20, 150), max_size=20))
def test_nearest_is_nearest(source, targets):
    index = timing.nearest_index(source, targets)
    for target, chosen in zip(targets, index, strict=True):
        assert abs(source[chosen] - target) == pytest.approx(np.abs(source - target).min())


def test_a_tie_goes_to_the_later_one():
    assert timing.nearest_index([0.0, 1.0], [0.5]).tolist() == [1]


@given(times(min_size=1), st.lists(st.floats(-20, 150), max_size=20))
def test_hold_is_the_last_one_at_or_before(source, targets):
    for target, chosen in zip(targets, timing.hold_index(source, targets), strict=True):
        before = np.flatnonzero(source <= target + 1e-6)
        assert chosen == (before[-1] if before.size else 0)


@given(st.integers(1, 600), st.integers(1, 600))
def test_nearest_exact_is_that_of_torch(source_length, target_length):
    signal = torch.arange(source_length, dtype=torch.float32)[None, None]
    wanted = torch.nn.functional.interpolate(signal, target_length, mode="nearest-exact")
    index = timing.nearest_exact_index(source_length, target_length)
    assert index.tolist() == wanted[0, 0].long().tolist()


@pytest.mark.parametrize(
    "call",
    [
        lambda: timing.nearest_index([], [0.0]),
        lambda: timing.hold_index([], [0.0]),
        lambda: timing.nearest_exact_index(0, 3),
    ],
)
def test_a_signal_without_samples_is_refused(call):
    with pytest.raises(InputError, match="without"):
        call()
