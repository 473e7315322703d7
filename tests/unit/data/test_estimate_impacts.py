"""The impacts of an estimate: found once, then edited in Python or in the file."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import physics_estimates

from pavas_sdk.data import MovingObject, ObjectPhysics, PhysicsEstimate, find_impacts
from pavas_sdk.errors import PhysicsInputError
from pavas_sdk.testing.equality import same_answer

HITS_S = (0.51, 1.31)


def ball(object_id=0, mass_kg=0.5, hits_s=HITS_S) -> ObjectPhysics:
    """3 m/s, halved at each hit."""
    times = np.arange(50) / 25
    speed = 3.0 * 0.5 ** np.searchsorted(hits_s, times)
    return ObjectPhysics(
        object=MovingObject(object_id=object_id, label="ball"),
        mass_kg=mass_kg,
        speed_times_s=times,
        speed_m_s=speed,
    )


@pytest.fixture
def physics() -> PhysicsEstimate:
    return PhysicsEstimate(objects=(ball(), ball(1, None, hits_s=(0.8,))), duration_s=2.0)


def moments(physics, object_id=0):
    return [round(hit.time_s, 2) for hit in physics.impacts() if hit.object_id == object_id]


def energies(physics, object_id=0):
    return [hit.energy_change_j for hit in physics.impacts() if hit.object_id == object_id]


def test_without_edits_they_are_those_of_the_speeds(physics):
    found = [
        hit
        for entry in physics
        for hit in find_impacts(
            entry.object_id, entry.speed_times_s, entry.speed_m_s, mass_kg=entry.mass_kg
        )
    ]
    assert same_answer(physics.impacts(), sorted(found, key=lambda hit: hit.time_s))
    np.testing.assert_allclose(moments(physics), HITS_S, atol=0.03)
    assert {hit.source for hit in physics.impacts()} == {"estimated"}


def test_a_document_without_them_has_those_of_the_speeds(physics):
    for change in ({"format_version": 1}, {"impacts": None}):
        document = {**physics.to_json(), **change}
        if change == {"format_version": 1}:
            del document["impacts"]
        assert same_answer(PhysicsEstimate.from_json(document).impacts(), physics.impacts())


def test_the_file_says_what_the_impacts_are(physics):
    document = json.loads(physics.dumps())
    first, second = (hit for hit in document["impacts"] if hit["object_id"] == 0)
    first["time_s"] = 0.7
    added = {"object_id": 1, "time_s": 1.9, "energy_change_j": 0.04}
    document["impacts"] = [second, added, first]
    edited = PhysicsEstimate.from_json(document)
    assert [(hit.object_id, round(hit.time_s, 2)) for hit in edited.impacts()] == [
        (0, 0.7),
        (0, round(second["time_s"], 2)),
        (1, 1.9),
    ]
    assert edited.impacts()[2].source == "edited"
    assert energies(edited) == energies(physics)
    assert energies(edited, 1) == [0.04]
    assert PhysicsEstimate.loads(edited.dumps()).dumps() == edited.dumps()
    document["impacts"] = []
    assert PhysicsEstimate.from_json(document).impacts() == []


def test_adding_moving_and_removing(physics):
    added = physics.with_impact(0, 1.0, energy_change_j=0.2).with_impact(0, 1.8, speed_before_m_s=2)
    assert moments(added)[1::2] == [1.0, 1.8]
    assert energies(added)[1::2] == [0.2, 1.0]  # 2 m/s to rest at half a kilogram
    moved = added.move_impact(0, 1.0, 0.25)
    assert moments(moved)[0] == 0.25
    assert energies(moved)[0] == 0.2
    gone = moved.without_impact(0, 0.26)  # a moment read off a picture
    assert moments(gone) == [*moments(physics), 1.8]
    assert gone.edits == (
        "impact of object 0 at 1 s added",
        "impact of object 0 at 1.8 s added",
        "impact of object 0 moved from 1 s to 0.25 s",
        "impact of object 0 at 0.25 s removed",
    )
    assert moments(physics, 1) == moments(gone, 1)
    assert same_answer(PhysicsEstimate.loads(gone.dumps()), gone)


def test_a_moved_impact_is_edited_and_keeps_its_energy(physics):
    (before, _) = (hit for hit in physics.impacts() if hit.object_id == 0)
    moved = physics.move_impact(0, before.time_s, 0.6).impacts()[0]
    assert same_answer(moved, replace(before, time_s=0.6, source="edited"))


def test_mass_and_speed_edits_reach_every_impact(physics):
    edited = physics.with_impact(0, 1.0, energy_change_j=0.2)
    np.testing.assert_allclose(
        energies(edited.with_mass(0, 2.0)), 4 * np.array(energies(edited)), rtol=1e-12
    )
    slower = edited.scale_speed(0, 0.5)
    np.testing.assert_allclose(energies(slower), 0.25 * np.array(energies(edited)), rtol=1e-12)
    assert moments(slower) == moments(edited)
    assert np.isnan(energies(physics, 1)).all()
    np.testing.assert_allclose(energies(physics.with_mass(1, 2.0), 1), [2.25 + 4.5], rtol=1e-12)
    given = physics.with_impact(1, 1.0, energy_change_j=0.2).with_mass(1, 9.0)
    assert energies(given, 1)[1] == 0.2  # said without a mass, so it depends on none


@given(physics_estimates(), st.floats(0.1, 10), st.floats(0.1, 10))
def test_edits_before_and_after_a_file_are_the_same(physics, mass, speed):
    again = PhysicsEstimate.loads(physics.dumps())
    for entry in physics:
        before, after = (
            estimate.scale_speed(entry.object_id, speed).with_mass(entry.object_id, mass)
            for estimate in (physics, again)
        )
        assert same_answer(before, after)


def test_other_speeds_are_searched_anew_but_keep_what_a_person_said(physics):
    edited = physics.with_impact(0, 1.8, energy_change_j=0.2).without_impact(0, HITS_S[0])
    other = ball(hits_s=(1.1,))
    replaced = edited.with_speed(0, other.speed_times_s, other.speed_m_s)
    np.testing.assert_allclose(moments(replaced), [1.1, 1.8], atol=0.03)
    assert moments(replaced, 1) == moments(physics, 1)


def test_a_removed_object_takes_its_impacts_along(physics):
    left = physics.with_impact(0, 1.0, energy_change_j=0.2).without(0)
    assert {hit.object_id for hit in left.impacts()} == {1}
    unedited = replace(physics, objects=physics.objects[1:])
    assert moments(unedited, 0) == []
    assert moments(unedited, 1) == moments(physics, 1)
    edited = physics.with_impact(0, 1.0, energy_change_j=0.2)
    with pytest.raises(PhysicsInputError, match="one of object 0, which this estimate does not"):
        replace(edited, objects=physics.objects[1:])
    anew = replace(edited, objects=physics.objects[1:], known_impacts=None)
    assert same_answer(anew.impacts(), unedited.impacts())


def test_a_file_that_nobody_edited_is_the_estimate_that_was_saved(physics):
    again = PhysicsEstimate.loads(physics.dumps())
    assert same_answer(again, physics)
    assert again.known_impacts is None
    slower = replace(ball(), speed_m_s=np.ones(50))
    assert moments(replace(again, objects=(slower, physics[1]))) == []
    document = json.loads(physics.dumps())
    document["objects"][0]["speed_m_s"] = [1.0] * 50
    assert moments(PhysicsEstimate.from_json(document)) == moments(physics)  # as the file says
    document["impacts"] = None
    assert moments(PhysicsEstimate.from_json(document)) == []


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda p: p.with_impact(7, 1.0, energy_change_j=1), "no object 7 in this estimate"),
        (lambda p: p.with_impact(0, 9.0, energy_change_j=1), "outside the clip.* from 0 to 2"),
        (lambda p: p.with_impact(0, -0.1, energy_change_j=1), "outside the clip"),
        (lambda p: p.with_impact(0, float("nan"), energy_change_j=1), "time_s .*finite"),
        (lambda p: p.with_impact(0, "late", energy_change_j=1), "time_s .*must be a number"),
        (lambda p: p.with_impact(0, 1.0), "Give either energy_change_j=JOULES, or speed_before"),
        (lambda p: p.with_impact(0, 1.0, energy_change_j=1, speed_before_m_s=1), "Give either"),
        (lambda p: p.with_impact(0, 1.0, energy_change_j=1, speed_after_m_s=1), "needs speed_bef"),
        (lambda p: p.with_impact(0, 1.0, energy_change_j=-1.0), "energy_change_j .* 0 or more"),
        (lambda p: p.with_impact(0, 1.0, energy_change_j=float("inf")), "finite"),
        (lambda p: p.with_impact(0, 1.0, speed_before_m_s=-1.0), "speed_before_m_s .* 0 or more"),
        (lambda p: p.with_impact(1, 1.0, speed_before_m_s=1.0), r"no mass.*with_mass\(1, KG\)"),
        (lambda p: p.move_impact(0, 0.9, 1.0), "no impact at 0.9 s; give one of these times"),
        (lambda p: p.move_impact(0, HITS_S[0], 2.5), "outside the clip"),
        (lambda p: p.move_impact(0, HITS_S[0], float("nan")), "to_time_s .*finite"),
        (lambda p: p.move_impact(7, 0.5, 1.0), "no object 7"),
        (lambda p: p.without_impact(0, 0.9), "no impact at 0.9 s"),
        (lambda p: p.without_impact(0, float("nan")), "finite"),
        (lambda p: p.without_impact(7, 0.5), "no object 7"),
    ],
)
def test_impossible_edits_say_what_to_type(physics, edit, words):
    with pytest.raises(PhysicsInputError, match=words):
        edit(physics)


def test_an_object_without_impacts_says_so(physics):
    still = physics.without_impact(1, 0.8)
    with pytest.raises(PhysicsInputError, match="it has none at all"):
        still.without_impact(1, 0.8)


def test_absurd_speeds_have_no_impacts_that_cannot_be_written():
    times = np.arange(20) / 10
    speed = np.where(times < 1, 1e200, 0.0)
    thing = ObjectPhysics(
        object=MovingObject(object_id=0, label="x"),
        mass_kg=1e300,
        speed_times_s=times,
        speed_m_s=speed,
    )
    physics = PhysicsEstimate(objects=(thing,), duration_s=2.0)
    assert PhysicsEstimate.loads(physics.dumps()).dumps() == physics.dumps()
