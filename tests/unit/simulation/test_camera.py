from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.simulation import CAMERAS
from pavas_sdk.simulation.camera import camera_poses, intrinsics


@pytest.mark.parametrize("kind", CAMERAS)
def test_poses_are_rigid_and_move_only_when_asked(simulation_of, kind):
    simulated = simulation_of("drop", kind)
    poses = simulated.camera_to_world
    assert poses.shape == (50, 4, 4)
    turn = poses[:, :3, :3]
    np.testing.assert_allclose(
        turn @ turn.transpose(0, 2, 1), np.eye(3)[None] + 0 * turn, atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(turn), 1.0)
    assert (poses == poses[:1]).all() == (kind == "still")
    assert (poses[:, 2, 3] > 0).all(), "the camera stays above the floor"


def test_the_camera_looks_at_its_target(simulation_of):
    simulated = simulation_of("throw")
    path = simulated.scene.camera
    pose = camera_poses(path, np.zeros(1))[0]
    local = np.linalg.inv(pose) @ [*path.target_m, 1.0]
    assert local[2] == pytest.approx(path.distance_m, rel=0.05)
    np.testing.assert_allclose(local[:2], 0.0, atol=0.05 * path.distance_m)


def test_field_of_view_spans_the_shorter_side(simulation_of):
    path = simulation_of("drop").scene.camera
    matrix = intrinsics(path, 48, 64)
    assert np.rad2deg(2 * np.arctan(24 / matrix[0, 0])) == pytest.approx(
        np.rad2deg(path.field_of_view_rad)
    )
    np.testing.assert_array_equal(matrix[:2, 2], [31.5, 23.5])


def test_impacts_mostly_happen_in_the_picture(worlds):
    inside = total = 0
    for scene, motion in worlds:
        config = scene.config
        matrix = intrinsics(scene.camera, config.height, config.width)
        for contact in motion.collisions:
            pose = camera_poses(scene.camera, np.array([contact.time_s]))[0]
            x, y, z = (np.linalg.inv(pose) @ [*contact.point_m, 1.0])[:3]
            u, v = (matrix @ [x / z, y / z, 1.0])[:2]
            inside += z > 0 and -0.5 <= u < config.width - 0.5 and -0.5 <= v < config.height - 0.5
            total += 1
    assert inside / total > 0.85
