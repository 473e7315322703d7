"""Shade is told from things, and a thing is kept when its shadow goes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.canvas import Canvas
from pavas_tiny.shade import (
    _opened,
    _spanned,
    above_half_contrast,
    find_shade,
    without_shade,
)
from scenes import BLUE, RED, quick, wall
from scipy import ndimage

ALL = np.ones((1, 20, 24), dtype=bool)
WALL = np.rint(wall(20, 24)).astype(np.uint8)


def shade_of(picture):
    frames = np.clip(np.rint(picture), 0, 255).astype(np.uint8)[None]
    return find_shade(Canvas(frames=frames, valid=None, offset=(0.0, 0.0)), WALL, ALL)[0]


@pytest.mark.parametrize("light", [0.55, 0.7, 0.85])
def test_the_wall_under_less_light_is_shade(light):
    assert shade_of(WALL * light).mean() > 0.95


@pytest.mark.parametrize("light", [1.1, 0.3])
def test_brighter_or_much_darker_is_no_shade(light):
    assert shade_of(WALL * light).mean() < 0.05


@pytest.mark.parametrize("colour", [RED, BLUE, (80, 95, 60), (250, 250, 250), (20, 20, 20)])
def test_a_coloured_thing_is_no_shade(colour):
    assert not shade_of(np.broadcast_to(colour, WALL.shape)).any()


def test_only_the_mask_is_looked_at():
    mask = np.zeros_like(ALL)
    mask[0, 4:8, 4:8] = True
    canvas = Canvas(frames=(WALL * 0.7).astype(np.uint8)[None], valid=None, offset=(0.0, 0.0))
    shade = find_shade(canvas, WALL, mask)
    np.testing.assert_array_equal(shade & ~mask, False)
    assert shade.sum() > 12


def test_the_faint_rim_of_a_part_is_left_out_by_its_own_measure():
    labels = np.zeros((1, 12, 30), np.int32)
    contrast = np.zeros((1, 12, 30), np.uint8)
    for number, left, level in ((1, 2, 100), (2, 16, 20)):
        labels[0, 2:10, left : left + 10] = number
        contrast[0, 2:10, left : left + 10] = level
        contrast[0, 2:10, left] = 0.3 * level
        contrast[0, 2:10, left + 1] = 0.6 * level
    kept = above_half_contrast(labels, 2, contrast)[0]
    for left in (2, 16):  # a strong and a faint part alike
        assert not kept[:, left].any()
        assert kept[2:10, left + 1 : left + 10].all()
    assert kept.sum() == 2 * 8 * 9


def split(thing_rows, shade_rows, size=(20, 24)):
    """A part of two bands, the lower one shade."""
    labels = np.zeros((1, *size), np.int32)
    shade = np.zeros((1, *size), dtype=bool)
    labels[0, thing_rows, 6:16] = 1
    labels[0, shade_rows, 6:16] = 1
    shade[0, shade_rows, 6:16] = True
    return labels, shade


def test_shade_that_touches_goes():
    labels, shade = split(slice(2, 9), slice(9, 16))
    kept = without_shade(labels > 0, shade, labels, 1)[0]
    assert kept[3:8, 7:15].all()
    assert not kept[10:].any()


def test_a_part_that_is_all_shade_stays():
    labels, shade = split(slice(2, 2), slice(4, 14))
    np.testing.assert_array_equal(without_shade(labels > 0, shade, labels, 1), labels > 0)


def test_shade_inside_a_thing_is_filled():
    labels, shade = split(slice(2, 14), slice(0, 0))
    shade[0, 6:9, 9:12] = True  # a dark spot on it
    kept = without_shade(labels > 0, shade, labels, 1)[0]
    assert kept[6:9, 9:12].all()


def test_parts_are_filled_apart():
    labels = np.zeros((1, 20, 24), np.int32)
    shade = np.zeros((1, 20, 24), dtype=bool)
    labels[0, 2:8, 2:8] = 1
    labels[0, 2:8, 14:20] = 2
    shade[0, 4:6, 4:6] = shade[0, 4:6, 16:18] = True
    kept = without_shade(labels > 0, shade, labels, 2)[0]
    assert kept[4:6, 4:6].all()
    assert not kept[:, 9:13].any()


def test_filling_stays_within_the_part():
    labels = np.zeros((1, 20, 24), np.int32)
    labels[0, 2:14, 4:18] = 1
    labels[0, 2:10, 8:14] = 0  # an open bowl
    shade = np.zeros((1, 20, 24), dtype=bool)
    shade[0, 11:13, 9:12] = True
    kept = without_shade(labels > 0, shade, labels, 1)
    np.testing.assert_array_equal(kept & (labels == 0), False)
    assert kept[shade].all()


def test_nothing_stays_nothing():
    empty = np.zeros((1, 20, 24), dtype=bool)
    assert not without_shade(empty, empty, empty.astype(np.int32), 0).any()


@quick
@given(seed=st.integers(0, 10_000))
def test_three_neighbours_hold_a_pixel(seed):
    mask = np.random.default_rng(seed).random((2, 9, 11)) < 0.4
    around = ndimage.convolve(mask.astype(int), np.ones((1, 3, 3), int), mode="constant")
    np.testing.assert_array_equal(_opened(mask), mask & (around - mask >= 3))


@quick
@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 0.3))
def test_spans_contain_the_core_and_are_whole_in_columns(seed, share):
    core = np.random.default_rng(seed).random((9, 11)) < share
    spanned = _spanned(core)
    assert (spanned | ~core).all()
    for column in spanned.T:
        assert np.abs(np.diff(np.pad(column, 1).astype(int))).sum() in (0, 2)
    np.testing.assert_array_equal(_spanned(np.ones((3, 4), bool)), True)
