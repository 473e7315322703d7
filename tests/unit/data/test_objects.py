"""MovingObject and MaskTrack."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import mask_tracks, moving_objects

from pavas_sdk.data import MaskTrack, MovingObject
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.testing.equality import same_answer


def track(masks, **changes) -> MaskTrack:
    masks = np.asarray(masks, dtype=bool)
    count = masks.shape[0]
    fields = {"object_id": 0, "times_s": np.arange(count), "scores": np.ones(count)}
    return MaskTrack(masks=masks, **{**fields, **changes})


def test_messages_show_a_label_of_any_length_on_one_line():
    assert MovingObject(object_id=0, label="red ball").short_label == "red ball"
    label = MovingObject(object_id=0, label="ball\nof " + "wool " * 1000).short_label
    assert label.startswith("ball of wool")
    assert label.endswith("...")
    assert len(label) <= 60


@given(moving_objects())
def test_object_round_trip(entry):
    assert MovingObject.from_json(entry.to_json()) == entry


@pytest.mark.parametrize(
    "fields",
    [
        {"object_id": -1, "label": "x"},
        {"object_id": 1.5, "label": "x"},
        {"object_id": 0, "label": "  "},
        {"object_id": 0, "label": "x", "score": 1.1},
        {"object_id": 0, "label": "x", "score": float("nan")},
        {"object_id": 0, "label": "x", "box": (0, 0, 1)},
        {"object_id": 0, "label": "x", "box": (0, 0, 1, 2)},
        {"object_id": 0, "label": "x", "box": (0, 0, 1, float("nan"))},
    ],
)
def test_impossible_objects_are_refused(fields):
    with pytest.raises(InputError):
        MovingObject(**fields)


@given(mask_tracks())
def test_track_round_trip(masks):
    assert same_answer(MaskTrack.from_json(masks.to_json()), masks)


def test_run_lengths_start_with_zeros():
    data = track([[[False, True], [True, False]], [[True, True], [True, True]]]).to_json()
    assert data["counts"] == [[1, 2, 1], [0, 4]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"counts": [[1, 2]]}, "runs sum to 3, a mask of 2 x 2 has 4 pixels"),
        ({"counts": [[-1, 5]]}, "runs sum"),
        ({"counts": [[1.5, 2.5]]}, "whole number"),
        ({"counts": [4]}, "counts must be a JSON array"),
        ({"counts": []}, "times_s must have shape"),
        ({"size": [2]}, r"size must be \[height, width\]"),
        ({"size": [-2, -2]}, "size must be"),
        ({"size": [10**9, 10**9], "counts": [[10**18]]}, "size must be"),
        ({"scores": [2.0]}, "scores"),
        ({"scores": [None, None]}, "scores"),
        ({"times_s": ["a"]}, "times_s must be a number"),
        ({"object_id": None}, "object_id"),
    ],
)
def test_malformed_tracks_are_named(change, words):
    data = {**track([[[0, 1], [1, 0]]]).to_json(), **change}
    with pytest.raises(FormatError, match=words):
        MaskTrack.from_json(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"times_s": [0.0, 0.0]},
        {"times_s": [0.0]},
        {"scores": [0.5, 1.5]},
        {"scores": [0.5]},
        {"scores": [-0.1, 0.0]},
    ],
)
def test_impossible_tracks_are_refused(changes):
    with pytest.raises(InputError):
        track(np.ones((2, 3, 3)), **changes)


def test_visible_needs_one_pixel():
    assert track([[[0, 0]], [[0, 1]]]).visible.tolist() == [False, True]


@given(mask_tracks().filter(lambda one: min(one.masks.shape) > 0), st.integers(1, 9))
def test_grid_keeps_the_covered_share(masks, side):
    grid = masks.grid(side)
    assert grid.shape == (len(masks.times_s), side, side)
    assert grid.min() >= -1e-6
    assert grid.max() <= 1 + 1e-6
    np.testing.assert_allclose(grid.mean(axis=(1, 2)), masks.masks.mean(axis=(1, 2)), atol=1e-5)


def test_grid_of_a_half_covered_cell():
    masks = np.zeros((1, 4, 4), dtype=bool)
    masks[0, :2, :3] = True
    np.testing.assert_allclose(track(masks).grid(2)[0], [[1.0, 0.5], [0.0, 0.0]])
    np.testing.assert_allclose(track(masks).grid(8)[0][:4, :6], 1.0)
