"""The estimate of a long video with many objects comes back from JSON to the bit, masks and all."""

from functools import cache

import numpy as np
import pytest

from pavas_sdk import PhysicsEstimate, PhysicsEstimator
from pavas_sdk.data import Video
from pavas_sdk.media import MemorySource
from pavas_sdk.testing.equality import same_answer

FPS, HEIGHT, WIDTH = 8.0, 66, 80
ROWS = (9, 21, 33, 45, 57)


def many_balls(seconds):
    """Five balls in rows of their own, to and fro; they come and go, so that windows differ."""
    times = np.arange(round(seconds * FPS)) / FPS
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    wall = 40 + 12 * np.sin(rows * 0.9) * np.cos(columns * 0.7)
    frames = np.repeat(wall[None, :, :, None], times.size, axis=0).repeat(3, axis=3)
    for index, row in enumerate(ROWS):
        turn_s = 2.0 + 0.5 * index
        way = np.abs((times / turn_s + 0.13 * index) % 2.0 - 1.0)
        there = (times + 4.0 * index) % 24.0 < 17.0
        x = 8 + way * (WIDTH - 16)
        inside = (columns - x[:, None, None]) ** 2 + (rows - row) ** 2 <= 16
        frames[inside & there[:, None, None]] = (250, 240, 235)
    return MemorySource(Video(frames=np.round(frames).astype(np.uint8), times_s=times))


@cache
def estimated(seconds):
    source = many_balls(seconds)
    return source, PhysicsEstimator().estimate(source)


@pytest.mark.parametrize("seconds", [32.0, 60.0])
def test_masks_and_numbers_are_found_again_to_the_bit(seconds):
    (source, first), estimator = estimated(seconds), PhysicsEstimator()
    again = PhysicsEstimate.loads(first.physics.dumps())
    assert same_answer(again.to_json(), first.physics.to_json())
    assert len(again) > 4
    assert max(len(entry.sightings) for entry in again) > 1  # over a seam
    assert min(entry.speed_times_s[0] for entry in again) < seconds / 2
    assert max(entry.speed_times_s[0] for entry in again) > 1.0  # some come later
    tracks, notes = estimator.segment(source, again)
    assert notes == ()
    assert set(tracks) == set(first.masks) == {entry.object_id for entry in again}
    for object_id, track in first.masks.items():
        assert same_answer(track, tracks[object_id]), f"object {object_id}"


def test_an_object_that_was_taken_out_stays_out_and_the_others_keep_their_masks():
    (source, first), estimator = estimated(32.0), PhysicsEstimator()
    gone = first.physics.objects[0].object_id
    tracks, _ = estimator.segment(source, first.physics.without(gone))
    assert set(tracks) == set(first.masks) - {gone}
    assert all(same_answer(track, first.masks[key]) for key, track in tracks.items())


def test_a_short_clip_has_no_sightings_and_an_old_document_is_read():
    physics = PhysicsEstimator().estimate(many_balls(4.0)).physics
    assert len(physics) > 1
    assert all(entry.sightings == () for entry in physics)
    assert all("sightings" not in entry for entry in physics.to_json()["objects"])
