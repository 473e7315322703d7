"""Impacts as markers for editors: times, names and the layout each program reads."""

import csv
import io
import re

import numpy as np
import pytest

from pavas_sdk.data import MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.data.impact_markers import MARKER_FORMS, MARKER_SUFFIXES, marker_text
from pavas_sdk.errors import ConfigurationError, InputError

TIMES_S = (0.5, 61.2345, 125.0)


def thing(object_id: int, label: str, mass_kg: float | None = 0.5) -> ObjectPhysics:
    return ObjectPhysics(
        object=MovingObject(object_id=object_id, label=label),
        mass_kg=mass_kg,
        speed_times_s=np.arange(0.0, 3.0, 0.5),
        speed_m_s=np.zeros(6),
    )


@pytest.fixture
def physics():
    estimate = PhysicsEstimate(
        objects=(thing(0, 'ball, "red"'), thing(3, "a\nb\t|c|")), duration_s=130.0
    )
    for time_s, object_id in zip(TIMES_S, (0, 3, 0), strict=True):
        estimate = estimate.with_impact(object_id, time_s, energy_change_j=1.25)
    return estimate


def test_the_table_has_a_row_for_each_impact(physics):
    rows = list(csv.DictReader(io.StringIO(marker_text(physics, "csv", title="x"))))
    assert [float(row["time_s"]) for row in rows] == pytest.approx(TIMES_S, abs=1e-4)
    assert rows[0]["label"] == 'ball, "red"'
    assert rows[0]["mass_kg"] == "0.5"
    assert rows[0]["energy_change_j"] == "1.25"
    assert rows[0]["source"] == "edited"
    assert rows[1]["label"] == "a\nb\t|c|"


def test_what_is_unknown_is_empty():
    estimate = PhysicsEstimate(objects=(thing(0, "ball", None),), duration_s=2.0)
    text = marker_text(estimate.with_impact(0, 1.0, energy_change_j=1.0), "csv", title="x")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["mass_kg"] == ""


def test_reaper_reads_numbered_markers(physics):
    rows = list(csv.reader(io.StringIO(marker_text(physics, "reaper", title="x"))))
    assert rows == [
        ["#", "Name", "Start", "End", "Length"],
        ["M1", 'ball, "red" 1.25 J', "0:00:00.500", "", ""],
        ["M2", "a b |c| 1.25 J", "0:01:01.234", "", ""],
        ["M3", 'ball, "red" 1.25 J', "0:02:05.000", "", ""],
    ]


def test_audacity_reads_labels_of_no_length(physics):
    lines = marker_text(physics, "audacity", title="x").splitlines()
    assert [line.count("\t") for line in lines] == [2, 2, 2]
    start, end, name = lines[1].split("\t")
    assert start == end == "61.234500"
    assert name == "a b |c| 1.25 J"


@pytest.mark.parametrize(("rate", "whole"), [(25.0, 25), (29.97, 30), (23.976, 24), (60.0, 60)])
def test_resolve_reads_markers_from_one_hour_on(physics, rate, whole):
    text = marker_text(physics, "edl", title="my\nclip", frame_rate_hz=rate)
    assert text.startswith("TITLE: my clip\nFCM: NON-DROP FRAME\n\n001  001")
    pattern = r"^\d{3}  001      V     C        (\d\d):(\d\d):(\d\d):(\d\d) "
    found = re.findall(pattern, text, re.M)
    times = [int(h) * 3600 + int(m) * 60 + int(s) + int(f) / whole - 3600.0 for h, m, s, f in found]
    assert times == pytest.approx(TIMES_S, abs=0.5 / whole + 1e-9)
    names = re.findall(r"^ \|C:ResolveColor(\w+) \|M:([^|]*) \|D:1$", text, re.M)
    assert names == [
        ("Red", 'ball, "red" 1.25 J'),
        ("Blue", "a b /c/ 1.25 J"),
        ("Red", 'ball, "red" 1.25 J'),
    ]


def test_no_impact_is_an_empty_list():
    nothing = PhysicsEstimate(objects=(), duration_s=1.0)
    assert marker_text(nothing, "audacity", title="x") == ""
    assert marker_text(nothing, "reaper", title="x") == "#,Name,Start,End,Length\n"
    assert set(MARKER_SUFFIXES) == set(MARKER_FORMS)


def test_other_forms_and_rates_are_refused(physics):
    with pytest.raises(ConfigurationError, match="csv, reaper, audacity, edl"):
        marker_text(physics, "xml", title="x")
    with pytest.raises(InputError, match="frame_rate_hz"):
        marker_text(physics, "edl", title="x", frame_rate_hz=0.0)
