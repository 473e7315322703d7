"""Ghosts: the background holds an object that rested; what is painted over and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.background import median_background
from pavas_tiny.canvas import Canvas, smoothed
from pavas_tiny.contrast import contrast_to, noise_threshold, short_change
from pavas_tiny.ghosts import _edges, _paint, _slope_at, repair_ghosts
from pavas_tiny.parts import strong_parts
from scenes import clock, disc, quick, render, resting_until, straight

TIMES = clock(50)


def repaired(scene, background=None):
    """Run one repair; returns whether, the background before and after."""
    canvas = Canvas(frames=smoothed(scene.frames), valid=None, offset=(0.0, 0.0))
    before = median_background(canvas) if background is None else background
    after = before.copy()
    contrast = contrast_to(canvas, before)
    threshold = noise_threshold(contrast, before, 0.0)
    labels, count = strong_parts(contrast, threshold)
    done = repair_ghosts(canvas, after, short_change(canvas), threshold, labels, count)
    return done, before, after


def bare():
    return smoothed(render([], noise=0.0, frames=1).frames)[0]


def error(background, where):
    return np.abs(background.astype(int) - bare())[where].mean()


def test_an_object_in_the_background_is_painted_over():
    scene = render([resting_until(1.3, TIMES, (22, 30), (90.0, 0.0))])
    lay = disc((22, 30), 5) == 1
    done, before, after = repaired(scene)
    assert done
    assert error(before, lay) > 50  # it rested for more than half of the time
    assert error(after, lay) < 4


def test_the_rest_of_the_background_stays():
    scene = render([resting_until(1.3, TIMES, (22, 30), (90.0, 0.0))])
    _, before, after = repaired(scene)
    far = disc((22, 30), 16) == 0
    np.testing.assert_array_equal(after[far], before[far])


def test_a_clean_background_is_left_alone():
    done, before, after = repaired(render([straight(TIMES, (10, 30), (30.0, 0.0))]))
    assert not done
    np.testing.assert_array_equal(after, before)


def square(frames, level):
    """A flat wall of 100 with a square of the given level per frame, and its place."""
    place = np.zeros((30, 36), dtype=bool)
    place[10:20, 12:22] = True
    pictures = np.full((frames, 30, 36, 3), 100, np.uint8)
    pictures[:, place] = np.reshape(level, (-1, 1, 1))
    return pictures, place


def test_a_ghost_as_a_whole_is_painted_even_where_the_light_changes():
    """The square is in the background; when it has gone, the wall there has two levels."""
    frames, place = square(20, [200] * 10 + [80] * 5 + [110] * 5)
    canvas = Canvas(frames=frames, valid=None, offset=(0.0, 0.0))
    background = frames[0].copy()
    contrast = contrast_to(canvas, background)
    threshold = np.full((30, 36), 10.0, np.float32)
    labels, count = strong_parts(contrast, threshold)
    assert repair_ghosts(canvas, background, short_change(canvas), threshold, labels, count)
    assert np.isin(background[place], (80, 110)).all()


def test_a_ghost_that_its_object_still_covers_in_part():
    """It rests, slides by less than its size and rests again: one part, object and ghost."""
    slide = np.clip((TIMES - 1.2) * 50.0, 0.0, 9.0)
    scene = render([np.stack([22 + slide, np.full(50, 30.0)], axis=1)])
    left_behind = (disc((22, 30), 5) == 1) & (disc((31, 30), 8) == 0)
    done, before, after = repaired(scene)
    assert done
    assert error(before, left_behind) > 50
    assert error(after, left_behind) < 12


def test_what_changes_is_no_ghost():
    """A flickering lamp before stripes: its outline is a weaker edge than the stripes behind."""
    stripes = np.where(np.arange(36) % 4 < 2, 40, 200)
    background = np.repeat(np.tile(stripes, (30, 1))[..., None], 3, axis=2).astype(np.uint8)
    lamp, place = square(20, [90, 90, 140, 140] * 5)
    frames = np.where(place[..., None], lamp, background)
    canvas = Canvas(frames=frames, valid=None, offset=(0.0, 0.0))
    before, threshold = background.copy(), np.full((30, 36), 10.0, np.float32)
    labels, count = strong_parts(contrast_to(canvas, background), threshold)
    assert count == 20
    repair_ghosts(canvas, background, short_change(canvas), threshold, labels, count)
    np.testing.assert_array_equal(background, before)


def test_a_resting_object_is_no_ghost():
    """Its outline is an edge of the frame, not of the background."""
    scene = render([resting_until(0.8, TIMES, (22, 30), (60.0, 0.0))])
    lay = disc((22, 30), 5) == 1
    done, before, after = repaired(scene, bare())
    assert error(after, lay) < 4
    assert not done or error(after, lay) <= error(before, lay) + 1


def test_without_parts_nothing_is_done():
    done, before, after = repaired(render([], frames=20))
    assert not done
    np.testing.assert_array_equal(after, before)


def test_edges_are_the_outline_within_the_picture():
    labels = np.zeros((2, 9, 9), np.int32)
    labels[0, 2:7, 3:8] = 1
    labels[1, 0:4, 0:4] = 2  # in the corner: the picture's border is no outline
    edge = np.zeros(labels.size, dtype=bool)
    edge[_edges(labels)] = True
    edge = edge.reshape(labels.shape)
    assert edge[0].sum() == 16
    assert not edge[0, 3:6, 4:7].any()
    expected = np.zeros((9, 9), dtype=bool)
    expected[3, :4] = expected[:4, 3] = True
    np.testing.assert_array_equal(edge[1], expected)


@quick
@given(across=st.integers(-12, 12), down=st.integers(-9, 9))
def test_slopes_of_a_ramp(across, down):
    y, x = np.mgrid[0:8, 0:9]
    ramp = np.repeat((120 + across * (x - 4) + down * (y - 4))[..., None], 3, axis=2)
    frames = np.stack([np.zeros_like(ramp), ramp]).astype(np.uint8)
    inner = np.ravel_multi_index(np.mgrid[1:2, 1:7, 1:8].reshape(3, -1), (2, 8, 9))
    expected = 2 * max(abs(across), abs(down))
    np.testing.assert_array_equal(_slope_at(frames, inner), expected)
    np.testing.assert_array_equal(_slope_at(frames, inner - 72), 0)
    # one picture for all frames: the frame of the index does not matter
    np.testing.assert_array_equal(_slope_at(frames[1], inner), expected)


@pytest.mark.parametrize("steady", [True, False])
def test_painting_takes_the_median_of_the_given_frames(steady):
    frames = np.full((9, 12, 12, 3), 80, np.uint8)
    frames[4:] = 160
    frames[6], frames[8] = 150, 168
    canvas = Canvas(frames=frames, valid=None, offset=(0.0, 0.0))
    background = np.zeros((12, 12, 3), np.uint8)
    where = np.zeros((12, 12), dtype=bool)
    where[5:7, 5:7] = True
    when = np.zeros((9, 12, 12), dtype=bool)
    when[6:, 5:7, 5:7] = True
    assert _paint(canvas, background, where, when, steady=steady)
    assert (background[5:7, 5:7] == 160).all()
    assert (background[3, 5:7] == 160).all()  # with a rim of two pixels
    assert (background[2] == 0).all()
    when[1:, 5:7, 5:7] = True  # frames that do not agree
    background[:] = 0
    assert _paint(canvas, background, where, when, steady=steady) is not steady
    assert (background == 0).all() == steady


def test_frames_that_do_not_reach_paint_nothing():
    frames = np.full((4, 12, 12, 3), 80, np.uint8)
    canvas = Canvas(frames=frames, valid=np.zeros((4, 12, 12), bool), offset=(0.0, 0.0))
    background = np.zeros((12, 12, 3), np.uint8)
    where = np.zeros((12, 12), dtype=bool)
    where[5, 5] = True
    when = np.ones((4, 12, 12), dtype=bool)
    assert not _paint(canvas, background, where, when, steady=False)
    assert not background.any()
