"""Pixels that show two things: the background is what continues around them."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.contested import settle_contested
from scenes import RED, disc, wall

WALL = np.rint(wall(40, 50)).astype(np.uint8)
DISC = disc((24, 20), 6, (40, 50)) > 0.5


def frames_with_disc(there):
    """Frames of the wall with a red disc in those of ``there``."""
    frames = np.repeat(WALL[None], len(there), axis=0)
    frames[np.asarray(there, dtype=bool)[:, None, None] & DISC[None]] = RED
    return frames


def error(background):
    return np.abs(background.astype(int) - WALL).max()


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_under_a_disc_that_was_there_for_a_while(share):
    there = np.arange(25) < 25 * share
    background = WALL.copy()
    background[DISC] = RED  # the median may have taken the disc
    settle_contested(frames_with_disc(there), None, background)
    assert error(background) <= 3


def test_a_true_background_stays():
    background = WALL.copy()
    settle_contested(frames_with_disc(np.arange(25) < 12), None, background)
    assert error(background) <= 3


def test_what_is_there_nearly_always_is_not_contested():
    frames = frames_with_disc(np.arange(25) > 0)  # gone in one frame only
    background = WALL.copy()
    background[DISC] = RED
    settle_contested(frames, None, background)
    assert (background[DISC] == RED).all()


def test_a_faint_difference_is_not_contested():
    frames = np.repeat(WALL[None], 25, axis=0)
    frames[:12, DISC] += 14
    background = WALL.copy()
    background[DISC] += 14
    before = background.copy()
    settle_contested(frames, None, background)
    np.testing.assert_array_equal(background, before)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_too_few_frames_say_nothing(count):
    background = np.zeros_like(WALL)
    settle_contested(frames_with_disc(np.arange(count) < count // 2), None, background)
    assert not background.any()


def test_five_frames_are_enough():
    background = WALL.copy()
    background[DISC] = RED
    settle_contested(frames_with_disc([True, True, False, False, False]), None, background)
    assert error(background) <= 3


def test_of_two_that_continue_alike_the_more_frequent_is_the_background():
    """A poster that is hidden for a fifth of the time by something in the wall's own colour."""
    poster = np.full_like(WALL, 100)
    poster[DISC] = 110
    frames = np.repeat(poster[None], 25, axis=0)
    frames[:5, DISC] = 93
    background = poster.copy()
    settle_contested(frames, None, background)
    np.testing.assert_array_equal(background, poster)


@pytest.mark.parametrize("median_took", ["disc", "wall"])
def test_frames_that_do_not_reach_do_not_count(median_took):
    frames = frames_with_disc(np.arange(25) < 12)
    valid = np.ones(frames.shape[:3], dtype=bool)
    frames[20:, :, :25] = 0  # the canvas is black where a frame does not reach
    valid[20:, :, :25] = False
    background = WALL.copy()
    if median_took == "disc":
        background[DISC] = RED
    settle_contested(frames, valid, background)
    assert error(background) <= 3
