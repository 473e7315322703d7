"""Camera motion against known pans, turns and zooms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.camera_motion import (
    _brightness,
    _register,
    _shift,
    _template,
    _to_pixels,
    estimate_camera_motion,
)
from scenes import clock, quick, render, seen_at, straight, wall
from scipy import ndimage


def similarity(zoom=1.0, turn_rad=0.0, shift=(0.0, 0.0)):
    """(2, 3): x' = zoom R x + shift."""
    c, s = zoom * np.cos(turn_rad), zoom * np.sin(turn_rad)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def looking(matrices, size=(60, 80), margin=30):
    """Frames whose pixel p shows the wall at ``matrix @ p``."""
    room = wall(size[0] + 2 * margin, size[1] + 2 * margin)
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    points = np.stack([x, y, np.ones_like(x)]).reshape(3, -1).astype(float)
    frames = []
    for matrix in matrices:
        column, row = (matrix @ points + margin).reshape(2, *size)
        frames.append(seen_at(room, (row, column)))
    return np.rint(np.stack(frames)).astype(np.uint8)


def to_reference(matrices):
    """What is expected: each frame's matrix, seen from the middle frame."""
    full = [np.vstack([matrix, [0, 0, 1]]) for matrix in matrices]
    back = np.linalg.inv(full[len(full) // 2])
    return np.array([(back @ matrix)[:2] for matrix in full])


def corner_error_px(matrix, expected, size=(60, 80)):
    """Largest distance between where both put the corners."""
    h, w = size
    corners = np.array([[0, 0, 1], [w, 0, 1], [0, h, 1], [w, h, 1]]).T
    return np.linalg.norm((matrix - expected) @ corners, axis=1).max()


def test_a_still_camera():
    found = estimate_camera_motion(render([], frames=12).frames)
    assert not found.moving
    np.testing.assert_array_equal(found.matrix, np.tile(np.eye(2, 3), (12, 1, 1)))
    assert 0 < found.residual < 1.0


def test_a_shift_below_a_quarter_pixel_is_still():
    camera = np.zeros((9, 2))
    camera[6:, 0] = 0.12
    assert not estimate_camera_motion(render([], camera=camera).frames).moving
    camera[6:, 0] = 0.6
    assert estimate_camera_motion(render([], camera=camera).frames).moving


@pytest.mark.parametrize("speed", [(0.8, 0.0), (-0.5, 0.9), (2.5, 0.3)])
def test_a_pan(speed):
    camera = np.outer(np.arange(24), speed)
    found = estimate_camera_motion(render([], camera=camera).frames)
    assert found.moving
    expected = camera - camera[12]
    np.testing.assert_allclose(found.matrix[:, :, 2], expected, atol=0.35)
    np.testing.assert_allclose(found.matrix[:, :, :2], np.tile(np.eye(2), (24, 1, 1)), atol=0.01)


def test_a_pan_far_beyond_the_picture_is_chained_over_key_frames():
    camera = np.outer(np.arange(90), (2.0, 0.0))  # 180 px of a picture 80 px wide
    found = estimate_camera_motion(render([], camera=camera).frames)
    np.testing.assert_allclose(found.matrix[:, 0, 2], camera[:, 0] - 90.0, atol=1.5)


def test_a_shake():
    camera = np.random.default_rng(5).normal(scale=1.5, size=(20, 2))
    found = estimate_camera_motion(render([], camera=camera).frames)
    assert np.abs(found.matrix[:, :, 2] - (camera - camera[10])).max() < 0.25


@quick
@given(
    zoom=st.floats(0.96, 1.04),
    turn=st.floats(-0.04, 0.04),
    x=st.floats(-3, 3),
    y=st.floats(-3, 3),
)
def test_a_turn_and_a_zoom(zoom, turn, x, y):
    matrices = [similarity(zoom, turn, (x, y)), similarity(), similarity()]
    found = estimate_camera_motion(looking(matrices))
    for matrix, expected in zip(found.matrix, to_reference(matrices), strict=True):
        assert corner_error_px(matrix, expected) < 0.5


def test_a_small_disc_does_not_move_the_camera():
    path = straight(clock(24), (10, 30), (55.0, 0.0))
    assert not estimate_camera_motion(render([path]).frames).moving
    camera = np.outer(np.arange(24), (0.8, 0.0))
    found = estimate_camera_motion(render([path], camera=camera).frames)
    np.testing.assert_allclose(found.matrix[:, :, 2], camera - camera[12], atol=0.4)


def test_brighter_light_is_no_motion():
    assert not estimate_camera_motion(render([], light=np.linspace(0.9, 1.1, 20)).frames).moving


def test_without_texture_nothing_can_be_said():
    frames = np.full((9, 40, 40, 3), 128, np.uint8)
    frames[4:, 10:30] += 1
    found = estimate_camera_motion(frames)
    assert not found.moving
    assert found.residual == 0.0


def test_one_frame_is_still():
    found = estimate_camera_motion(render([], frames=1).frames)
    assert not found.moving
    assert found.matrix.shape == (1, 2, 3)


def test_a_large_picture_is_registered_small_and_answered_in_its_own_pixels():
    camera = np.outer(np.arange(9), (3.0, 0.0))
    found = estimate_camera_motion(render([], camera=camera, size=(144, 192)).frames)
    np.testing.assert_allclose(found.matrix[:, 0, 2], camera[:, 0] - 12.0, atol=0.6)


def test_brightness_is_a_box_over_weighted_colours():
    frames = np.random.default_rng(0).integers(0, 256, (2, 12, 15, 3), dtype=np.uint8)
    grey = frames.astype(float) @ [0.25, 0.5, 0.25]
    expected = ndimage.uniform_filter(grey, (0, 3, 3), mode="nearest")
    np.testing.assert_allclose(_brightness(frames), expected, rtol=1e-6)


@quick
@given(zoom=st.floats(0.8, 1.2), turn=st.floats(-1, 1), x=st.floats(-1, 1), y=st.floats(-1, 1))
def test_centred_units_and_pixels_say_the_same(zoom, turn, x, y):
    warp = np.vstack([similarity(zoom, turn, (x, y)), [0, 0, 1]])
    small, step = (30, 40), 2
    matrix = _to_pixels(warp[None], small, step)[0]
    unit, centre = 0.5 * 30 * step, np.array([79, 59]) / 2
    for pixel in np.array([[0.0, 0.0], [79.0, 0.0], [13.0, 57.0]]):
        centred = warp @ np.append((pixel - centre) / unit, 1)
        np.testing.assert_allclose(
            matrix @ np.append(pixel, 1), centred[:2] * unit + centre, atol=1e-9
        )


def test_shift_is_the_largest_of_a_corner_in_pixels():
    assert _shift(np.eye(3), (30, 40)) == 0.0
    warp = np.eye(3)
    warp[0, 2] = 0.2
    assert _shift(warp, (30, 40)) == pytest.approx(0.2 * 15)
    turned = np.vstack([similarity(turn_rad=0.1), [0, 0, 1]])
    assert _shift(turned, (30, 40)) == pytest.approx(
        20 * (1 - np.cos(0.1)) + 15 * np.sin(0.1), abs=0.6
    )


def test_registration_of_a_picture_with_itself_is_the_identity():
    grey = wall(40, 50)[..., 0].astype(np.float32)
    template = _template(grey, np.eye(3))
    warp, residual = _register(template, grey, np.eye(3))
    np.testing.assert_allclose(warp, np.eye(3), atol=1e-9)
    assert residual == 0.0


def test_registration_ignores_a_covered_quarter():
    room = wall(60, 70)[..., 0].astype(np.float32)
    template = _template(room[5:45, 5:55], np.eye(3))
    moved = room[5:45, 7:57].copy()
    moved[:20, :25] = 250.0
    warp, _ = _register(template, moved, np.eye(3))
    assert warp[0, 2] * 20 == pytest.approx(-2.0, abs=0.1)


def test_strong_things_that_move_together_are_no_camera():
    """A third of the picture is a striped thing that slides; the wall behind it stands still."""
    times = np.arange(30)
    frames = np.repeat(wall(64, 96, roughness=8.0)[None], times.size, axis=0)
    stripes = np.where(np.arange(160) // 4 % 2, 30.0, 220.0)
    for t in times:
        frames[t, :22] = stripes[t : t + 96, None]
    assert not estimate_camera_motion(frames.astype(np.uint8)).moving


@pytest.mark.parametrize("drift", [0.1, 0.4])
def test_a_slow_drift_of_the_camera_is_seen_behind_a_mover(drift):
    times = np.arange(30)
    camera = np.outer(times, (drift, 0.0))
    scene = render([straight(times / 25, (20, 30), (30.0, 0.0))], camera=camera, roughness=25.0)
    found = estimate_camera_motion(scene.frames)
    assert found.moving
    moved = found.matrix[-1, :, 2] - found.matrix[0, :, 2]
    np.testing.assert_allclose(moved, camera[-1] - camera[0], atol=0.5)
