from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.simulation import simulate
from pavas_sdk.simulation.compression import through_h264
from pavas_sdk.simulation.render import render_frames
from tests.unit.simulation.conftest import SMALL


def project(points, pose, matrix):
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    return (local / local[..., 2:]) @ matrix.T


@pytest.mark.parametrize("camera", ["still", "pan", "dolly"])
def test_points_reproject_into_their_pixels(simulation_of, camera):
    simulated = simulation_of("throw", camera)
    truth = simulated.reconstruction(simulated.clip.video.times_s[::10])
    rows, columns = np.mgrid[:48, :64]
    for k in range(truth.times_s.size):
        assert np.isfinite(truth.points_m[k]).all()
        pixels = project(
            truth.points_m[k].astype(float), truth.camera_to_world[k], truth.intrinsics[k]
        )
        np.testing.assert_allclose(pixels[..., 0], columns, atol=0.01)
        np.testing.assert_allclose(pixels[..., 1], rows, atol=0.01)


def test_points_lie_on_floor_walls_or_things(simulation_of):
    simulated = simulation_of("drop")
    room = simulated.scene.room
    points = simulated.reconstruction(simulated.clip.video.times_s[:1]).points_m[0].astype(float)
    background = ~np.any([track.masks[0] for track in simulated.clip.masks.values()], axis=0)
    assert simulated.scene.pillar is None
    away = np.min(
        np.abs([points[..., 2], points[..., 1] - room.back_m, points[..., 0] - room.left_m,
                points[..., 0] - room.right_m]), axis=0,
    )  # fmt: skip
    still = [i for i in range(len(simulated.scene.objects)) if i not in simulated.object_of_body]
    if not still:
        assert away[background].max() < 1e-3


@pytest.mark.parametrize("camera", ["still", "shake"])
def test_masks_agree_with_the_projection_of_a_ball(simulation_of, camera):
    checked = 0
    for seed in range(1, 4):
        simulated = simulation_of("throw", camera, seed)
        for body, object_id in simulated.object_of_body.items():
            item = simulated.scene.objects[body]
            if item.shape != "sphere" or simulated.scene.pillar is not None:
                continue
            radius = item.dims_m[0]
            path = simulated.trajectory(object_id).centroids_m
            for k in range(0, 50, 7):
                pose, matrix = simulated.camera_to_world[k], simulated.intrinsics[k]
                u, v, _ = project(path[k][None], pose, matrix)[0]
                offset = (path[k] - pose[:3, 3]) @ pose[:3, :3]
                depth = offset[2] ** 2 - radius**2
                minor = matrix[0, 0] * radius / np.sqrt(depth)
                # a ball off the optical axis is seen as an ellipse
                size = minor * np.sqrt((offset @ offset - radius**2) / depth)
                if not (size < u < 63 - size and size < v < 47 - size):
                    continue
                mask = simulated.clip.masks[object_id].masks[k]
                others = [
                    m.masks[k].any() for i, m in simulated.clip.masks.items() if i != object_id
                ]
                if not mask.any() or any(others):
                    continue
                rows, columns = np.nonzero(mask)
                assert columns.mean() == pytest.approx(u, abs=0.6)
                assert rows.mean() == pytest.approx(v, abs=0.6)
                assert mask.sum() == pytest.approx(np.pi * size * minor, rel=0.12, abs=5)
                checked += 1
    assert checked >= 3


def test_points_under_a_ball_mask_lie_on_the_ball(simulation_of):
    simulated = simulation_of("throw")
    (body, object_id), *_ = simulated.object_of_body.items()
    item = simulated.scene.objects[body]
    assert item.shape == "sphere"
    truth = simulated.reconstruction()
    path = simulated.trajectory(object_id).centroids_m
    seen = np.flatnonzero(simulated.clip.masks[object_id].visible)
    assert seen.size > 10
    for k in seen:
        points = truth.points_m[k][simulated.clip.masks[object_id].masks[k]]
        distance = np.linalg.norm(points - path[k], axis=1)
        np.testing.assert_allclose(distance, item.dims_m[0], rtol=1e-3)


def test_redrawing_only_what_changed_draws_the_same_truth(simulation_of):
    """A still camera's shortcuts give the masks that plain ray casting gives."""
    for action in ("collide", "strike", "drop"):
        simulated = simulation_of(action)
        maps = simulated.reconstruction().points_m
        for object_id, track in simulated.clip.masks.items():
            path = simulated.trajectory(object_id).centroids_m
            body = next(b for b, i in simulated.object_of_body.items() if i == object_id)
            reach = simulated.scene.objects[body].size_m * 2.5
            for k in range(0, 50, 9):
                points = maps[k][track.masks[k]]
                assert (np.linalg.norm(points - path[k], axis=1) < reach).all()


def test_moving_things_change_the_picture_and_nothing_else_does(simulation_of):
    simulated = simulation_of("drop")
    scene = replace(simulated.scene, config=replace(simulated.scene.config, noise=False))
    frames = render_frames(scene, simulated.motion).frames.astype(int)
    union = np.any([t.masks for t in simulated.clip.masks.values()], axis=0)
    moved = np.abs(frames[0] - frames[-1]).max(axis=-1)
    assert moved[union[0] & ~union[-1]].max(initial=0) > 10 or not (union[0] & ~union[-1]).any()
    held = [f for f in range(50) if f / 25 < min(o.release_s for o in scene.objects) - 0.04]
    for f in held:
        np.testing.assert_array_equal(frames[f], frames[0])


def test_pictures_are_the_same_to_the_bit_and_noise_can_be_left_out():
    config = replace(SMALL, action="drop", camera="shake", duration_s=1.5)
    one, two = simulate(5, config).clip, simulate(5, config).clip
    np.testing.assert_array_equal(one.video.frames, two.video.frames)
    quiet = simulate(5, replace(config, noise=False)).clip
    assert (quiet.video.frames != one.video.frames).any()
    assert set(one.masks) == set(quiet.masks) != set()
    for object_id, track in one.masks.items():
        np.testing.assert_array_equal(track.masks, quiet.masks[object_id].masks)


@pytest.mark.parametrize(("height", "width", "fps"), [(36, 64, 30.0), (65, 33, 24.0)])
def test_other_sizes_and_rates(height, width, fps):
    simulated = simulate(3, replace(SMALL, height=height, width=width, fps=fps, duration_s=0.5))
    assert simulated.clip.video.frames.shape == (round(0.5 * fps), height, width, 3)
    assert simulated.clip.video.times_s[1] == pytest.approx(1 / fps)
    assert simulated.clip.video.duration_s == pytest.approx(0.5)


def test_pictures_are_neither_black_nor_burnt_out(simulation_of):
    means = [
        simulation_of(action, camera).clip.video.frames.mean()
        for action in ("drop", "throw", "strike", "collide")
        for camera in ("still", "pan")
    ]
    assert min(means) > 30
    assert max(means) < 245


def test_compression_keeps_shape_and_content():
    frames = simulate(2, replace(SMALL, height=47, width=63, duration_s=0.4)).clip.video.frames
    out = through_h264(frames, 25.0, 20)
    assert out.shape == frames.shape
    error = np.abs(out.astype(int) - frames.astype(int)).mean()
    assert 0.1 < error < 12.0
    np.testing.assert_array_equal(out, through_h264(frames, 25.0, 20))
    worse = through_h264(frames, 25.0, 40)
    assert np.abs(worse.astype(int) - frames.astype(int)).mean() > error
