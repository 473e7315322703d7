"""What-if edits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pavas_sdk.data import (
    Contact,
    LabelledClip,
    MovingObject,
    ObjectPhysics,
    PhysicsEstimate,
    Video,
)
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.evaluation import (
    EDITS,
    Edit,
    EditMeasurement,
    summarise_edits,
)
from pavas_sdk.evaluation.edits import level_shifts_db
from pavas_sdk.media import MemorySource


def physics(mass_kg=2.0):
    entry = ObjectPhysics(
        object=MovingObject(object_id=4, label="ball", action="drop"),
        mass_kg=mass_kg,
        speed_times_s=np.array([0.0, 1.0]),
        speed_m_s=np.array([3.0, np.nan]),
    )
    return PhysicsEstimate(objects=(entry,), duration_s=4.0)


def row(clip_id, **shifts):
    return EditMeasurement(clip_id=clip_id, category="drop", shifts_db=shifts)


def test_edits_change_masses_and_speeds():
    heavier, lighter, faster, slower = (edit.applied(physics())[4] for edit in EDITS)
    assert (heavier.mass_kg, lighter.mass_kg) == (4.0, 1.0)
    assert heavier.speed_m_s[0] == 3.0
    assert (faster.speed_m_s[0], slower.speed_m_s[0]) == (6.0, 1.5)
    assert faster.mass_kg == 2.0
    assert np.isnan(faster.speed_m_s[1])


def test_an_unknown_mass_stays_unknown():
    assert EDITS[0].applied(physics(mass_kg=None))[4].mass_kg is None


def test_expected_shift_follows_the_energy():
    expected = {edit.name: edit.expected_db(0.36) for edit in EDITS}
    assert expected["mass_x2"] == pytest.approx(2.167, abs=1e-3)
    assert expected["speed_x2"] == pytest.approx(4.335, abs=1e-3)
    assert expected["mass_half"] == -expected["mass_x2"]
    assert expected["speed_half"] == -expected["speed_x2"]


def test_shifts_are_measured_at_the_impacts_only(clicks):
    times = (0.6, 1.5, 2.4)
    audio = clicks(times)
    picture = Video(frames=np.zeros((2, 16, 16, 3), np.uint8), times_s=np.array([0.0, 2.0]))
    clip = LabelledClip(
        clip_id=0,
        source=MemorySource(picture),
        audio=audio,
        physics=physics(),
        contacts=tuple(Contact(time_s=t, object_id=4, energy_change_j=1.0) for t in times),
    )
    after = clicks((*times, 3.3), (-24.0, -30.0, -36.0, -10.0))
    np.testing.assert_allclose(level_shifts_db(clip, audio, after), [6.0, 0.0, -6.0], atol=0.1)


def test_right_way_is_up_for_more_and_down_for_less():
    clips = [
        row(0, mass_x2=(2.0, 1.0), mass_half=(-2.0, 1.0), speed_x2=(4.0, 4.0), speed_half=(0, -4)),
        row(1, mass_x2=(), mass_half=(), speed_x2=(), speed_half=()),
        row(2, mass_x2=(-1.0,), mass_half=(-1.0,), speed_x2=(5.0,), speed_half=(-5.0,)),
    ]
    result = summarise_edits(clips, energy_exponent=0.36, rng=np.random.default_rng(0), draws=40)
    right = {name: entry["right_way"] for name, entry in result["edits"].items()}
    assert right == {
        "mass_x2": pytest.approx(2 / 3),
        "mass_half": pytest.approx(2 / 3),
        "speed_x2": 1.0,
        "speed_half": pytest.approx(2 / 3),
    }
    assert result["right_way"] == pytest.approx(9 / 12)
    assert result["edits"]["speed_x2"]["shift_db"] == 4.0
    assert (result["impacts"], result["clips"]) == (3, 3)
    low, high = result["intervals"]["right_way"]
    assert low <= 0.75 <= high
    json.dumps(result, allow_nan=False)


def test_no_impacts_are_null():
    nothing = row(0, mass_x2=())
    result = summarise_edits(
        [nothing],
        energy_exponent=0.36,
        rng=np.random.default_rng(0),
        draws=5,
        edits=(Edit(name="mass_x2", mass_factor=2.0),),
    )
    assert result["right_way"] is None
    assert result["edits"]["mass_x2"]["intervals"] == {"right_way": None, "shift_db": None}


def test_nothing_cannot_be_summarised():
    with pytest.raises(InputError):
        summarise_edits([], energy_exponent=0.36, rng=np.random.default_rng(0))


def test_rows_survive_json_and_others_are_refused():
    before = row(3, mass_x2=(1.0, -2.0))
    assert EditMeasurement.from_json(json.loads(json.dumps(before.to_json()))) == before
    with pytest.raises(FormatError):
        EditMeasurement.from_json({"clip_id": 1})
