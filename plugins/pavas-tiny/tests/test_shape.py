"""Shapes and sizes of masks whose axes are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.shape import Shape, measure_shape
from scenes import disc, quick

SIZE = (64, 80)


def ellipse(a, b, turn_rad=0.0, centre=(40, 32)):
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    x, y = x - centre[0], y - centre[1]
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    return ((c * x + s * y) / a) ** 2 + ((c * y - s * x) / b) ** 2 <= 1


def bar(half_length, half_width, turn_rad):
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    x, y = x - 40, y - 32
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    return (np.abs(c * x + s * y) <= half_length) & (np.abs(c * y - s * x) <= half_width)


@quick
@given(radius=st.floats(4, 20), x=st.floats(-0.5, 0.5), y=st.floats(-0.5, 0.5))
def test_a_disc_is_a_ball_of_its_radius(radius, x, y):
    shape = measure_shape((disc((40 + x, 32 + y), radius, SIZE) >= 0.5)[None])
    assert shape.kind == "ball"
    assert shape.half_size_px == pytest.approx(radius, rel=0.03, abs=0.3)
    assert shape.elongation < 1.15
    assert np.exp(shape.log_volume_px) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.16)


@quick
@given(a=st.floats(8, 20), ratio=st.floats(1.0, 4.0), turn=st.floats(0, np.pi))
def test_axes_of_an_ellipse(a, ratio, turn):
    shape = measure_shape(ellipse(a, a / ratio, turn)[None])
    assert shape.major_px == pytest.approx(a, rel=0.06)
    assert shape.minor_px == pytest.approx(a / ratio, rel=0.2 if a / ratio < 4 else 0.08)


@pytest.mark.parametrize("turn", [0.0, 0.6, 1.57])
def test_a_bar_is_a_stick_of_about_its_half_length(turn):
    shape = measure_shape(bar(18, 2.0, turn)[None])
    assert shape.kind == "stick"
    # second moments of an even bar: 2 L / sqrt(3) instead of L
    assert shape.half_size_px == pytest.approx(2 * 18 / np.sqrt(3), rel=0.05)


def test_what_is_neither_round_nor_long():
    shape = measure_shape(ellipse(15, 8)[None])
    assert shape.kind == "object"
    assert shape.half_size_px == pytest.approx(1.05 * 8, rel=0.05)


def test_frames_that_touch_the_border_do_not_count():
    whole = [disc((40, 32), 6, SIZE) >= 0.5] * 3
    cut = [disc((0, 32), 6, SIZE) >= 0.5] * 9
    shape = measure_shape(np.array(whole + cut))
    assert shape.half_size_px == pytest.approx(6, rel=0.05)
    assert shape.whole == pytest.approx(3 / 12)
    assert measure_shape(np.array(cut)).whole == 0.0  # nothing better: they are taken


def test_blurred_frames_count_less():
    sharp = [disc((40, 32), 6, SIZE) >= 0.5] * 6
    blurred = [ellipse(10, 6)] * 5
    shape = measure_shape(np.array(sharp + blurred))
    assert shape.kind == "ball"
    assert shape.major_px == pytest.approx(6, rel=0.06)


def test_an_occluded_frame_does_not_change_the_size():
    masks = np.array([disc((40, 32), 8, SIZE) >= 0.5] * 9)
    masks[4, :, 38:] = False
    assert measure_shape(masks).half_size_px == pytest.approx(8, rel=0.05)


def test_nothing_has_no_shape():
    assert measure_shape(np.zeros((3, *SIZE), dtype=bool)) is None


def test_a_single_pixel_has_a_size():
    mask = np.zeros((1, *SIZE), dtype=bool)
    mask[0, 5, 5] = True
    shape = measure_shape(mask)
    assert np.isfinite(shape.log_volume_px)
    assert shape.half_size_px > 0


def test_a_stick_is_thirteen_times_as_long_as_thick():
    stick = Shape(kind="stick", major_px=13.0, minor_px=3.0, elongation=4.3, area_px=90, whole=1.0)
    radius = 0.075 * 13.0
    assert np.exp(stick.log_volume_px) == pytest.approx(np.pi * radius**2 * 26.0, rel=1e-6)


def test_long_clips_are_sampled_over_their_whole_length():
    small = [disc((40, 32), 4, SIZE) >= 0.5] * 100
    large = [disc((40, 32), 8, SIZE) >= 0.5] * 120
    assert measure_shape(np.array(small + large)).half_size_px == pytest.approx(8, rel=0.05)
