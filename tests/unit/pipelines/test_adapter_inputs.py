"""What the adapter is told: masks and speeds nearest in time, missing where nothing is known."""

from __future__ import annotations

import numpy as np
import torch

from pavas_sdk import MaskTrack, MovingObject, ObjectPhysics
from pavas_sdk.media import MemorySource
from pavas_sdk.pipelines.adapter_inputs import adapter_inputs, objects_within
from pavas_sdk.pipelines.encoding import encode_window
from pavas_sdk.pipelines.windows import LatentWindow


def entry(times, speeds, mass_kg=1.0, object_id=0):
    return ObjectPhysics(
        object=MovingObject(object_id=object_id, label="ball"),
        mass_kg=mass_kg,
        speed_times_s=np.asarray(times),
        speed_m_s=np.asarray(speeds, dtype=np.float64),
    )


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
