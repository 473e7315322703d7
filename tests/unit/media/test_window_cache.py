"""Decoded windows are shared while they are worked on, and forgotten afterwards."""

import numpy as np
import pytest

from pavas_sdk.data import Video
from pavas_sdk.media.window_cache import ReadRequest, WindowCache


def clip(start_s, end_s, fps=10):
    times = np.arange(round(start_s * fps), round(end_s * fps)) / fps
    return Video(frames=np.zeros((times.size, 8, 8, 3), np.uint8), times_s=times, end_s=end_s)


def window(start_s, end_s, max_side=None):
    return ReadRequest(max_side=max_side, start_s=start_s, end_s=end_s)


@pytest.fixture
def cache():
    return WindowCache(limit_bytes=2**20)


def test_neighbours_are_kept_and_the_past_is_not(cache):
    starts = (0.0, 11.0, 22.0, 33.0)
    for start in starts:
        cache.put(window(start, start + 12.0), clip(start, start + 12.0))
    held = [start for start in starts if cache.get(window(start, start + 12.0)) is not None]
    assert held == [22.0, 33.0]


def test_going_back_to_the_start_forgets_the_end(cache):
    cache.put(window(50.0, 60.0), clip(50.0, 60.0))
    cache.put(window(0.0, 10.0), clip(0.0, 10.0))
    assert cache.get(window(50.0, 60.0)) is None
    assert cache.get(window(0.0, 10.0)) is not None


def test_other_sizes_of_the_same_stretch_are_kept_up_to_the_limit(cache):
    small = WindowCache(limit_bytes=3 * clip(0, 4).frames.nbytes)
    for side in (8, 16, 24, 32):
        small.put(window(0.0, 4.0, side), clip(0.0, 4.0))
    assert small.get(window(0.0, 4.0, 8)) is None
    assert all(small.get(window(0.0, 4.0, side)) is not None for side in (16, 24, 32))
    assert small.held_bytes == 3 * clip(0, 4).frames.nbytes
