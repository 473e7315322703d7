"""Frames blurred and laid over each other in the reference picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.canvas import build_canvas, smoothed
from scenes import quick, render
from scipy import signal


def shifts(moves):
    """Frame-to-reference matrices (T, 2, 3) of pure shifts (x, y)."""
    matrix = np.tile(np.eye(2, 3), (len(moves), 1, 1))
    matrix[:, :, 2] = moves
    return matrix


def noise(count=2, height=20, width=26, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_smoothing_is_the_binomial_filter():
    frames = noise()
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    padded = np.pad(frames[1, ..., 2].astype(float), 1, mode="edge")
    expected = np.floor(signal.convolve2d(padded, kernel, mode="valid") + 0.5)
    np.testing.assert_array_equal(smoothed(frames)[1, ..., 2], expected)


def test_smoothing_keeps_what_is_even_and_takes_most_of_the_noise():
    np.testing.assert_array_equal(smoothed(np.full((1, 9, 9, 3), 255, np.uint8)), 255)
    rng = np.random.default_rng(0)
    grey = np.rint(128 + rng.normal(scale=8, size=(3, 40, 40, 3))).astype(np.uint8)
    assert smoothed(grey).std() == pytest.approx(8 * 3 / 8, rel=0.1)


def test_a_still_camera_covers_everything():
    frames = noise()
    canvas = build_canvas(frames, shifts([(0, 0)] * 2), moving=False)
    assert canvas.valid is None
    assert canvas.offset == (0.0, 0.0)
    np.testing.assert_array_equal(canvas.frames, smoothed(frames))


@quick
@given(dx=st.integers(-6, 6), dy=st.integers(-6, 6))
def test_whole_shifts_move_pixels_unchanged(dx, dy):
    frames = noise()
    canvas = build_canvas(frames, shifts([(0, 0), (dx, dy)]), moving=True)
    height, width = frames.shape[1:3]
    assert canvas.frames.shape[1:3] == (height + abs(dy), width + abs(dx))
    assert canvas.offset == (min(dx, 0), min(dy, 0))
    for index, (x, y) in enumerate([(0, 0), (dx, dy)]):
        top, left = int(y - canvas.offset[1]), int(x - canvas.offset[0])
        place = (index, slice(top, top + height), slice(left, left + width))
        np.testing.assert_array_equal(canvas.frames[place], smoothed(frames)[index])
        assert canvas.valid[place].all()
        assert canvas.valid[index].sum() == height * width
        assert not canvas.frames[index][~canvas.valid[index]].any()


def test_half_a_pixel_is_the_mean_of_two():
    frames = noise()
    canvas = build_canvas(frames, shifts([(0, 0), (0.5, 0)]), moving=True)
    both = smoothed(frames)[1].astype(int)
    expected = (both[:, :-1] + both[:, 1:] + 1) // 2
    np.testing.assert_array_equal(canvas.frames[1][:, 1:-1], expected)


def test_a_turn_by_ninety_degrees():
    frames = noise(height=21, width=21)
    quarter = np.array([[0.0, -1.0, 20.0], [1.0, 0.0, 0.0]])  # (x, y) lies at (20 - y, x)
    canvas = build_canvas(frames, np.stack([np.eye(2, 3), quarter]), moving=True)
    turned = np.rot90(smoothed(frames)[1], -1)
    np.testing.assert_array_equal(canvas.frames[1], turned)


def test_the_canvas_does_not_grow_without_end():
    frames = noise()
    canvas = build_canvas(frames, shifts([(0, 0), (500, 0)]), moving=True)
    assert canvas.frames.shape[2] <= 2.5 * frames.shape[2] + 2
    assert canvas.valid[0].sum() == frames[0, ..., 0].size
    assert not canvas.valid[1].any()


def test_brightest_pixels_do_not_overflow():
    frames = np.full((2, 20, 26, 3), 255, np.uint8)
    canvas = build_canvas(frames, shifts([(0, 0), (0.37, 0.81)]), moving=True)
    assert (canvas.frames[1][canvas.valid[1]] == 255).all()


def test_a_panned_wall_lies_still_on_the_canvas():
    camera = np.outer(np.arange(9), [1.3, -0.4])
    scene = render([], camera=camera, noise=0.0, frames=9)
    canvas = build_canvas(scene.frames, shifts(camera), moving=True)
    everywhere = canvas.valid.all(axis=0)
    assert everywhere.sum() > 3000
    spread = np.ptp(canvas.frames[:, everywhere].astype(int), axis=0)
    assert np.percentile(spread, 95) <= 5
