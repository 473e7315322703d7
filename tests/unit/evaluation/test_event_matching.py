"""Matching of events against a search over all pairings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import event_matching
from pavas_sdk.evaluation.event_matching import (
    EventCounts,
    match_events,
    scored_events,
    scored_seconds,
)

moments = st.lists(st.integers(0, 20).map(lambda k: k / 20), max_size=5)


def most_pairs(true, detected, within_s):
    """Try every assignment of detections to true events."""
    best = 0
    for size in range(1, min(len(true), len(detected)) + 1):
        for some in itertools.combinations(true, size):
            for others in itertools.permutations(detected, size):
                distance = np.abs(np.subtract(some, others))
                best = max(best, size if (distance <= within_s).all() else 0)
    return best


@given(moments, moments)
def test_no_other_pairing_has_more_pairs(true, detected):
    counts = match_events(true, detected, within_s=0.11)
    assert (counts.true, counts.detected) == (len(true), len(detected))
    assert counts.matched == most_pairs(true, detected, 0.11)


def test_a_detection_serves_one_event_and_greed_does_not_pay():
    # the nearest first would pair 0.10 with 0.09 and leave both others alone
    assert match_events([0.0, 0.10], [0.09, 0.19], within_s=0.1).matched == 2
    assert match_events([1.0, 1.02], [1.01], within_s=0.1).matched == 1


def test_scores_of_a_case_by_hand():
    scores = event_matching.evaluate([0.5, 1.0, 1.5], [0.55, 1.45, 1.48, 2.0])
    assert scores == {
        "precision": pytest.approx(2 / 4),
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(2 * 2 / 7),
    }


def test_unscored_stretches_take_both_away_and_leave_their_end():
    counts = match_events([0.1, 1.0, 1.9], [0.12, 1.02, 1.95, 2.0], unscored_s=[(0, 0.3), (1.9, 2)])
    assert counts == EventCounts(true=1, detected=2, matched=1)
    assert scored_events([2.0, 1.9], [(1.9, 2.0)]).tolist() == [2.0]


@pytest.mark.parametrize(
    ("unscored", "seconds"),
    [((), 2.0), (((0.5, 1.0), (0.7, 1.2)), 1.3), (((1.9, 2.3),), 1.9), (((0.0, 9.0),), 0.0)],
)
def test_scored_seconds_count_overlaps_once_and_end_with_the_clip(unscored, seconds):
    assert scored_seconds(2.0, unscored) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("true", "detected", "expected"),
    [
        ([], [], (float("nan"), float("nan"), float("nan"))),
        ([1.0], [], (float("nan"), 0.0, 0.0)),
        ([], [1.0], (0.0, float("nan"), 0.0)),
    ],
)
def test_degenerate_values(true, detected, expected):
    counts = match_events(true, detected)
    found = (counts.precision, counts.recall, counts.f1)
    np.testing.assert_array_equal(found, expected)


def test_counts_of_clips_add_up():
    total = sum([EventCounts(true=2, detected=4, matched=1)] * 3, start=EventCounts())
    assert (total.true, total.detected, total.matched) == (6, 12, 3)
    assert total.f1 == pytest.approx(6 / 18)


def test_impossible_input_is_refused():
    with pytest.raises(InputError, match="2 pairs cannot be of 1 true"):
        EventCounts(true=1, detected=3, matched=2)
    with pytest.raises(InputError, match="finite seconds"):
        match_events([float("nan")], [])
    with pytest.raises(InputError, match="within_s must be above 0"):
        match_events([], [], within_s=0.0)
