"""Differences to the background and from frame to frame, and the noise that they must exceed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.background import median_background
from pavas_tiny.canvas import Canvas, smoothed
from pavas_tiny.contrast import contrast_to, largest_difference, noise_threshold
from scenes import quick, render

SIZE = (24, 30)


def canvas_of(frames, valid=None):
    return Canvas(frames=np.asarray(frames, dtype=np.uint8), valid=valid, offset=(0.0, 0.0))


@quick
@given(seed=st.integers(0, 10_000))
def test_the_largest_difference_over_the_colours(seed):
    a, b = np.random.default_rng(seed).integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)
    expected = np.abs(a.astype(int) - b).max(axis=-1)
    np.testing.assert_array_equal(largest_difference(a, b), expected)
    np.testing.assert_array_equal(largest_difference(b, a), expected)


def test_contrast_counts_only_where_a_frame_reaches():
    background = np.full((*SIZE, 3), 100, np.uint8)
    frames = np.full((2, *SIZE, 3), 100)
    frames[1, 5, 6] = [100, 130, 60]
    valid = np.ones((2, *SIZE), dtype=bool)
    assert contrast_to(canvas_of(frames, valid), background)[1, 5, 6] == 40
    valid[1, 5, 6] = False
    assert not contrast_to(canvas_of(frames, valid), background).any()


def measured(scene, misregistration_px=0.0):
    canvas = canvas_of(smoothed(scene.frames))
    background = median_background(canvas)
    contrast = contrast_to(canvas, background)
    return contrast, noise_threshold(contrast, background, misregistration_px)


@pytest.mark.parametrize("noise", [0.5, 3.0, 8.0])
def test_noise_stays_below_its_threshold(noise):
    contrast, threshold = measured(render([], noise=noise))
    assert (contrast > threshold).mean() < 0.002
    assert np.median(threshold) < 6.0 + 8 * noise  # and what is clearer is seen


def test_the_threshold_grows_with_the_noise():
    calm, rough = (np.median(measured(render([], noise=noise))[1]) for noise in (1.0, 6.0))
    assert rough > 1.35 * calm


def test_an_object_that_is_there_for_most_of_the_clip_does_not_hide_itself():
    rng = np.random.default_rng(0)
    contrast = rng.integers(0, 4, (40, *SIZE), dtype=np.uint8)
    contrast[:28, 8:16, 8:16] = 100  # its own difference is not noise
    threshold = noise_threshold(contrast, np.full((*SIZE, 3), 100, np.uint8), 0.0)
    assert threshold[8:16, 8:16].max() < 50
    assert threshold[:6].max() < 14


def test_misregistration_raises_the_threshold_at_edges_only():
    background = np.full((*SIZE, 3), 60, np.uint8)
    background[:, 15:] = 180
    contrast = np.zeros((9, *SIZE), np.uint8)
    plain = noise_threshold(contrast, background, 0.0)
    careful = noise_threshold(contrast, background, 0.5)
    np.testing.assert_allclose(plain, 5.0)
    np.testing.assert_allclose(careful[:, 15], 5.0 + 0.5 * 60)  # half of 120 per pixel, twice
    np.testing.assert_allclose(careful[:, :13], 5.0)
    np.testing.assert_allclose(careful[:, 18:], 5.0)
