"""Reconstruction and Trajectory."""

import numpy as np
import pytest
from hypothesis import given
from strategies import times

from pavas_sdk.data import Impact, MassEstimate, Reconstruction, Trajectory
from pavas_sdk.errors import InputError, PhysicsInputError


def path(moments, centroids, **changes) -> Trajectory:
    fields = {"object_id": 0, "point_counts": np.ones(len(moments), dtype=int)}
    return Trajectory(times_s=moments, centroids_m=centroids, **{**fields, **changes})


@given(times(min_size=2))
def test_speed_of_steady_motion_whatever_the_frame_times(moments):
    velocity = np.array([3.0, 0.0, -4.0])
    track = path(moments, moments[:, None] * velocity)
    np.testing.assert_allclose(track.speed_m_s(), 5.0, rtol=1e-6)
    np.testing.assert_allclose(track.velocity_m_s(), np.tile(velocity, (moments.size - 1, 1)))
    assert (track.speed_times_s > moments[:-1]).all()
    assert (track.speed_times_s < moments[1:]).all()


def test_slow_motion_multiplies_speed():
    moments, places = np.array([0.0, 1.0]), np.array([[0.0, 0, 0], [1.0, 0, 0]])
    assert path(moments, places, time_scale=4.0).speed_m_s().tolist() == [4.0]


def test_a_missing_frame_takes_both_of_its_speeds():
    places = np.array([[0.0, 0, 0], [np.nan] * 3, [2.0, 0, 0], [3.0, 0, 0]])
    np.testing.assert_array_equal(path(np.arange(4.0), places).speed_m_s(), [np.nan, np.nan, 1.0])


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_give_no_speed(count):
    assert path(np.arange(count), np.zeros((count, 3))).speed_m_s().size == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"centroids_m": np.full((2, 3), np.inf)},
        {"centroids_m": np.zeros((2, 2))},
        {"point_counts": np.array([1, -1])},
        {"point_counts": np.array([1])},
        {"time_scale": -1.0},
        {"times_s": [0.0, 0.0]},
    ],
)
def test_impossible_trajectories_are_refused(changes):
    fields = {
        "object_id": 0,
        "times_s": [0.0, 1.0],
        "centroids_m": np.zeros((2, 3)),
        "point_counts": np.array([1, 1]),
    }
    with pytest.raises(InputError):
        Trajectory(**{**fields, **changes})


def reconstruction(**changes) -> Reconstruction:
    fields = {
        "points_m": np.zeros((2, 3, 4, 3)),
        "confidence": np.ones((2, 3, 4)),
        "camera_to_world": np.tile(np.eye(4), (2, 1, 1)),
        "times_s": [0.0, 0.1],
    }
    return Reconstruction(**{**fields, **changes})


def test_points_are_float32_and_read_only():
    points = reconstruction(intrinsics=np.tile(np.eye(3), (2, 1, 1)))
    assert points.points_m.dtype == np.float32
    assert not points.points_m.flags.writeable
    assert points.intrinsics.shape == (2, 3, 3)


def test_background_motion_may_be_unknown():
    assert reconstruction().background_motion_m_s is None
    assert np.isnan(reconstruction(background_motion_m_s=[np.nan]).background_motion_m_s).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points_m": np.zeros((2, 3, 4))}, "points_m must have shape"),
        ({"confidence": np.ones((2, 4, 3))}, "confidence must have shape"),
        ({"camera_to_world": np.eye(4)}, "camera_to_world"),
        ({"intrinsics": np.eye(3)}, "intrinsics"),
        ({"times_s": [0.0]}, "times_s"),
        ({"background_motion_m_s": [0.1, 0.2]}, "background_motion_m_s must have shape"),
        ({"background_motion_m_s": [-0.1]}, "0 or more, or NaN"),
        ({"background_motion_m_s": [np.inf]}, "0 or more, or NaN"),
    ],
)
def test_shapes_that_do_not_fit_are_named(changes, words):
    with pytest.raises(InputError, match=words):
        reconstruction(**changes)


@pytest.mark.parametrize(
    "fields",
    [
        {"mass_kg": 0.0},
        {"mass_kg": float("nan")},
        {"mass_kg": float("inf")},
        {"mass_kg": -2.0},
        {"mass_kg": None},
        {"mass_kg": 1.0, "log_std": -0.1},
        {"mass_kg": 1.0, "log_std": float("nan")},
    ],
)
def test_impossible_masses_are_refused(fields):
    with pytest.raises(PhysicsInputError):
        MassEstimate(object_id=0, **fields)


def impact(object_id, time_s=0.5):
    return Impact(
        object_id=object_id,
        time_s=time_s,
        speed_before_m_s=2.0,
        speed_after_m_s=1.0,
        velocity_change_m_s=3.0,
        energy_before_j=4.0,
        energy_after_j=1.0,
    )


def test_a_trajectory_holds_its_own_impacts_only():
    moments, places = np.array([0.0, 1.0]), np.zeros((2, 3))
    assert path(moments, places).impacts is None
    assert path(moments, places, impacts=[impact(0)]).impacts == (impact(0),)
    with pytest.raises(InputError, match=r"object 0 has impacts of \[3\]"):
        path(moments, places, impacts=[impact(0), impact(3)])


def test_a_reconstruction_tells_apart_unseen_and_not_looked_for():
    fields = {
        "points_m": np.zeros((1, 2, 2, 3)),
        "confidence": np.ones((1, 2, 2)),
        "camera_to_world": np.eye(4)[None],
        "times_s": [0.0],
    }
    assert Reconstruction(**fields).impacts_of(0) is None
    points = Reconstruction(**fields, impacts=[impact(0), impact(1)])
    assert points.impacts_of(1) == (impact(1),)
    assert points.impacts_of(2) == ()
