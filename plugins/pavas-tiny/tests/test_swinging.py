"""What swings about its place is no background; what only comes and goes leaves it alone."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.swinging import settle_swinging
from scenes import RED, clock, disc, render

TIMES = clock(40)
ROOM = render([], noise=0.0, frames=1).frames[0].astype(int)


def settled(frames, valid=None):
    """The median of 25 frames, and what becomes of it."""
    sample = frames[np.linspace(0, len(frames) - 1, 25).round().astype(int)]
    before = np.sort(sample, axis=0)[12]
    after = before.copy()
    settle_swinging(sample, valid, after)
    return before, after


def error(background):
    return float(np.abs(background.astype(int) - ROOM).max(axis=-1).mean())


@pytest.mark.parametrize("swing_px", [5, 6, 8, 10])
@pytest.mark.parametrize("colour", [RED, (60, 60, 150)])
def test_the_room_behind_a_swinging_disc(swing_px, colour):
    path = np.stack([40 + swing_px * np.sin(5 * TIMES), np.full(40, 30.0)], axis=1)
    before, after = settled(render([path], colours=(colour,)).frames)
    assert error(after) < 0.3 * error(before) + 0.5


def test_a_middle_that_is_never_uncovered_is_filled():
    path = np.stack([40 + 4 * np.sin(5 * TIMES), np.full(40, 30.0)], axis=1)
    before, after = settled(render([path]).frames)
    core = disc((40, 30), 2) > 0.5
    assert np.abs(before[core].astype(int) - RED).max() < 30
    assert np.abs(after[core].astype(int) - ROOM[core]).max() < 60


def test_what_comes_and_goes_before_an_edge_leaves_the_room_alone():
    """A hand of the wall's colour before a dark box: the box is no thing that moves."""
    scene = render([], frames=40)
    frames = scene.frames.copy()
    frames[:, 20:40, 30:50] = (40, 50, 60)
    frames[::3, 24:36, 25:45] = (150, 140, 125)
    before, after = settled(frames)
    np.testing.assert_array_equal(before, after)


def test_what_reaches_in_from_the_edge_is_left_alone():
    path = np.stack([4 + 6 * np.sin(5 * TIMES), np.full(40, 30.0)], axis=1)
    before, after = settled(render([path]).frames)
    np.testing.assert_array_equal(before, after)


def test_a_still_picture_and_noise_stay():
    before, after = settled(render([], noise=6.0).frames)
    np.testing.assert_array_equal(before, after)
