"""PhysicsEstimate as JSON: everything survives, and whatever is wrong is named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import json_values, object_physics, physics_estimates

from pavas_sdk.data import MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.errors import FormatError, InputError, OutputError, PhysicsInputError
from pavas_sdk.testing.equality import same_answer


def estimate(**changes) -> PhysicsEstimate:
    ball = ObjectPhysics(
        object=MovingObject(object_id=0, label="ball", action="bouncing"),
        mass_kg=0.5,
        speed_times_s=[0.1, 0.2, 0.3],
        speed_m_s=[1.0, np.nan, 2.0],
        velocity_m_s=[[1, 0, 0], [np.nan] * 3, [0, 2, 0]],
        sources={"mass": "label"},
    )
    return PhysicsEstimate(**{"objects": (ball,), "duration_s": 1.0, **changes})


def document(**changes) -> dict:
    return {**json.loads(estimate().dumps()), **changes}


@given(physics_estimates())
def test_text_round_trip_keeps_every_bit(physics):
    text = physics.dumps()
    again = PhysicsEstimate.loads(text)
    assert same_answer(again, physics)
    assert again.dumps() == text


@given(physics_estimates())
def test_values_round_trip(physics):
    assert same_answer(PhysicsEstimate.from_json(physics.to_json()), physics)


def test_a_series_stands_on_one_line_and_missing_is_null():
    lines = [line.strip() for line in estimate().dumps().splitlines()]
    assert '"speed_m_s": [1.0, null, 2.0],' in lines
    assert "[null, null, null]," in lines


@pytest.mark.parametrize("label", ["[ 1,  2 ]", "[\n 1,\n 2\n]", "a\\b", "мяч", "\ud800", '"x"'])
def test_a_label_is_never_touched_by_the_layout(label, tmp_path):
    thing = ObjectPhysics(
        object=MovingObject(object_id=0, label=label),
        mass_kg=None,
        speed_times_s=[],
        speed_m_s=[],
    )
    path = tmp_path / "physics.json"
    PhysicsEstimate(objects=(thing,), duration_s=1.0).save(path)
    assert PhysicsEstimate.load(path)[0].object.label == label


def test_saved_numbers_of_numpy_types_are_plain():
    physics = estimate(duration_s=np.float32(2.0), time_scale=np.int64(3))
    thing = ObjectPhysics(
        object=MovingObject(object_id=np.int64(4), label="x", score=np.float32(0.5)),
        mass_kg=np.float32(2.0),
        mass_log_std=np.float32(0.5),
        speed_times_s=np.arange(2, dtype=np.float32),
        speed_m_s=np.arange(2),
    )
    text = PhysicsEstimate(objects=(thing,), duration_s=physics.duration_s).dumps()
    assert json.loads(text)["objects"][0]["object"]["object_id"] == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "no physics document"),
        ({"format_version": 3}, "pip install -U pavas-sdk"),
        ({"format_version": 0}, "format_version 0"),
        ({"format_version": True}, "format_version True"),
        ({"format_version": "1"}, "format_version '1'"),
        ({"objects": None}, "objects must be a JSON array"),
        ({"objects": "ab"}, "objects must be a JSON array"),
        ({"objects": {}}, "objects must be a JSON array"),
        ({"objects": [1]}, "must be a JSON object, got 1"),
        ({"objects": [{}]}, 'lacks "object"'),
        ({"objects": [{"object": []}]}, "moving object must be a JSON object"),
        ({"duration_s": None}, "duration_s must be a number"),
        ({"duration_s": "1"}, "duration_s must be a number"),
        ({"time_scale": "x"}, "time_scale must be a number"),
        ({"provenance": "ab"}, "provenance must be a JSON object"),
        ({"provenance": {"a": []}}, "component reference must be a JSON object"),
        ({"provenance": {"a": {"kind": "x"}}}, 'lacks "name"'),
        ({"provenance": {"a": {"kind": "x", "name": 1}}}, "name must be a string"),
        ({"edits": "abc"}, "edits must be a JSON array"),
        ({"notes": [1]}, "notes must be a string"),
        ({"impacts": {}}, "impacts must be a JSON array"),
        ({"impacts": [3]}, "an impact must be a JSON object"),
    ],
)
def test_what_is_wrong_in_a_document_is_named(change, words):
    with pytest.raises(FormatError, match=words.replace("(", r"\(")):
        PhysicsEstimate.from_json(document(**change))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"mass_kg": -1}, PhysicsInputError, "mass_kg of object 0"),
        ({"mass_kg": 0}, PhysicsInputError, "above 0"),
        ({"mass_kg": "heavy"}, FormatError, "mass_kg must be a number, got 'heavy'"),
        ({"mass_kg": True}, FormatError, "mass_kg must be a number"),
        ({"mass_log_std": -1}, PhysicsInputError, "mass_log_std"),
        ({"mass_log_std": "x"}, FormatError, "mass_log_std must be a number"),
        ({"speed_m_s": [1.0, 2.0]}, PhysicsInputError, "shape"),
        ({"speed_m_s": [1.0, -2.0, 0.0]}, PhysicsInputError, "0 or more"),
        ({"speed_m_s": [1.0, "fast", 0.0]}, FormatError, "speed_m_s must be a number"),
        ({"speed_m_s": 3}, FormatError, "speed_m_s must be a JSON array"),
        ({"speed_std_m_s": [0.1, -0.1, 0.1]}, PhysicsInputError, "0 or more"),
        ({"speed_times_s": [0.1, 0.1, 0.3]}, PhysicsInputError, "increase strictly"),
        ({"speed_times_s": [0.1, None, 0.3]}, PhysicsInputError, "finite"),
        ({"velocity_m_s": [[1, 2], [3, 4], [5, 6]]}, FormatError, "rows of 3"),
        ({"velocity_m_s": [1, 2, 3]}, FormatError, "must be a JSON array"),
        ({"sources": [1]}, FormatError, "sources must be a JSON object"),
        ({"sources": {"mass": 1}}, FormatError, "sources.mass must be a string"),
    ],
)
def test_what_is_wrong_in_an_object_is_named(change, error, words):
    data = document()
    data["objects"][0].update(change)
    with pytest.raises(error, match=words):
        PhysicsEstimate.from_json(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"object_id": 1.5}, "whole number"),
        ({"object_id": "0"}, "whole number"),
        ({"object_id": -1}, "0 or more"),
        ({"object_id": 1e400}, "whole number|too large"),
        ({"label": ""}, "label"),
        ({"label": None}, "label must be a string"),
        ({"score": 2}, "score"),
        ({"box": [0, 0, 1]}, "box"),
        ({"box": [0, 0, 1, 7]}, r"\[0, 1\]"),
        ({"box": "abcd"}, "box must be a JSON array"),
    ],
)
def test_what_is_wrong_with_a_moving_object_is_named(change, words):
    data = document()
    data["objects"][0]["object"].update(change)
    with pytest.raises(FormatError, match=words):
        PhysicsEstimate.from_json(data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "expected"),
        ("null", "expected"),
        ('{"format": NaN}', "missing values are null"),
        ('{"format": 1e999}', "too large"),
        ('{"format": ' + "9" * 5000 + "}", "not JSON"),
        ("[" * 100000, "not JSON"),
    ],
)
def test_text_that_is_not_ours(text, words):
    with pytest.raises(FormatError, match=words):
        PhysicsEstimate.loads(text)


@given(st.recursive(json_values, lambda inner: st.lists(inner, max_size=3), max_leaves=4))
def test_any_json_is_refused_with_a_format_error(value):
    with pytest.raises(FormatError):
        PhysicsEstimate.loads(json.dumps(value))


@given(data=st.data(), value=json_values)
def test_any_value_in_any_place_is_read_or_refused_by_name(data, value):
    tree = document()
    places = [(tree, key) for key in tree]
    places += [(tree["objects"][0], key) for key in tree["objects"][0]]
    places += [(tree["objects"][0]["object"], key) for key in tree["objects"][0]["object"]]
    place, key = data.draw(st.sampled_from(places))
    place[key] = value
    try:
        physics = PhysicsEstimate.from_json(tree)
    except InputError:
        return
    assert PhysicsEstimate.loads(physics.dumps()).dumps() == physics.dumps()


def test_load_names_the_file(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"format": "x"}')
    with pytest.raises(FormatError, match=r"broken\.json: this is no physics document"):
        PhysicsEstimate.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match=r"cannot read .*broken\.json"):
        PhysicsEstimate.load(path)
    with pytest.raises(FormatError, match=r"missing\.json"):
        PhysicsEstimate.load(tmp_path / "missing.json")


def test_save_leaves_the_old_file_when_it_cannot_write(tmp_path):
    target = tmp_path / "file"
    target.write_text("a file where a folder is wanted")
    with pytest.raises(OutputError, match="choose a folder that you may write to"):
        estimate().save(target / "physics.json")
    assert target.read_text() == "a file where a folder is wanted"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_edits_are_recorded_and_leave_the_original_alone():
    before = estimate()
    after = before.with_mass(0, 5.0).scale_speed(0, 2.0)
    assert before[0].mass_kg == 0.5
    assert after[0].mass_kg == 5.0
    np.testing.assert_array_equal(after[0].speed_m_s, [2.0, np.nan, 4.0])
    np.testing.assert_array_equal(after[0].velocity_m_s, 2 * before[0].velocity_m_s)
    assert after[0].sources == {"mass": "user", "speed": "user"}
    assert after.edits == ("mass of object 0 set to 5 kg", "speed of object 0 times 2")


def test_replacing_and_removing():
    physics = estimate().with_speed(0, [0.0, 1.0], [3.0, np.nan])
    assert physics[0].velocity_m_s is None
    assert physics.edits == ("speed of object 0 replaced",)
    empty = physics.without(0)
    assert len(empty) == 0
    assert str(empty) == "no moving object"
    assert empty.edits[-1] == "object 0 removed"


@pytest.mark.parametrize(
    "edit",
    [
        lambda physics: physics.with_mass(7, 1.0),
        lambda physics: physics.with_mass(0, float("nan")),
        lambda physics: physics.with_mass(0, -1.0),
        lambda physics: physics.with_mass(0, "heavy"),
        lambda physics: physics.scale_speed(0, 0.0),
        lambda physics: physics.with_speed(0, [0.0, 1.0], [1.0]),
        lambda physics: physics.with_speed(0, [0.0, 1.0], [1.0, float("inf")]),
        lambda physics: physics.without(3),
    ],
)
def test_impossible_edits_are_refused(edit):
    with pytest.raises(PhysicsInputError):
        edit(estimate())


def test_an_unknown_id_is_told_the_known_ones():
    with pytest.raises(PhysicsInputError, match=r"no object 7 in this estimate; it has 0 \("):
        estimate()[7]


def test_repeated_ids_are_refused():
    entry = estimate()[0]
    with pytest.raises(PhysicsInputError, match="unique"):
        PhysicsEstimate(objects=(entry, entry), duration_s=1.0)


def test_str_says_what_was_seen():
    assert str(estimate()) == "0  ball (bouncing): 0.5 kg, up to 2.00 m/s, 0 impacts  [mass: label]"


@given(object_physics(3))
def test_arrays_cannot_be_written(entry):
    for name in ("speed_times_s", "speed_m_s", "speed_std_m_s", "velocity_m_s"):
        array = getattr(entry, name)
        assert array is None or not array.flags.writeable


def test_a_label_names_an_object_when_only_one_has_it():
    entry = estimate()[0]
    other = replace(entry, object=replace(entry.object, object_id=1, label="Hammer"))
    physics = PhysicsEstimate(objects=(entry, other), duration_s=1.0)
    assert physics.with_mass("hammer", 5.0)[1].mass_kg == 5.0
    assert physics.with_mass("hammer", 5.0).edits == ("mass of object 1 set to 5 kg",)
    assert physics["BALL "].object_id == 0
    twice = PhysicsEstimate(
        objects=(entry, replace(other, object=replace(other.object, label="ball"))), duration_s=1.0
    )
    with pytest.raises(PhysicsInputError, match=r"2 objects are called 'ball'.*its id: 0, 1"):
        twice.with_mass("ball", 5.0)
    with pytest.raises(PhysicsInputError, match=r"called 'cup'; it has 0 \(ball\), 1 \(Hammer\)"):
        physics.without("cup")
