"""Speeds and masks at other times: nearest, and missing where nothing is known."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import MaskTrack, MovingObject, ObjectPhysics
from pavas_sdk.data.alignment import mask_grids_at, speeds_at


def entry(times, speeds):
    return ObjectPhysics(
        object=MovingObject(object_id=0, label="ball"),
        mass_kg=1.0,
        speed_times_s=np.asarray(times),
        speed_m_s=np.asarray(speeds, dtype=np.float64),
    )


def test_speeds_are_nearest_in_time_and_missing_stays_missing():
    known = entry([0.1, 0.2, 0.3, 0.4], [1.0, np.nan, 3.0, 4.0])
    got = speeds_at(known, np.array([0.11, 0.21, 0.34, 0.36]))
    np.testing.assert_array_equal(got, [1.0, np.nan, 3.0, 4.0])


def test_speeds_end_half_a_step_outside_their_samples():
    known = entry([1.0, 1.1, 1.2], [1.0, 2.0, 3.0])
    got = speeds_at(known, np.array([0.94, 0.96, 1.24, 1.26]))
    np.testing.assert_array_equal(got, [np.nan, 1.0, 3.0, np.nan])


@given(
    steps=st.lists(st.floats(0.01, 0.2), max_size=30),
    wanted=st.lists(st.floats(-1.0, 8.0), min_size=1, max_size=20),
)
def test_a_speed_is_always_one_of_the_samples_or_missing(steps, wanted):
    times = np.cumsum(steps)
    known = entry(times, np.arange(times.size) + 1.0)
    got = speeds_at(known, np.asarray(wanted))
    for time, value in zip(wanted, got, strict=True):
        if np.isnan(value):
            step = np.median(np.diff(times)) if times.size > 1 else 0.125
            assert (
                times.size == 0 or time < times[0] - 0.49 * step or time > times[-1] + 0.49 * step
            )
        else:
            distance = np.abs(times - time)
            assert distance[int(value) - 1] <= distance.min() + 1e-9


def test_nothing_known_is_missing_everywhere():
    times = np.array([0.0, 1.0])
    assert np.isnan(speeds_at(entry([], []), times)).all()
    assert not mask_grids_at(None, times, 4).any()


def test_masks_end_half_a_step_outside_their_track():
    track = MaskTrack(
        object_id=0,
        masks=np.ones((3, 8, 8), dtype=np.bool_),
        times_s=np.array([1.0, 1.1, 1.2]),
        scores=np.ones(3, dtype=np.float32),
    )
    grids = mask_grids_at(track, np.array([0.94, 0.96, 1.24, 1.26]), 4)
    assert grids.shape == (4, 4, 4)
    assert grids[:, 0, 0].tolist() == [0.0, 1.0, 1.0, 0.0]
