"""The forms of ``physics=``."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk import PhysicsEstimate
from pavas_sdk.errors import FormatError, InputError, PhysicsInputError
from pavas_sdk.media import MemorySource
from pavas_sdk.pipelines.physics_input import check_fits, read_physics


def test_nothing_means_estimate():
    request = read_physics(None)
    assert request.needs_estimator
    assert request.overrides is None


def test_none_in_words_switches_physics_off():
    request = read_physics("none")
    assert request.disabled
    assert not request.needs_estimator


def test_an_estimate_is_used_as_it_is(physics):
    assert read_physics(physics).given is physics


def test_a_file_and_its_dictionary_give_the_same_estimate(physics, tmp_path):
    path = tmp_path / "clip.physics.json"
    physics.save(path)
    for form in (path, str(path), json.loads(path.read_text())):
        got = read_physics(form).given
        assert isinstance(got, PhysicsEstimate)
        assert got.to_json() == physics.to_json()


@pytest.mark.parametrize("form", ["dictionary", "file"])
def test_values_by_hand_lie_on_top_of_the_estimate(form, tmp_path):
    document = {"masses_kg": {"0": 5.0}, "speeds": {"ball": {"factor": 2.0}}}
    if form == "file":
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(document))
        document = path
    request = read_physics(document)
    assert request.needs_estimator
    assert request.overrides.masses_kg == {0: 5.0}
    assert request.overrides.speeds["ball"].factor == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1, 2]", "no physics document"),
        ('{"format": "other"}', 'with "format": "pavas.physics", got'),
        ('{"format": "pavas.physics", "format_version": 99}', "pip install -U pavas-sdk"),
        ('{"format": "pavas.physics", "format_version": 1, "duration_s": 1}', 'lacks "objects"'),
        ('{"masses_kg": {"0": -1}}', "above 0"),
        ('{"masses_kg": {"0": NaN}}', "missing values are null"),
        ('{"masses_kg": 3}', "must be an object"),
    ],
)
def test_bad_documents_name_the_file_and_the_problem(text, message, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_physics(path)
    assert "bad.json" in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(FormatError, match=r"pavas estimate VIDEO -o gone\.json"):
        read_physics(tmp_path / "gone.json")


def test_a_dictionary_by_hand_says_what_it_may_hold():
    with pytest.raises(FormatError, match='unknown field mass; expected "labels", "masses_kg"'):
        read_physics({"mass": {0: 5.0}})


def test_another_type_is_refused():
    with pytest.raises(InputError, match="got int"):
        read_physics(3)


def test_an_estimate_of_another_clip_is_refused(physics, clip):
    source = MemorySource(clip.video)
    check_fits(physics, source, clip.masks)
    check_fits(replace(physics, duration_s=1.4), source, None)  # a rounded length is fine
    with pytest.raises(PhysicsInputError, match=r"a clip of 9\.00 s, the video has 1\.00 s"):
        check_fits(replace(physics, duration_s=9.0), source, None)


def test_masks_of_unknown_objects_are_refused(physics, clip):
    with pytest.raises(PhysicsInputError, match=r"objects \[7\]"):
        check_fits(physics, MemorySource(clip.video), {7: clip.masks[0]})


def test_speeds_of_the_wrong_length_are_refused(physics):
    document = physics.to_json()
    document["objects"][0]["speed_m_s"] = [1.0, 2.0]
    with pytest.raises(PhysicsInputError, match="speed_m_s of object 0"):
        read_physics(document)
    document = {"speeds": {"0": {"times_s": [0.0, 0.1], "speed_m_s": [1.0]}}}
    with pytest.raises(PhysicsInputError, match="expected the same"):
        read_physics(document)


def test_numpy_numbers_in_overrides_are_fine():
    assert read_physics({"masses_kg": {0: np.float32(2.0)}}).overrides.masses_kg == {0: 2.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mass_kg": 1e300}, "weighs 1e[+]300 kg"),
        ({"speed_m_s": 1e300}, "moves at 1e[+]300 m/s"),
        ({"first_s": -1e9}, "give times_s on its clock"),
        ({"last_s": 1e9}, "give times_s on its clock"),
    ],
)
def test_numbers_out_of_this_world_are_refused(physics, tmp_path, change, message):
    document = physics.to_json()
    document["impacts"] = []
    first = document["objects"][0]
    if "mass_kg" in change:
        first["mass_kg"] = change["mass_kg"]
    elif "speed_m_s" in change:
        first["speed_m_s"][0] = change["speed_m_s"]
    elif "first_s" in change:
        first["speed_times_s"][0] = change["first_s"]
    else:
        first["speed_times_s"][-1] = change["last_s"]
    path = tmp_path / "far.json"
    path.write_text(json.dumps(document))
    for form in (path, document):
        with pytest.raises(PhysicsInputError, match=message):
            read_physics(form)


def test_a_million_speeds_are_refused_at_once(physics):
    document = physics.to_json()
    times = np.linspace(0.0, physics.duration_s, 1_000_000)
    document["objects"][0] |= {
        "speed_times_s": times.tolist(),
        "speed_m_s": [1.0] * times.size,
        "speed_std_m_s": None,
        "velocity_m_s": None,
    }
    with pytest.raises(PhysicsInputError, match="has 1000000 speeds within"):
        read_physics(document)
