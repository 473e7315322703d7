"""Eq. 3 against paths that are known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import MaskTrack
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.physics import CentroidVelocityEstimator, background_motion_m_s
from pavas_sdk.physics.centroid import masks_on_points
from pavas_sdk.testing import moving_discs, parametrize_with_checks, velocity_estimator_checks

RNG = np.random.default_rng(0)


@parametrize_with_checks(list(velocity_estimator_checks(CentroidVelocityEstimator)))
def test_contract(check):
    check()


def follow(clip, **options):
    estimator = CentroidVelocityEstimator(**options)
    return estimator.estimate_velocity(
        clip.objects,
        clip.masks,
        clip.reconstruction,
        time_scale=clip.video.time_scale,
        rng=np.random.default_rng(0),
    )


@pytest.mark.parametrize("centroid", ["trimmed_mean", "mean"])
@pytest.mark.parametrize("time_scale", [1.0, 4.0])
def test_speed_of_discs(centroid, time_scale):
    clip = moving_discs(2, time_scale=time_scale)
    paths = follow(clip, centroid=centroid)
    for object_id, speed in enumerate(entry.speed_m_s[0] for entry in clip.physics):
        found = np.median(paths[object_id].speed_m_s())
        assert found == pytest.approx(speed, rel=0.05)


def test_hidden_frames_are_missing_and_never_zero():
    clip = moving_discs(1, hidden=(6, 10))
    path = follow(clip)[0]
    assert np.isnan(path.centroids_m[6:10]).all()
    assert (path.point_counts[6:10] == 0).all()
    speed = path.speed_m_s()
    assert np.isnan(speed[5:10]).all()
    assert np.isfinite(speed[:5]).all()


def test_too_few_points_are_missing():
    clip = moving_discs(1)
    assert np.isnan(follow(clip, min_points=10_000)[0].centroids_m).all()


def test_unconfident_points_do_not_count():
    clip = moving_discs(1)
    points = clip.reconstruction.points_m.copy()
    confidence = np.ones_like(clip.reconstruction.confidence)
    wild = np.zeros(points.shape[:3], dtype=bool)
    wild[:, ::2] = True
    points[wild] += 50.0
    confidence[wild] = 0.0
    spoiled = replace(
        clip, reconstruction=replace(clip.reconstruction, points_m=points, confidence=confidence)
    )
    speed = follow(spoiled)[0].speed_m_s()
    assert np.nanmedian(speed) == pytest.approx(clip.physics[0].speed_m_s[0], rel=0.1)


def test_trimmed_mean_resists_background_points():
    clip = moving_discs(1)
    points = clip.reconstruction.points_m.copy()
    for frame, mask in enumerate(clip.masks[0].masks):
        rows, columns = np.nonzero(mask)
        count = (frame % 4) + 1  # a changing handful of points lies far behind
        points[frame, rows[:count], columns[:count], 2] += 30.0
    spoiled = replace(clip, reconstruction=replace(clip.reconstruction, points_m=points))
    every = {"depth_mads": 0.0, "centre": "surface"}
    robust = np.nanmedian(follow(spoiled, **every)[0].speed_m_s())
    plain = np.nanmedian(follow(spoiled, centroid="mean", **every)[0].speed_m_s())
    default = np.nanmedian(follow(spoiled)[0].speed_m_s())
    assert robust == pytest.approx(clip.physics[0].speed_m_s[0], rel=0.1)
    assert default == pytest.approx(clip.physics[0].speed_m_s[0], rel=0.05)
    assert plain > 5 * clip.physics[0].speed_m_s[0]


def test_time_steps_come_from_the_times():
    clip = moving_discs(1)
    times = clip.video.times_s.copy()
    times[5:] += 0.5
    moved = replace(
        clip,
        reconstruction=replace(clip.reconstruction, times_s=times),
        masks={0: replace(clip.masks[0], times_s=times)},
    )
    speed = follow(moved)[0].speed_m_s()
    step = clip.physics[0].speed_m_s[0] * 0.04
    assert speed[4] == pytest.approx(step / 0.54, rel=0.2)
    assert speed[2] == pytest.approx(clip.physics[0].speed_m_s[0], rel=0.2)


def test_smoothing_only_within_runs():
    clip = moving_discs(1, frames=30, hidden=(12, 15))
    rough, smooth = follow(clip)[0], follow(clip, smoothing_frames=5)[0]
    assert np.isnan(smooth.centroids_m[12:15]).all()
    assert np.isfinite(smooth.centroids_m[:12]).all()
    roughness = [np.nanstd(np.diff(p.centroids_m[:12, 0], n=2)) for p in (rough, smooth)]
    assert roughness[1] <= roughness[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"centroid": "median"}, "centroid"),
        ({"trim": 0.5}, "trim"),
        ({"centre": "middle"}, "centre"),
        ({"depth_mads": -1.0}, "depth_mads"),
        ({"min_points": 0}, "min_points"),
        ({"smoothing_frames": 4}, "smoothing_frames"),
        ({"smoothing_frames": 3}, "smoothing_frames"),
    ],
)
def test_impossible_settings(options, said):
    with pytest.raises(ConfigurationError, match=said):
        CentroidVelocityEstimator(**options)


@given(
    factor=st.sampled_from([1, 2, 3]),
    rows=st.integers(16, 24),
    columns=st.integers(16, 24),
)
def test_masks_of_another_size(factor, rows, columns):
    clip = moving_discs(0, height=rows * factor, width=columns * factor, frames=3)
    small = RNG.random((3, rows, columns)) > 0.5
    track = MaskTrack(
        object_id=0, masks=small, times_s=clip.video.times_s, scores=np.ones(3, dtype=np.float32)
    )
    large = masks_on_points(track, clip.reconstruction)
    assert np.array_equal(large, small.repeat(factor, axis=1).repeat(factor, axis=2))


def test_masks_far_away_in_time_do_not_count():
    clip = moving_discs(1, frames=20)
    early = replace(
        clip.masks[0],
        masks=clip.masks[0].masks[:5],
        times_s=clip.masks[0].times_s[:5],
        scores=clip.masks[0].scores[:5],
    )
    inside = masks_on_points(early, clip.reconstruction)
    assert inside[:5].any(axis=(1, 2)).all()
    assert not inside[7:].any()


def test_background_stands_still_in_a_true_reconstruction():
    clip = moving_discs(1)
    motion = background_motion_m_s(clip.masks, clip.reconstruction)
    assert motion.shape == (19,)
    assert np.nanmax(motion) < 1e-3


def test_background_motion_is_seen():
    clip = moving_discs(1)
    points = clip.reconstruction.points_m.copy()
    points[1::2, ..., 0] += 0.01  # every other frame lies beside the truth
    shaking = replace(clip.reconstruction, points_m=points)
    motion = background_motion_m_s(clip.masks, shaking, time_scale=2.0)
    assert np.nanmax(motion) == pytest.approx(0.01 * 25 * 2, rel=0.05)


def test_background_motion_is_unknown_when_everything_is_covered():
    clip = moving_discs(1)
    all_over = replace(clip.masks[0], masks=np.ones_like(clip.masks[0].masks))
    assert np.isnan(background_motion_m_s({0: all_over}, clip.reconstruction)).all()
