"""What the adapter is told: masks and speeds nearest in time, missing where nothing is known."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk import MaskTrack, MovingObject, ObjectPhysics
from pavas_sdk.media import MemorySource
from pavas_sdk.pipelines.adapter_inputs import adapter_inputs, objects_within, speeds_at
from pavas_sdk.pipelines.encoding import encode_window
from pavas_sdk.pipelines.windows import LatentWindow


def entry(times, speeds, mass_kg=1.0, object_id=0):
    return ObjectPhysics(
        object=MovingObject(object_id=object_id, label="ball"),
        mass_kg=mass_kg,
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


def test_inputs_of_two_objects(two_discs):
    times = np.arange(8) / 8.0
    objects = (entry(two_discs.video.times_s, np.ones(25)), entry([], [], None, object_id=1))
    inputs = adapter_inputs(objects, two_discs.masks, times, 4)
    assert inputs.masks.shape == (1, 2, 8, 4, 4)
    assert inputs.valid.tolist() == [[True, True]]
    assert inputs.mass_kg[0, 0] == 1.0
    assert torch.isnan(inputs.mass_kg[0, 1])
    assert torch.isnan(inputs.speed_m_s[0, 1]).all()
    index = round(times[3] * 25)
    expected = two_discs.masks[1].grid(4)[index]
    np.testing.assert_allclose(inputs.masks[0, 1, 3], expected, atol=1e-6)


def test_an_object_is_absent_outside_its_track_and_without_one(clip):
    track = clip.masks[0]
    late = MaskTrack(
        object_id=0, masks=track.masks[10:], times_s=track.times_s[10:], scores=track.scores[10:]
    )
    times = np.array([0.0, 0.2, 0.4, 0.6])
    inputs = adapter_inputs((entry([], []),), {0: late}, times, 4)
    assert inputs.masks[0, 0, :2].sum() == 0
    assert (inputs.masks[0, 0, 2:].sum(dim=(1, 2)) > 0).all()
    assert adapter_inputs((entry([], []),), {}, times, 4).masks.sum() == 0


def test_a_window_holds_the_objects_that_exist_in_it():
    early = entry([0.0, 1.0, 2.0], [1.0, 1.0, np.nan], object_id=0)
    late = entry([8.0, 9.0], [1.0, 1.0], object_id=1)
    unknown = entry([], [], object_id=2)
    masked = entry([], [], object_id=3)
    track = MaskTrack(
        object_id=3,
        masks=np.ones((2, 4, 4), dtype=bool),
        times_s=[4.0, 5.0],
        scores=[1.0, 1.0],
    )

    def ids(times_s):
        things = objects_within((early, late, unknown, masked), {3: track}, np.asarray(times_s))
        return [thing.object_id for thing in things]

    assert ids([0.0, 1.0]) == [0, 2]
    assert ids([1.5, 2.0]) == [2]  # a missing speed is no sign of the object
    assert ids([2.0, 4.0]) == [2, 3]
    assert ids([4.5, 8.0]) == [1, 2, 3]
    assert ids([0.0, 9.0]) == [0, 1, 2, 3]


def test_an_object_of_another_window_changes_nothing(pipe, clip):
    from pavas_sdk import PhysicsEstimate

    window = LatentWindow(start=0, length=20, start_s=0.0, duration_s=0.64)
    seen = encode_window(pipe.clip, pipe.sync_encoder, MemorySource(clip.video), window)
    here = entry([0.0, 0.3, 0.6], [1.0, 2.0, 1.0], object_id=0)
    gone = entry([5.0, 6.0], [3.0, 3.0], object_id=1)

    def state(*objects):
        return pipe.encode_physics(PhysicsEstimate(objects=objects, duration_s=9.0), {}, seen)

    assert torch.equal(state(here, gone).speed, state(here).speed)
    assert torch.equal(state(gone).speed, state().speed)


def test_no_objects_give_empty_inputs():
    inputs = adapter_inputs((), {}, np.arange(4) / 8, 4)
    assert inputs.masks.shape == (1, 0, 4, 4, 4)
    assert inputs.mass_kg.shape == (1, 0)
