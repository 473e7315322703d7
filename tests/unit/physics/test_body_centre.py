"""The middle of a body behind the surface that is seen."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import MaskTrack, MovingObject, Reconstruction
from pavas_sdk.physics import CentroidVelocityEstimator
from pavas_sdk.physics.body_centre import bulge_m, near_median_depth
from pavas_sdk.simulation import SceneConfig, simulate

CAMERA = np.array([0.3, -0.2, 0.1])


def seen(centre, radius, *, side=60, field=0.6):
    """Points of a ball that a pinhole camera at CAMERA sees, (N, 3)."""
    ahead = (centre - CAMERA) / np.linalg.norm(centre - CAMERA)
    right = np.cross(ahead, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    half = field * radius / np.linalg.norm(centre - CAMERA) * 2.2
    steps = np.linspace(-half, half, side)
    rays = ahead + steps[:, None, None] * right + steps[None, :, None] * down
    rays = rays.reshape(-1, 3) / np.linalg.norm(rays.reshape(-1, 3), axis=1, keepdims=True)
    along = rays @ (centre - CAMERA)
    under = radius**2 - (np.sum((centre - CAMERA) ** 2) - along**2)
    hit = under > 0
    return CAMERA + rays[hit] * (along[hit] - np.sqrt(under[hit]))[:, None]


@pytest.mark.parametrize("radius", [0.05, 0.3])
def test_a_ball(radius):
    centre = np.array([1.0, 2.0, 0.4])
    points = seen(centre, radius)
    away = points.mean(axis=0) - CAMERA
    found = points.mean(axis=0) + bulge_m(points, CAMERA) * away / np.linalg.norm(away)
    assert np.linalg.norm(found - centre) < 0.03 * radius
    assert np.linalg.norm(points.mean(axis=0) - centre) > 0.6 * radius


def test_planes_have_no_bulge_however_tilted():
    rng = np.random.default_rng(0)
    flat = rng.uniform(-0.1, 0.1, (500, 2))
    for tilt in (0.0, 0.5, 2.0):
        points = np.column_stack([flat, 2.0 + tilt * flat[:, 0] - 0.3 * tilt * flat[:, 1]])
        assert abs(bulge_m(points, np.zeros(3))) < 1e-3


def test_too_little_to_say():
    assert np.isnan(bulge_m(np.ones((5, 3)), np.zeros(3)))
    line = np.column_stack([np.linspace(0, 1, 50), np.zeros(50), np.full(50, 2.0)])
    assert np.isnan(bulge_m(line, np.zeros(3)))
    assert np.isnan(bulge_m(np.zeros((20, 3)), np.zeros(3)))


def test_background_points_lie_far_behind():
    points = seen(np.array([1.0, 2.0, 0.4]), 0.1)
    wall = points[: len(points) // 3] + 2.0 * (points[: len(points) // 3] - CAMERA)
    kept = near_median_depth(np.concatenate([points, wall]), CAMERA, 4.0)
    assert kept[: len(points)].mean() > 0.97
    assert not kept[len(points) :].any()


def moving_ball(*, wall=False):
    """A ball of 10 cm that passes the camera sideways at 2 m/s."""
    times = np.arange(12) / 25
    frames, masks = [], []
    for time_s in times:
        points = seen(np.array([-0.5 + 2.0 * time_s, 1.6, 0.1]), 0.1, side=40)
        grid = np.full((31, 30, 3), np.nan)
        grid.reshape(-1, 3)[: len(points)] = points
        mask = np.zeros((31, 30), dtype=bool)
        mask.ravel()[: len(points)] = True
        if wall:
            grid[30] = [0.0, 9.0, 0.0]
            mask[30] = True
        frames.append(grid)
        masks.append(mask)
    pose = np.eye(4)
    pose[:3, 3] = CAMERA
    points_m = np.array(frames)
    return (
        [MovingObject(object_id=0, label="ball")],
        {
            0: MaskTrack(
                object_id=0,
                masks=np.array(masks),
                times_s=times,
                scores=np.ones(12, dtype=np.float32),
            )
        },
        Reconstruction(
            points_m=np.nan_to_num(points_m),
            confidence=np.isfinite(points_m).all(axis=-1).astype(np.float32),
            camera_to_world=np.repeat(pose[None], 12, axis=0),
            times_s=times,
        ),
    )


def speed_of(case, **options):
    estimator = CentroidVelocityEstimator(**options)
    return estimator.estimate_velocity(*case, rng=np.random.default_rng(0))[0].speed_m_s()


def test_the_body_moves_more_than_its_surface():
    body, surface = speed_of(moving_ball()), speed_of(moving_ball(), centre="surface")
    assert np.median(body) == pytest.approx(2.0, rel=0.01)
    assert np.median(surface) < 1.96


def test_background_under_the_mask_is_left_out():
    assert np.median(speed_of(moving_ball(wall=True))) == pytest.approx(2.0, rel=0.01)
    plain = speed_of(moving_ball(wall=True), centroid="mean", centre="surface", depth_mads=0.0)
    assert abs(np.median(plain) / 2.0 - 1) > 0.02


@pytest.mark.parametrize("camera", ["still", "pan"])
def test_simulated_throws_within_two_percent(camera):
    """The full table is benchmarks/velocity.py; here two clips, so that a slip is noticed."""
    config = SceneConfig(
        duration_s=1.2,
        height=144,
        width=256,
        action="throw",
        camera=camera,
        blur_samples=1,
        noise=False,
        compression=False,
        sample_rate_hz=4000,
    )
    errors = []
    for seed in (5, 6):
        simulation = simulate(seed, config)
        clip = simulation.clip
        paths = CentroidVelocityEstimator().estimate_velocity(
            clip.objects, clip.masks, simulation.reconstruction(), rng=np.random.default_rng(0)
        )
        for object_id, path in paths.items():
            speed, truth = path.speed_m_s(), clip.physics[object_id].speed_m_s
            used = np.isfinite(speed) & (truth > 0.25 * truth.max())
            errors.append(np.median(np.abs(speed[used] / truth[used] - 1)))
            seen_here = clip.masks[object_id].visible
            assert np.isnan(speed[~(seen_here[1:] & seen_here[:-1])]).all()
    assert np.median(errors) < 0.02
