"""The median picture behind what moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.background import median_background, spread_frames
from pavas_tiny.canvas import Canvas
from scenes import clock, quick, render, straight


def canvas_of(frames, valid=None):
    return Canvas(frames=np.asarray(frames, dtype=np.uint8), valid=valid, offset=(0.0, 0.0))


@quick
@given(count=st.integers(1, 300))
def test_frames_are_spread_from_the_first_to_the_last(count):
    index = spread_frames(count)
    assert index[0] == 0
    assert index[-1] == count - 1
    assert index.size == min(count, 25)
    steps = np.diff(index)
    assert steps.size == 0 or (steps.min() >= 1 and np.ptp(steps) <= 1)


def test_a_passing_disc_leaves_no_trace():
    scene = render([straight(clock(40), (8, 30), (45.0, 0.0))], noise=0.0)
    bare = render([], noise=0.0, frames=1).frames[0]
    np.testing.assert_array_equal(median_background(canvas_of(scene.frames)), bare)


def test_the_median_is_per_colour_and_the_lower_of_two():
    frames = np.zeros((4, 1, 1, 3))
    frames[:, 0, 0] = [[1, 40, 9], [2, 30, 9], [3, 20, 9], [4, 10, 9]]
    np.testing.assert_array_equal(median_background(canvas_of(frames))[0, 0], [2, 20, 9])


def test_only_frames_that_reach_a_pixel_count():
    frames = np.full((5, 2, 2, 3), 200)
    frames[3:] = 50
    valid = np.ones((5, 2, 2), dtype=bool)
    valid[:3, 0, 0] = False  # seen by the dark frames only
    valid[:, 1, 1] = False  # never seen
    background = median_background(canvas_of(frames, valid))
    np.testing.assert_array_equal(background[..., 0], [[50, 200], [200, 0]])


@pytest.mark.parametrize("share", [0.3, 0.45])
def test_a_rest_shorter_than_half_the_clip_is_no_background(share):
    frames = np.full((50, 3, 3, 3), 90)
    frames[: int(50 * share), 1, 1] = 220
    assert median_background(canvas_of(frames)).max() == 90
    frames[:30, 1, 1] = 220  # but a longer one is: see resting
    assert median_background(canvas_of(frames))[1, 1, 0] == 220
