"""Windows cover the latent evenly, and their weights sum to one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.pipelines.windows import blend_weights, plan_latent_windows

RATE_HZ = 31.25


def plan(total, window=250, overlap=62, duration_s=None):
    return plan_latent_windows(
        total,
        duration_s=total / RATE_HZ if duration_s is None else duration_s,
        window=window,
        overlap=overlap,
        window_s=window / RATE_HZ,
        latent_rate_hz=RATE_HZ,
    )


@given(
    total=st.integers(1, 5000),
    window=st.integers(2, 400),
    share=st.floats(0, 0.9, exclude_max=True),
)
def test_every_latent_is_covered_and_weights_sum_to_one(total, window, share):
    overlap = min(int(window * share), window - 1)
    windows = plan(total, window, overlap)
    sums = np.zeros(total)
    for entry, weight in zip(windows, blend_weights(windows), strict=True):
        assert 0 <= entry.start < entry.stop <= total
        assert weight.shape == (entry.length,)
        assert (weight > 0).all()
        sums[entry.start : entry.stop] += weight
    np.testing.assert_allclose(sums, 1.0, atol=1e-5)


@given(total=st.integers(251, 20000), overlap=st.integers(0, 200))
def test_long_clips_have_equal_windows_that_share_enough(total, overlap):
    windows = plan(total, 250, overlap)
    assert windows[0].start == 0
    assert windows[-1].stop == total
    assert {entry.length for entry in windows} == {250}
    for earlier, later in itertools.pairwise(windows):
        # rounding of even spacing may move a start by one latent
        assert earlier.stop - later.start >= overlap - 1
    assert len(windows) == int(np.ceil((total - 250) / (250 - overlap))) + 1


def test_a_clip_that_fits_is_one_window_with_its_own_duration():
    (only,) = plan(248, duration_s=7.93)
    assert (only.start, only.length, only.start_s, only.duration_s) == (0, 248, 0.0, 7.93)
    (weight,) = blend_weights((only,))
    assert (weight == 1.0).all()


def test_starts_in_seconds_follow_the_latent_rate():
    windows = plan(1000)
    assert [entry.start_s for entry in windows] == [entry.start / RATE_HZ for entry in windows]
    assert {entry.duration_s for entry in windows} == {8.0}


def test_the_fade_is_linear_and_symmetric():
    first, second = plan(12, window=8, overlap=4)
    early, late = blend_weights((first, second))
    np.testing.assert_allclose(early[:4], 1.0)
    np.testing.assert_allclose(early[4:], [0.8, 0.6, 0.4, 0.2], atol=1e-6)
    np.testing.assert_allclose(late, early[::-1], atol=1e-6)


@pytest.mark.parametrize("overlap", [250, 300, -1])
def test_an_overlap_that_is_no_smaller_than_the_window_is_refused(overlap):
    with pytest.raises(ConfigurationError, match="choose overlap_s below window_s"):
        plan(1000, 250, overlap)
