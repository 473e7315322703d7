from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.media.pixels import FrameConverter, Orientation, fitted_size, shrink

ONE = 65536


def matrix(a: int, b: int, c: int, d: int) -> np.ndarray:
    return np.array([a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30], dtype=np.int32)


@pytest.mark.parametrize(
    ("a", "b", "c", "d"),
    [(a, 0, 0, d) for a in (-1, 1) for d in (-1, 1)]
    + [(0, b, c, 0) for b in (-1, 1) for c in (-1, 1)],
)
def test_pixels_land_where_the_display_matrix_sends_them(a, b, c, d):
    stored = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    shown = Orientation.from_matrix(matrix(a, b, c, d)).apply(stored)
    # displayed position = (a x + c y, b x + d y), shifted so that the smallest is 0
    positions = {(x, y): (a * x + c * y, b * x + d * y) for x in range(5) for y in range(3)}
    left = min(x for x, _ in positions.values())
    top = min(y for _, y in positions.values())
    for (x, y), (to_x, to_y) in positions.items():
        np.testing.assert_array_equal(shown[to_y - top, to_x - left], stored[y, x])


@pytest.mark.parametrize(("quarter_turns", "degrees"), [(0, 0), (1, 90), (2, 180), (3, 270)])
def test_rotation_in_degrees_is_counter_clockwise(quarter_turns, degrees):
    a, b = [(1, 0), (0, -1), (-1, 0), (0, 1)][quarter_turns]
    orientation = Orientation.from_matrix(matrix(a, b, -b, a))
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(orientation.apply(pixels), np.rot90(pixels, quarter_turns))
    assert orientation.rotation_deg == degrees
    assert not orientation.mirrored
    assert orientation.exact


def test_mirrors():
    assert Orientation.from_matrix(matrix(-1, 0, 0, 1)).mirrored
    assert Orientation.from_matrix(matrix(1, 0, 0, -1)).mirrored
    assert Orientation.from_matrix(matrix(0, 1, 1, 0)).mirrored


def test_odd_angles_go_to_the_nearest_right_angle():
    angle = np.radians(80)
    c, s = int(np.cos(angle) * ONE), int(np.sin(angle) * ONE)
    odd = Orientation.from_matrix(np.array([c, -s, 0, s, c, 0, 0, 0, 1 << 30], dtype=np.int32))
    assert odd.rotation_deg == 90
    assert not odd.exact


def test_an_empty_matrix_means_upright():
    assert Orientation.from_matrix(np.zeros(9, np.int32)) == Orientation()


@settings(deadline=None)
@given(
    height=st.integers(1, 9000), width=st.integers(1, 9000), side=st.integers(1, 9000) | st.none()
)
def test_fitted_size_bounds_the_longer_side_and_keeps_the_aspect(height, width, side):
    new = fitted_size(height, width, side)
    assert min(new) >= 1
    assert new[0] <= height
    assert new[1] <= width
    if side is None or max(height, width) <= side:
        assert new == (height, width)
        return
    assert max(new) == side
    assert abs(new[0] - height * side / max(height, width)) <= 1
    assert abs(new[1] - width * side / max(height, width)) <= 1


def test_shrinking_averages_areas():
    fine = np.zeros((1, 64, 64, 3), np.uint8)
    fine[:, ::2, ::2] = 255  # one pixel of four
    coarse = shrink(fine, 16)
    assert coarse.shape == (1, 16, 16, 3)
    np.testing.assert_allclose(coarse, 255 / 4, atol=1.5)


def test_shrinking_keeps_places():
    pixels = np.zeros((1, 80, 160, 3), np.uint8)
    pixels[:, 40:48, 120:128, 0] = 255
    small = shrink(pixels, 20)[0, ..., 0]
    assert np.unravel_index(small.argmax(), small.shape) == (5, 15)


def test_nothing_is_enlarged_or_copied_without_need():
    pixels = np.zeros((2, 20, 30, 3), np.uint8)
    assert shrink(pixels, 100) is pixels


@settings(deadline=None)
@given(seed=st.integers(0, 20), width=st.integers(16, 90))
def test_converting_without_scaling_keeps_rgb_exactly(seed, width):
    pixels = np.random.default_rng(seed).integers(0, 256, (24, width, 3), dtype=np.uint8)
    out = np.empty_like(pixels)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    FrameConverter(Orientation(), 24, width).write(frame, out)
    np.testing.assert_array_equal(out, pixels)


def test_a_rotated_frame_is_scaled_before_it_is_turned():
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, 32:] = 200
    out = np.empty((32, 16, 3), np.uint8)
    turned = Orientation(swap_axes=True, flip_y=True)  # 90 degrees counter-clockwise
    FrameConverter(turned, 32, 16).write(av.VideoFrame.from_ndarray(pixels, format="rgb24"), out)
    assert out[:14].min() > 180  # the right half is now on top
    assert out[18:].max() < 20
