"""The background where something came to rest, or left the place where it lay."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.resting import settle_rested
from scenes import RED, disc, wall

WALL = np.rint(wall(40, 50)).astype(np.uint8)
DISC = disc((24, 20), 6, (40, 50)) > 0.5


def frames_with_disc(there, behind=WALL):
    """Frames of the wall with a red disc in those of ``there``."""
    frames = np.repeat(behind[None], len(there), axis=0)
    frames[np.asarray(there, dtype=bool)[:, None, None] & DISC[None]] = RED
    return frames


def with_disc():
    """A background that holds the disc."""
    background = WALL.copy()
    background[DISC] = RED
    return background


def error(background):
    return np.abs(background.astype(int) - WALL).max()


@pytest.mark.parametrize("share", [0.12, 0.3, 0.5, 0.7, 0.88])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("median_took", ["disc", "wall"])
def test_under_a_disc_that_came_or_went(share, first, median_took):
    there = (np.arange(25) < 25 * share) == first
    background = with_disc() if median_took == "disc" else WALL.copy()
    settle_rested(frames_with_disc(there), None, background)
    assert error(background) <= 3


def test_before_a_busy_wall():
    busy = np.rint(wall(40, 50, roughness=40.0)).astype(np.uint8)
    background = busy.copy()
    background[DISC] = RED
    settle_rested(frames_with_disc(np.arange(25) >= 10, busy), None, background)
    assert np.abs(background.astype(int) - busy).max() <= 3


def test_a_few_frames_that_show_something_else_do_not_matter():
    there = np.arange(25) >= 10
    there[[3, 14]] ^= True  # a bounce, and somebody who walks past
    background = with_disc()
    settle_rested(frames_with_disc(there), None, background)
    assert error(background) <= 3


def test_what_comes_back_again_and_again_stays_with_the_median():
    there = np.arange(25) // 3 % 2 == 0
    background = WALL.copy()
    settle_rested(frames_with_disc(there), None, background)
    np.testing.assert_array_equal(background, WALL)


def test_what_is_there_nearly_always_is_not_decided():
    background = with_disc()
    settle_rested(frames_with_disc(np.arange(25) > 0), None, background)
    np.testing.assert_array_equal(background, with_disc())


def test_a_faint_difference_is_not_decided():
    frames = np.repeat(WALL[None], 25, axis=0)
    frames[:12, DISC] += 14
    background = WALL.copy()
    background[DISC] += 14
    before = background.copy()
    settle_rested(frames, None, background)
    np.testing.assert_array_equal(background, before)


def test_a_lamp_that_lights_the_whole_picture_is_no_object():
    frames = np.repeat(WALL[None], 25, axis=0)
    frames[10:] += 40
    background = frames[20].copy()
    settle_rested(frames, None, background)
    np.testing.assert_array_equal(background, frames[20])


def test_two_things_at_two_times():
    """One leaves, another comes to rest beside it: each region is decided by itself."""
    other = disc((10, 20), 5, (40, 50)) > 0.5
    frames = frames_with_disc(np.arange(25) < 15)
    frames[10:, other] = (45, 75, 215)
    background = with_disc()
    background[other] = (45, 75, 215)
    settle_rested(frames, None, background)
    assert error(background) <= 3


@pytest.mark.parametrize("count", [1, 3, 4])
def test_too_few_frames_say_nothing(count):
    background = np.zeros_like(WALL)
    settle_rested(frames_with_disc(np.arange(count) < count // 2), None, background)
    assert not background.any()


@pytest.mark.parametrize("median_took", ["disc", "wall"])
def test_frames_that_do_not_reach_do_not_count(median_took):
    frames = frames_with_disc(np.arange(25) < 12)
    valid = np.ones(frames.shape[:3], dtype=bool)
    frames[20:, :, :25] = 0  # the canvas is black where a frame does not reach
    valid[20:, :, :25] = False
    background = with_disc() if median_took == "disc" else WALL.copy()
    settle_rested(frames, valid, background)
    assert error(background) <= 3
