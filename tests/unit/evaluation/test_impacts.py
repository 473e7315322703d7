"""Which contacts count as impacts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import Contact
from pavas_sdk.evaluation.impacts import isolated, merge_contacts


def contact(time_s, energy_j=1.0, object_id=0):
    return Contact(time_s=time_s, object_id=object_id, energy_change_j=energy_j)


def test_contacts_of_one_moment_are_one_event_at_the_strongest():
    events = merge_contacts([contact(1.02, 5.0, 1), contact(1.0), contact(1.045), contact(2.0)])
    assert [(e.time_s, e.object_id, e.energy_change_j) for e in events] == [
        (1.02, 1, 7.0),
        (2.0, 0, 1.0),
    ]


def test_unknown_energies_keep_the_first_of_a_chain():
    (event,) = merge_contacts([contact(1.01, 5.0), contact(1.0, float("nan"))])
    assert event.time_s == 1.0
    assert np.isnan(event.energy_change_j)


@given(st.lists(st.tuples(st.floats(0.0, 4.0), st.floats(0.0, 9.0)), max_size=12), st.randoms())
def test_merging_keeps_energy_and_ignores_order(pairs, random):
    contacts = [contact(t, e) for t, e in pairs]
    events = merge_contacts(contacts)
    assert sum(e.energy_change_j for e in events) == pytest.approx(sum(e for _, e in pairs))
    times = [event.time_s for event in events]
    assert times == sorted(times)
    random.shuffle(contacts)
    again = merge_contacts(contacts)
    assert (
        [e.time_s for e in again] == pytest.approx(times)
        or len(set(pairs)) < len(pairs)
        or (len({e for _, e in pairs}) < len(pairs))
    )


def test_neighbours_within_150_ms_disturb_each_other():
    events = [contact(1.0), contact(1.1), contact(1.26), contact(2.0)]
    assert isolated(events).tolist() == [False, False, True, True]


def test_a_much_weaker_neighbour_does_not_disturb_the_stronger():
    events = [contact(1.0, 1.0), contact(1.1, 0.005)]
    assert isolated(events).tolist() == [True, False]
    unknown = [contact(1.0, 1.0), contact(1.1, float("nan"))]
    assert isolated(unknown).tolist() == [False, False]


def test_no_events_are_no_events():
    assert merge_contacts([]) == []
    assert isolated([]).shape == (0,)
