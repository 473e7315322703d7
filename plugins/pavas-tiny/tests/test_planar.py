"""The plane, its metres, and objects on their paths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pavas_tiny.motion import MotionDetector, MotionSegmenter
from pavas_tiny.planar import PlanarReconstructor
from scenes import ballistic, clock, render, straight

from pavas_sdk import Video
from pavas_sdk.media import MemorySource

M_PER_PX = 0.01
TIMES = clock(40)
FALL_PX_S2 = 9.81 / 1.06 / M_PER_PX / 12  # slowed down, so that it stays in the picture
TIME_SCALE = math.sqrt(12.0)
ARC = ballistic(TIMES, (8, 40), (38.0, -55.0), FALL_PX_S2)
RNG = np.random.default_rng(0)


def reconstruct(scene, *, prompt="", time_scale=1.0, **settings):
    source = MemorySource(Video(frames=scene.frames, times_s=scene.times_s, time_scale=time_scale))
    found = MotionDetector().detect(source, prompt=prompt, rng=RNG)
    masks = MotionSegmenter().segment(source, found, rng=RNG)
    points = PlanarReconstructor(**settings).reconstruct(
        source, objects=found, masks=masks, rng=RNG
    )
    return points, masks


def scale_of(points):
    """Metres per pixel of the background."""
    return float(np.linalg.norm(points.points_m[0, 0, 1] - points.points_m[0, 0, 0]))


def path_m(points, masks, object_id=0):
    """Mean point of an object per frame, x and y."""
    return np.array(
        [
            points.points_m[t][mask][:, :2].mean(axis=0) if mask.any() else (np.nan, np.nan)
            for t, mask in enumerate(masks[object_id].masks)
        ]
    )


@pytest.mark.parametrize("radius", [4.0, 7.0])
def test_gravity_is_a_ruler(radius):
    """Balls of 8 and 14 cm; the prior expects 9 cm and pulls a little."""
    points, _ = reconstruct(render([ARC], radius=radius), time_scale=TIME_SCALE)
    assert points.scale_source == "gravity"
    assert points.is_metric
    assert scale_of(points) == pytest.approx(M_PER_PX, rel=0.05)
    assert points.scale_log_std < 0.2


def test_slow_motion_is_reckoned_with():
    """The same picture, twice as slow: all is four times as small; the size prior pulls a little."""
    points, _ = reconstruct(render([ARC]), time_scale=2 * TIME_SCALE)
    assert points.scale_source == "gravity"
    assert 1.03 * M_PER_PX / 4 < scale_of(points) < 1.13 * M_PER_PX / 4


def test_horizontal_motion_gives_no_gravity():
    points, _ = reconstruct(render([straight(TIMES, (10, 30), (38.0, 0.0))], radius=5.0))
    assert points.scale_source == "size-prior"
    assert scale_of(points) == pytest.approx(0.045 / 5.0, rel=0.06)


def test_a_named_thing_gives_its_size():
    points, _ = reconstruct(
        render([straight(TIMES, (10, 30), (38.0, 0.0))], radius=5.0), prompt="a tennis ball"
    )
    assert points.scale_source == "label"
    assert scale_of(points) == pytest.approx(0.0335 / 5.0, rel=0.06)


def test_the_user_knows_best():
    scene = render([ARC])
    points, _ = reconstruct(scene, metres_per_pixel=0.02)
    assert points.scale_source == "user"
    assert scale_of(points) == pytest.approx(0.02)
    assert points.scale_log_std == 0.0
    points, _ = reconstruct(scene, object_size_m=0.3)
    assert points.scale_source == "user-size"
    assert scale_of(points) == pytest.approx(0.15 / 6.0, rel=0.05)


def test_the_users_scale_is_in_pixels_of_the_original():
    scene = render([straight(TIMES, (20, 60), (76.0, 0.0))], size=(128, 192), radius=12.0)
    points, _ = reconstruct(scene, metres_per_pixel=0.02)
    assert points.points_m.shape[2] == 160
    assert scale_of(points) == pytest.approx(0.02 * 192 / 160, rel=1e-4)


def test_without_objects_there_is_a_plane_without_metres():
    points, _ = reconstruct(render([], frames=10))
    assert points.scale_source == "none"
    assert not points.is_metric
    assert points.points_m.shape == (10, 64, 80, 3)
    assert scale_of(points) == pytest.approx(1 / 80)


def test_the_plane_faces_the_camera():
    points, _ = reconstruct(render([], frames=5), metres_per_pixel=0.01)
    np.testing.assert_allclose(points.points_m[..., 2], 0.01 * 1.2 * 80, rtol=1e-6)
    np.testing.assert_allclose(points.camera_to_world, np.tile(np.eye(4), (5, 1, 1)))
    # seen through the camera, each point falls on its own pixel
    seen = points.points_m[0] @ points.intrinsics[0].T
    y, x = np.mgrid[0:64, 0:80]
    np.testing.assert_allclose(seen[..., 0] / seen[..., 2], x, atol=1e-4)
    np.testing.assert_allclose(seen[..., 1] / seen[..., 2], y, atol=1e-4)


def test_a_panning_camera_travels_and_the_wall_stays():
    camera = np.outer(np.arange(20), (1.0, 0.0))
    points, _ = reconstruct(render([], camera=camera), metres_per_pixel=0.01)
    middle = points.points_m[:, 32, 40, 0]
    np.testing.assert_allclose(np.diff(middle), 0.01, atol=0.0015)
    np.testing.assert_allclose(np.diff(points.camera_to_world[:, 0, 3]), 0.01, atol=0.0015)
    np.testing.assert_allclose(points.camera_to_world[10], np.eye(4), atol=1e-9)


def test_objects_travel_as_they_do():
    points, masks = reconstruct(render([ARC]), metres_per_pixel=M_PER_PX)
    path = path_m(points, masks)
    true = (ARC - (79 / 2, 63 / 2)) * M_PER_PX
    seen = np.isfinite(path[:, 0])
    assert seen.sum() > 35
    np.testing.assert_allclose(path[seen], true[seen], atol=0.003)


def test_a_smooth_path_shakes_less():
    scene = render([ARC], noise=4.0)
    shaken = [
        np.diff(path_m(*reconstruct(scene, metres_per_pixel=M_PER_PX, smooth=smooth)), 3, axis=0)
        for smooth in (True, False)
    ]
    calm, raw = (np.nanmedian(np.linalg.norm(third, axis=1)) for third in shaken)
    assert calm < 0.6 * raw


def test_under_a_panning_camera_an_object_keeps_its_own_speed():
    path = straight(TIMES, (12, 30), (50.0, 0.0))
    camera = np.outer(np.arange(40), (0.8, 0.0))
    points, masks = reconstruct(render([path], camera=camera), metres_per_pixel=M_PER_PX)
    speed = np.diff(path_m(points, masks)[:, 0]) * 25
    assert np.nanmedian(speed) == pytest.approx(0.5, rel=0.04)  # not 0.3 as in the picture
