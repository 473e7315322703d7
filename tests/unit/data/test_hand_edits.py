"""Edits by hand: recognised, recorded, and kept when the file is replaced."""

import json

import pytest

from pavas_sdk import PhysicsEstimate
from pavas_sdk.data.hand_edits import BY_HAND, DIGEST, kept_aside
from pavas_sdk.testing import moving_discs

PHYSICS = moving_discs(2).physics


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "clip.physics.json"
    PHYSICS.save(path)
    return path


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def heavier(data):
    data["objects"][0]["mass_kg"] = 7.5


def test_what_was_written_is_no_edit(file):
    assert PhysicsEstimate.load(file).edits == ()
    assert DIGEST in json.loads(file.read_text())
    # neither are order, spaces, or a whole number for a float
    data = json.loads(file.read_text())
    data["duration_s"], data["time_scale"] = float(data["duration_s"]), 1
    file.write_text(json.dumps(dict(reversed(data.items())), indent=7))
    assert PhysicsEstimate.load(file).edits == ()


@pytest.mark.parametrize(
    "change",
    [
        heavier,
        lambda data: data["objects"][0]["object"].update(label="hammer"),
        lambda data: data["objects"][1]["speed_m_s"].__setitem__(3, 9.0),
        lambda data: data["objects"].pop(),
        lambda data: data["impacts"].append(
            {
                "object_id": 0,
                "time_s": 0.3,
                "speed_before_m_s": 1.0,
                "speed_after_m_s": 0.0,
                "velocity_change_m_s": 1.0,
                "energy_change_j": 0.1,
                "source": "edited",
            }
        ),
    ],
    ids=["mass", "label", "speed", "object", "impacts"],
)
def test_an_edit_by_hand_is_recorded(file, change):
    edit(file, change)
    assert PhysicsEstimate.load(file).edits == (BY_HAND,)


def test_it_is_recorded_once_and_goes_on_with_the_estimate(file):
    edit(file, heavier)
    PhysicsEstimate.load(file).save(file)
    assert PhysicsEstimate.load(file).edits == (BY_HAND,)
    assert PhysicsEstimate.load(file)[0].mass_kg == 7.5


def test_edits_by_the_api_are_no_edits_by_hand(file):
    PhysicsEstimate.load(file).with_mass(0, 3.0).save(file)
    assert PhysicsEstimate.load(file).edits == ("mass of object 0 set to 3 kg",)


def test_an_edited_file_is_kept_aside_once(file):
    edit(file, heavier)
    edited = file.read_text()
    aside = kept_aside(file, PHYSICS)
    assert aside == file.with_name("clip.physics.edited.json")
    assert aside.read_text() == edited == file.read_text()
    assert kept_aside(file, PHYSICS) == aside
    edit(file, lambda data: data["objects"][1].update(mass_kg=9.0))
    assert kept_aside(file, PHYSICS) == file.with_name("clip.physics.edited-2.json")


def test_what_nobody_edited_or_what_is_used_is_not(file, tmp_path):
    assert kept_aside(file, PHYSICS.with_mass(0, 2.0)) is None
    edit(file, heavier)
    assert kept_aside(file, PhysicsEstimate.load(file)) is None
    assert kept_aside(tmp_path / "none.json", PHYSICS) is None


def test_what_cannot_be_read_may_be_half_an_edit(file):
    file.write_text('{"format": "pavas.physics", ')
    assert kept_aside(file, PHYSICS).name == "clip.physics.edited.json"
