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
def test_points_reproject_into_their_pixels(clip_of, camera):
    clip = clip_of("throw", camera)
    truth = clip.reconstruction(clip.video.times_s[::10])
    rows, columns = np.mgrid[:48, :64]
    for k in range(truth.times_s.size):
        assert np.isfinite(truth.points_m[k]).all()
        pixels = project(
            truth.points_m[k].astype(float), truth.camera_to_world[k], truth.intrinsics[k]
        )
        np.testing.assert_allclose(pixels[..., 0], columns, atol=0.01)
        np.testing.assert_allclose(pixels[..., 1], rows, atol=0.01)


def test_points_lie_on_floor_walls_or_things(clip_of):
    clip = clip_of("drop")
    room = clip.scene.room
    points = clip.reconstruction(clip.video.times_s[:1]).points_m[0].astype(float)
    background = ~np.any([track.masks[0] for track in clip.masks.values()], axis=0)
    assert clip.scene.pillar is None
    away = np.min(
        np.abs([points[..., 2], points[..., 1] - room.back_m, points[..., 0] - room.left_m,
                points[..., 0] - room.right_m]), axis=0,
    )  # fmt: skip
    still = [i for i in range(len(clip.scene.objects)) if i not in clip.object_of_body]
    if not still:
        assert away[background].max() < 1e-3


@pytest.mark.parametrize("camera", ["still", "shake"])
def test_masks_agree_with_the_projection_of_a_ball(clip_of, camera):
    checked = 0
    for seed in range(1, 4):
        clip = clip_of("throw", camera, seed)
        for body, object_id in clip.object_of_body.items():
            item = clip.scene.objects[body]
            if item.shape != "sphere" or clip.scene.pillar is not None:
                continue
            radius = item.dims_m[0]
            path = clip.trajectory(object_id).centroids_m
            for k in range(0, 50, 7):
                pose, matrix = clip.camera_to_world[k], clip.intrinsics[k]
                u, v, _ = project(path[k][None], pose, matrix)[0]
                offset = (path[k] - pose[:3, 3]) @ pose[:3, :3]
                depth = offset[2] ** 2 - radius**2
                minor = matrix[0, 0] * radius / np.sqrt(depth)
                # a ball off the optical axis is seen as an ellipse
                size = minor * np.sqrt((offset @ offset - radius**2) / depth)
                if not (size < u < 63 - size and size < v < 47 - size):
                    continue
                mask = clip.masks[object_id].masks[k]
                others = [m.masks[k].any() for i, m in clip.masks.items() if i != object_id]
                if not mask.any() or any(others):
                    continue
                rows, columns = np.nonzero(mask)
                assert columns.mean() == pytest.approx(u, abs=0.6)
                assert rows.mean() == pytest.approx(v, abs=0.6)
                assert mask.sum() == pytest.approx(np.pi * size * minor, rel=0.12, abs=5)
                checked += 1
    assert checked >= 3


def test_points_under_a_ball_mask_lie_on_the_ball(clip_of):
    clip = clip_of("throw")
    (body, object_id), *_ = clip.object_of_body.items()
    item = clip.scene.objects[body]
    assert item.shape == "sphere"
    truth = clip.reconstruction()
    path = clip.trajectory(object_id).centroids_m
    seen = np.flatnonzero(clip.masks[object_id].visible)
    assert seen.size > 10
    for k in seen:
        points = truth.points_m[k][clip.masks[object_id].masks[k]]
        distance = np.linalg.norm(points - path[k], axis=1)
        np.testing.assert_allclose(distance, item.dims_m[0], rtol=1e-3)


def test_redrawing_only_what_changed_draws_the_same_truth(clip_of):
    """A still camera's shortcuts give the masks that plain ray casting gives."""
    for action in ("collide", "strike", "drop"):
        clip = clip_of(action)
        maps = clip.reconstruction().points_m
        for object_id, track in clip.masks.items():
            path = clip.trajectory(object_id).centroids_m
            body = next(b for b, i in clip.object_of_body.items() if i == object_id)
            reach = clip.scene.objects[body].size_m * 2.5
            for k in range(0, 50, 9):
                points = maps[k][track.masks[k]]
                assert (np.linalg.norm(points - path[k], axis=1) < reach).all()


def test_moving_things_change_the_picture_and_nothing_else_does(clip_of):
    clip = clip_of("drop")
    scene = replace(clip.scene, config=replace(clip.scene.config, noise=False))
    frames = render_frames(scene, clip.motion).frames.astype(int)
    union = np.any([t.masks for t in clip.masks.values()], axis=0)
    moved = np.abs(frames[0] - frames[-1]).max(axis=-1)
    assert moved[union[0] & ~union[-1]].max(initial=0) > 10 or not (union[0] & ~union[-1]).any()
    held = [f for f in range(50) if f / 25 < min(o.release_s for o in scene.objects) - 0.04]
    for f in held:
        np.testing.assert_array_equal(frames[f], frames[0])


def test_pictures_are_the_same_to_the_bit_and_noise_can_be_left_out():
    config = replace(SMALL, action="drop", camera="shake", duration_s=1.5)
    one, two = simulate(5, config), simulate(5, config)
    np.testing.assert_array_equal(one.video.frames, two.video.frames)
    quiet = simulate(5, replace(config, noise=False))
    assert (quiet.video.frames != one.video.frames).any()
    assert set(one.masks) == set(quiet.masks) != set()
    for object_id, track in one.masks.items():
        np.testing.assert_array_equal(track.masks, quiet.masks[object_id].masks)


@pytest.mark.parametrize(("height", "width", "fps"), [(36, 64, 30.0), (65, 33, 24.0)])
def test_other_sizes_and_rates(height, width, fps):
    clip = simulate(3, replace(SMALL, height=height, width=width, fps=fps, duration_s=0.5))
    assert clip.video.frames.shape == (round(0.5 * fps), height, width, 3)
    assert clip.video.times_s[1] == pytest.approx(1 / fps)
    assert clip.video.duration_s == pytest.approx(0.5)


def test_pictures_are_neither_black_nor_burnt_out(clip_of):
    means = [
        clip_of(action, camera).video.frames.mean()
        for action in ("drop", "throw", "strike", "collide")
        for camera in ("still", "pan")
    ]
    assert min(means) > 30
    assert max(means) < 245


def test_compression_keeps_shape_and_content():
    frames = simulate(2, replace(SMALL, height=47, width=63, duration_s=0.4)).video.frames
    out = through_h264(frames, 25.0, 20)
    assert out.shape == frames.shape
    error = np.abs(out.astype(int) - frames.astype(int)).mean()
    assert 0.1 < error < 12.0
    np.testing.assert_array_equal(out, through_h264(frames, 25.0, 20))
    worse = through_h264(frames, 25.0, 40)
    assert np.abs(worse.astype(int) - frames.astype(int)).mean() > error
