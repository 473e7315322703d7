"""Edits as the page tells them, with undo: without Gradio."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.errors import FormatError, InputError, PhysicsInputError
from pavas_sdk.ui.edits import EditedPhysics, added_impact


def falling(object_id=0, label="ball", mass_kg=0.5):
    times = np.arange(50) / 25
    speed = np.where(times < 1.0, 9.81 * times, 0.0)
    return ObjectPhysics(
        object=MovingObject(object_id=object_id, label=label, action="falls"),
        mass_kg=mass_kg,
        mass_log_std=0.5,
        speed_times_s=times,
        speed_m_s=speed,
    )


@pytest.fixture
def start():
    objects = (falling(), falling(3, "cup", 0.2))
    return EditedPhysics.of(PhysicsEstimate(objects=objects, duration_s=2.0))


def test_every_kind_of_edit_and_undo(start):
    state = start
    for edit in (
        {"kind": "mass", "object_id": 0, "mass_kg": 5.0},
        {"kind": "speed", "object_id": 0, "factor": 2.0},
        {"kind": "speed", "object_id": 0, "factor": 0.5},
        {"kind": "add_impact", "object_id": 0, "time_s": 0.5},
        {"kind": "move_impact", "object_id": 0, "time_s": 0.5, "to_time_s": 1.6},
        {"kind": "remove_object", "object_id": 3},
    ):
        state = state.edited(edit)
    assert state.now["ball"].mass_kg == 5.0
    # the factor is of what was seen, not of what is there now
    assert state.now[0].speed_m_s == pytest.approx(start.now[0].speed_m_s * 0.5)
    assert [hit.time_s for hit in state.now.impacts()][-1] == 1.6
    assert [entry.object_id for entry in state.now] == [0]
    assert state.label == "ball 5 kg, ball ×0.5, without cup, 1 impact changed"
    after = state.edited({"kind": "remove_impact", "object_id": 0, "time_s": 1.6})
    assert len(after.now.impacts()) == len(state.now.impacts()) - 1
    for _ in range(7):
        after = after.edited({"kind": "undo"})
    assert after.now is start.now
    assert after.edited({"kind": "undo"}) is after


def test_reset_can_be_undone(start):
    heavy = start.edited({"kind": "mass", "object_id": 0, "mass_kg": 5.0})
    reset = heavy.edited({"kind": "reset"})
    assert reset.now is start.now
    assert reset.label == "as seen"
    assert reset.edited({"kind": "undo"}).now is heavy.now
    assert start.edited({"kind": "reset"}) is start


def test_an_added_impact_is_as_strong_as_the_motion_before(start):
    added = added_impact(start.now, 0, 0.8).impacts()
    (hit,) = [hit for hit in added if hit.time_s == 0.8]
    assert hit.energy_change_j == pytest.approx(0.5 * 0.5 * (9.81 * 0.8) ** 2)
    assert hit.source == "edited"
    # at rest: as strong as the strongest that is known
    later = added_impact(start.now, 0, 1.8).impacts()
    strongest = max(hit.energy_change_j for hit in start.now.impacts() if hit.object_id == 0)
    assert later[-1].energy_change_j == pytest.approx(strongest)


def test_an_impact_of_unknown_strength_is_refused():
    still = ObjectPhysics(
        object=MovingObject(object_id=0, label="box", action="stands"),
        mass_kg=1.0,
        mass_log_std=None,
        speed_times_s=np.arange(5) / 5,
        speed_m_s=np.zeros(5),
    )
    with pytest.raises(PhysicsInputError, match="how strong is an impact of box"):
        added_impact(PhysicsEstimate(objects=(still,), duration_s=1.0), 0, 0.5)


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        ({"kind": "explode"}, InputError),
        ({}, InputError),
        ({"kind": "mass", "object_id": 0}, FormatError),
        ({"kind": "mass", "object_id": "0", "mass_kg": 1.0}, FormatError),
        ({"kind": "mass", "object_id": 0, "mass_kg": -1.0}, PhysicsInputError),
        ({"kind": "mass", "object_id": 7, "mass_kg": 1.0}, PhysicsInputError),
        ({"kind": "speed", "object_id": 0, "factor": 0}, PhysicsInputError),
        ({"kind": "remove_impact", "object_id": 0, "time_s": 1.9}, PhysicsInputError),
        ({"kind": "add_impact", "object_id": 0, "time_s": 9.0}, PhysicsInputError),
    ],
)
def test_edits_that_cannot_be(start, edit, error):
    with pytest.raises(error):
        start.edited(edit)
