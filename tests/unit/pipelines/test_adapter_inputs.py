"""What the adapter is told: masks and speeds nearest in time, missing where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pavas_sdk import Impact, MaskTrack, MovingObject, ObjectPhysics, PhysicsEstimate
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
    window = LatentWindow(start=0, length=20, start_s=0.0, duration_s=0.64)
    seen = encode_window(pipe.clip, pipe.sync_encoder, MemorySource(clip.video), window)
    here = entry([0.0, 0.3, 0.6], [1.0, 2.0, 1.0], object_id=0)
    gone = entry([5.0, 6.0], [3.0, 3.0], object_id=1)

    def state(*objects):
        return pipe.encode_physics(PhysicsEstimate(objects=objects, duration_s=9.0), {}, seen)

    assert torch.equal(state(here, gone).speed, state(here).speed)
    assert torch.equal(state(gone).speed, state().speed)


def impact(time_s, energy_change_j=2.0, object_id=0):
    return Impact.from_json(
        {"object_id": object_id, "time_s": time_s, "energy_change_j": energy_change_j}
    )


def test_energies_of_impacts_are_shared_by_the_frames_beside_them():
    times = np.arange(8) / 8.0
    ball, unknown = entry(times, np.ones(8)), entry(times, np.ones(8), object_id=1)
    hits = [impact(0.25), impact(0.4, 4.0), impact(0.99, 8.0), impact(0.3, 5.0, object_id=1)]
    energies = adapter_inputs((ball, unknown), {}, times, 4, impacts=hits).impact_energy_j
    assert energies.shape == (1, 2, 8)
    np.testing.assert_allclose(energies[0, 0], [0, 0, 2, 3.2, 0.8, 0, 0, 8], atol=1e-5)
    assert float(energies[0, 1].sum()) == pytest.approx(5.0)
    assert adapter_inputs((ball,), {}, times, 4).impact_energy_j is None


def test_impacts_of_other_windows_are_not_told():
    times = 2.0 + np.arange(8) / 8.0
    ball = entry(times, np.ones(8))
    hits = [impact(time_s) for time_s in (0.5, 1.95, 3.1, 9.0)]
    assert not adapter_inputs((ball,), {}, times, 4, impacts=hits).impact_energy_j.any()


def test_an_impact_is_in_one_of_the_windows_that_follow_each_other():
    times = np.arange(40) / 25.0
    ball = entry(times, np.ones(40))
    for time_s in np.linspace(0.0, 1.599, 57):
        parts = [
            adapter_inputs((ball,), {}, part, 4, impacts=[impact(time_s)]).impact_energy_j.sum()
            for part in (times[:20], times[20:])
        ]
        assert sorted(float(part) for part in parts) == [0.0, pytest.approx(2.0)]


def test_unknown_energies_are_told_apart_from_no_impact():
    times = np.arange(8) / 8.0
    massless = entry(times, np.ones(8), None)
    typed = {"object_id": 0, "time_s": 0.3, "speed_before_m_s": 2.0, "speed_after_m_s": 1.0}
    physics = PhysicsEstimate(
        objects=(massless,), duration_s=1.0, known_impacts=(Impact.from_json(typed),)
    )
    told = adapter_inputs(physics.objects, {}, times, 4, impacts=physics.impacts())
    assert (
        torch.isnan(told.impact_energy_j[0, 0]).tolist() == [False] * 2 + [True] * 2 + [False] * 4
    )
    still = adapter_inputs((massless,), {}, times, 4, impacts=[])
    assert not still.impact_energy_j.any()
    nothing_known = adapter_inputs((entry([], []),), {}, times, 4, impacts=[])
    assert torch.isnan(nothing_known.impact_energy_j).all()


def test_an_impact_brings_an_object_into_a_window():
    early = entry([0.0, 1.0], [1.0, 1.0])
    times = np.array([4.0, 4.5])
    assert objects_within((early,), {}, times) == ()
    assert objects_within((early,), {}, times, [impact(4.9)]) == (early,)
    assert objects_within((early,), {}, times, [impact(5.1)]) == ()


def test_no_objects_give_empty_inputs():
    inputs = adapter_inputs((), {}, np.arange(4) / 8, 4)
    assert inputs.masks.shape == (1, 0, 4, 4, 4)
    assert inputs.mass_kg.shape == (1, 0)
