"""Detector and segmenter: boxes, labels and which mover an object is."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.analysis import analyse
from pavas_tiny.motion import MotionDetector, MotionSegmenter, match_movers, name_objects
from scenes import clock, overlap, render, straight

from pavas_sdk import Video
from pavas_sdk.data import MovingObject
from pavas_sdk.media import MemorySource

TIMES = clock(40)
PATHS = [straight(TIMES, (12, 18), (36.0, 0.0)), straight(TIMES, (68, 46), (-36.0, 0.0))]
SCENE = render(PATHS)
SOURCE = MemorySource(Video(frames=SCENE.frames, times_s=SCENE.times_s))
RNG = np.random.default_rng(0)


def thing(object_id, **fields):
    return MovingObject(object_id=object_id, label="x", action="moving", **fields)


def box_of(mask):
    """Normalised box of a mask."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    return (
        columns.min() / width,
        rows.min() / height,
        (columns.max() + 1) / width,
        (rows.max() + 1) / height,
    )


def truth_box(index, time_s):
    return box_of(SCENE.masks[index][np.argmin(np.abs(TIMES - time_s))])


def test_boxes_lie_on_the_discs_at_their_times():
    found = MotionDetector().detect(SOURCE, rng=RNG)
    assert [entry.object_id for entry in found] == [0, 1]
    for entry in found:
        assert entry.label == "ball"
        assert entry.action == "moving"
        frame = int(np.argmin(np.abs(TIMES - entry.box_time_s)))
        true = box_of(SCENE.masks[0 if entry.box[1] < 0.5 else 1][frame])
        np.testing.assert_allclose(entry.box, true, atol=2.1 / 64)


def test_masks_of_what_was_detected():
    found = MotionDetector().detect(SOURCE, rng=RNG)
    tracks = MotionSegmenter().segment(SOURCE, found, rng=RNG)
    assert set(tracks) == {0, 1}
    for truth in SCENE.masks:
        assert max(overlap(track.masks, truth) for track in tracks.values()) > 0.75
    for entry in found:
        track = tracks[entry.object_id]
        seen = track.masks.any(axis=(1, 2))
        np.testing.assert_array_equal(np.isnan(track.scores), ~seen)
        assert np.nanmax(track.scores) == pytest.approx(entry.score, abs=1e-4)


def test_boxes_end_where_their_masks_end():
    for entry, mover in zip(
        MotionDetector().detect(SOURCE, rng=RNG), analyse(SOURCE).movers, strict=True
    ):
        frame = int(np.argmin(np.abs(TIMES - entry.box_time_s)))
        np.testing.assert_allclose(entry.box, box_of(mover.masks[frame]))


def test_scores_are_missing_where_the_object_is():
    scene = render([straight(TIMES, (30, 30), (60.0, 0.0))])  # it leaves
    source = MemorySource(Video(frames=scene.frames, times_s=scene.times_s))
    found = MotionDetector().detect(source, rng=RNG)
    track = MotionSegmenter().segment(source, found, rng=RNG)[0]
    assert np.isnan(track.scores[-5:]).all()
    assert np.isfinite(track.scores[:15]).all()


def test_a_box_names_its_mover_at_its_own_time():
    movers = analyse(SOURCE).movers
    for index in (0, 1):
        for time_s in (0.2, 1.4):
            (mover,) = match_movers(
                [thing(7, box=truth_box(index, time_s), box_time_s=time_s)], analyse(SOURCE)
            ).values()
            assert overlap(movers[mover].masks, SCENE.masks[index]) > 0.7


def test_a_box_at_the_wrong_place_or_time_is_nobody():
    found = analyse(SOURCE)
    here = truth_box(0, 0.2)
    assert match_movers([thing(1, box=here, box_time_s=1.4)], found) == {}
    assert match_movers([thing(1, box=(0.9, 0.9, 1.0, 1.0), box_time_s=0.2)], found) == {}
    last = truth_box(0, TIMES[-1])
    assert len(match_movers([thing(1, box=last, box_time_s=TIMES[-1] + 0.2)], found)) == 1
    assert match_movers([thing(1, box=last, box_time_s=TIMES[-1] + 0.3)], found) == {}


def test_two_boxes_on_one_mover_the_better_one_has_it():
    exact = truth_box(0, 0.8)
    loose = (exact[0] - 0.05, exact[1] - 0.05, exact[2] + 0.05, exact[3] + 0.05)
    boxes = [thing(1, box=loose, box_time_s=0.8), thing(2, box=exact, box_time_s=0.8)]
    matched = match_movers(boxes, analyse(SOURCE))
    assert set(matched) == {2}


def test_objects_without_boxes_take_what_is_left_in_order():
    found = analyse(SOURCE)
    boxed = thing(9, box=truth_box(1, 0.8), box_time_s=0.8)
    taken = match_movers([boxed], found)[9]
    matched = match_movers([thing(5), thing(3), boxed], found)
    assert matched[9] == taken
    assert matched[3] == 1 - taken
    assert 5 not in matched
    assert match_movers([thing(5), thing(3)], found) == {3: 0, 5: 1}


def test_without_objects_there_is_nothing_to_segment():
    assert MotionSegmenter().segment(SOURCE, [], rng=RNG) == {}


def test_the_most_objects():
    assert len(MotionDetector(max_objects=1).detect(SOURCE, rng=RNG)) == 1


@pytest.mark.parametrize(
    ("kinds", "prompt", "labels"),
    [
        (["stick"], "a ball", ["ball"]),  # the only one and the only phrase
        (["stick", "stick"], "a ball", ["stick", "stick"]),
        (["stick"], "a ball and a box", ["stick"]),
        (["ball", "ball"], "an apple and an orange", ["apple", "orange"]),
        (["object", "ball"], "a box and a marble", ["box", "marble"]),
        (["object"], "a hammer", ["hammer"]),
        ([], "a ball", []),
    ],
)
def test_phrases_go_to_the_shapes_that_they_fit(kinds, prompt, labels):
    assert name_objects(kinds, prompt) == labels
