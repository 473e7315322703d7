"""One impact: its energies, and what a person may type for it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import impacts

from pavas_sdk.data import Impact
from pavas_sdk.errors import FormatError, InputError, PhysicsInputError
from pavas_sdk.testing.equality import same_answer

TYPED = {"object_id": 2, "time_s": 0.5, "speed_before_m_s": 3.0, "speed_after_m_s": 1.0}


@given(impacts([0, 7], 9.0))
def test_json_round_trip_keeps_every_bit(impact):
    assert same_answer(Impact.from_json(json.loads(json.dumps(impact.to_json()))), impact)


def test_energies_follow_the_mass_and_a_stated_one_stays():
    impact = Impact.from_json(TYPED).of_mass(2.0)
    assert (impact.energy_before_j, impact.energy_after_j) == (9.0, 1.0)
    assert impact.energy_change_j == 8.0
    assert math.isnan(impact.of_mass(None).energy_change_j)
    assert Impact.from_json({**TYPED, "energy_change_j": 0.3}).of_mass(2.0).energy_change_j == 0.3


@given(impacts([0], 9.0), st.floats(0.1, 10), st.floats(0.1, 10))
def test_energies_grow_with_mass_and_with_the_square_of_speed(impact, mass, speed):
    impact = impact.of_mass(3.0)
    scaled = impact.scaled(mass=mass, speed=speed)
    energy = mass * speed**2 * impact.energy_change_j
    assert scaled.energy_change_j == pytest.approx(energy, nan_ok=True)
    again = scaled.of_mass(3.0 * mass)
    assert again.energy_change_j == pytest.approx(scaled.energy_change_j, nan_ok=True)


def test_what_a_person_leaves_out():
    typed = Impact.from_json(TYPED)
    assert typed.source == "edited"
    assert typed.velocity_change_m_s == 2.0
    short = Impact.from_json({"object_id": 0, "time_s": 1, "energy_change_j": 0.25})
    assert short.energy_change_j == 0.25
    assert math.isnan(short.speed_before_m_s)
    with pytest.raises(FormatError, match='at 1 s says nothing of its energy; add "energy_change_'):
        Impact.from_json({"object_id": 0, "time_s": 1, "speed_before_m_s": 2})


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"object_id": "0"}, FormatError, "object_id must be a whole number"),
        ({"time_s": None}, FormatError, "time_s of an impact must be a number"),
        ({"speed_before_m_s": "fast"}, FormatError, "speed_before_m_s of an impact must be a num"),
        ({"speed_after_m_s": -1.0}, PhysicsInputError, "object 2 at 0.5 s must be 0 or more m/s"),
        ({"velocity_change_m_s": -1.0}, PhysicsInputError, "velocity_change_m_s of the impact"),
        ({"energy_change_j": -1}, PhysicsInputError, "energy_change_j .* 0 or more"),
        ({"source": "guessed"}, PhysicsInputError, '"estimated" or "edited", got \'guessed\''),
        ({"source": 1}, FormatError, "source of an impact must be a string"),
    ],
)
def test_what_is_wrong_is_named(change, error, words):
    with pytest.raises(error, match=words):
        Impact.from_json({**TYPED, **change})


@given(data=st.data())
def test_any_value_is_read_or_refused_by_name(data):
    value = data.draw(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=4))
    try:
        impact = Impact.from_json({**TYPED, data.draw(st.sampled_from([*TYPED, "source"])): value})
    except InputError:
        return
    assert same_answer(Impact.from_json(impact.to_json()), impact)
