"""Masses and speeds by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pavas_sdk.data import MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.errors import FormatError, PhysicsInputError
from pavas_sdk.physics import load_overrides


def two_objects():
    times = np.array([0.1, 0.2, 0.3])
    return PhysicsEstimate(
        objects=tuple(
            ObjectPhysics(
                object=MovingObject(object_id=k, label=label),
                mass_kg=1.0,
                speed_times_s=times,
                speed_m_s=np.array([1.0, np.nan, 2.0]),
            )
            for k, label in enumerate(("hammer", "Ball"))
        ),
        duration_s=0.4,
    )


def test_by_id_and_label():
    overrides = load_overrides(
        {"masses_kg": {"0": 5.0, "ball": 0.6}, "speeds": {"Hammer": {"factor": 2.0}}}
    )
    physics = overrides.apply(two_objects())
    assert physics[0].mass_kg == 5.0
    assert physics[1].mass_kg == 0.6
    assert physics[0].sources["mass"] == "user"
    assert physics[0].speed_m_s[0] == 2.0
    assert physics[1].speed_m_s[0] == 1.0
    assert len(physics.edits) == 3


def test_speed_series():
    overrides = load_overrides(
        {"speeds": {"1": {"times_s": [0.0, 0.5], "speed_m_s": [3.0, None], "factor": 2.0}}}
    )
    entry = overrides.apply(two_objects())[1]
    assert entry.speed_times_s.tolist() == [0.0, 0.5]
    assert entry.speed_m_s[0] == 6.0
    assert np.isnan(entry.speed_m_s[1])
    assert entry.velocity_m_s is None


def test_from_a_file(tmp_path):
    path = tmp_path / "by_hand.json"
    path.write_text(json.dumps({"masses_kg": {"0": 2.5}}))
    assert load_overrides(path).apply(two_objects())[0].mass_kg == 2.5
    path.write_text("{")
    with pytest.raises(FormatError, match="by_hand"):
        load_overrides(path)
    with pytest.raises(FormatError, match="missing"):
        load_overrides(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        ([], FormatError, "object"),
        ({"mass": {}}, FormatError, "mass"),
        ({"masses_kg": [1.0]}, FormatError, "masses_kg"),
        ({"masses_kg": {"0": -1.0}}, PhysicsInputError, "above 0"),
        ({"masses_kg": {"0": "heavy"}}, PhysicsInputError, "heavy"),
        ({"masses_kg": {"0": float("nan")}}, PhysicsInputError, "above 0"),
        ({"speeds": {"0": 3.0}}, FormatError, "factor"),
        ({"speeds": {"0": {"faktor": 3.0}}}, FormatError, "faktor"),
        ({"speeds": {"0": {"times_s": [0.0]}}}, FormatError, "speed_m_s"),
        ({"speeds": {"0": {"factor": 0.0}}}, PhysicsInputError, "above 0"),
        (
            {"speeds": {"0": {"times_s": [0.0, 1.0], "speed_m_s": [1.0]}}},
            PhysicsInputError,
            "shape",
        ),
        ({"speeds": {"0": {"times_s": "ab", "speed_m_s": "cd"}}}, FormatError, "series"),
    ],
)
def test_malformed(data, error, said):
    with pytest.raises(error, match=said):
        load_overrides(data)


@pytest.mark.parametrize("key", ["7", "violin"])
def test_nothing_fits(key):
    overrides = load_overrides({"masses_kg": {key: 1.0}})
    with pytest.raises(PhysicsInputError, match=key):
        overrides.apply(two_objects())


@pytest.mark.parametrize(
    "document",
    [
        {"masses_kg": {"0": 10**400}},
        {"masses_kg": {"0": 1e300}},
        {"masses_kg": {"\u00b2": 1.0}},
        {"masses_kg": {"9" * 5000: 1.0}},
        {"speeds": {"0": {"factor": 10**400}}},
        {"speeds": {"0": {"times_s": [10**400], "speed_m_s": [1.0]}}},
        {"speeds": {"0": {"times_s": [0.0], "speed_m_s": [10**400]}}},
    ],
)
def test_numbers_out_of_this_world_are_typed_errors(document):
    with pytest.raises((FormatError, PhysicsInputError)):
        load_overrides(document).apply(two_objects())


@pytest.mark.parametrize("times_s", [[5.0, 6.0], [-3.0, -1.0]])
def test_speeds_beside_the_clip_are_refused(times_s):
    given = load_overrides({"speeds": {"ball": {"times_s": times_s, "speed_m_s": [1.0, 1.0]}}})
    with pytest.raises(PhysicsInputError, match=r"of 1 run from .* the clip lasts 0\.4 s"):
        given.apply(two_objects())
