"""Masks of the objects of an estimate that is given: the segmenter slot alone."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import MaskTrack, MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.errors import MediaError
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.physics.joining import continue_track
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)


def tiny(segmenter=None, **options):
    return PhysicsEstimator(
        moving_object_detector=BrightDetector(),
        segmenter=segmenter or BrightSegmenter(),
        reconstructor=WallReconstructor(),
        mass_estimator=DensityMassEstimator(),
        **options,
    )


def given(clip, *ids):
    things = [MovingObject(object_id=object_id, label="disc") for object_id in ids]
    empty = np.zeros(0)
    return PhysicsEstimate(
        objects=tuple(
            ObjectPhysics(object=thing, mass_kg=1.0, speed_times_s=empty, speed_m_s=empty)
            for thing in things
        ),
        duration_s=clip.source.duration_s,
    )


@pytest.mark.parametrize("on_error", ["raise", "partial"])
def test_the_masks_are_those_of_an_estimate(on_error):
    clip = moving_discs(2)
    tracks, notes = tiny(on_error=on_error).segment(clip.source, given(clip, 0, 1))
    assert notes == ()
    made = tiny().estimate(clip.source).masks
    assert sorted(tracks) == sorted(made) == [0, 1]
    for object_id, track in tracks.items():
        assert np.array_equal(track.masks, made[object_id].masks)
        assert np.array_equal(track.times_s, made[object_id].times_s)


def test_an_object_that_is_not_found_is_noted():
    clip = moving_discs(1)
    tracks, notes = tiny().segment(clip.source, given(clip, 0, 3))
    assert sorted(tracks) == [0]
    assert notes == ("object 3 (disc) was not found in the picture",)


def test_no_objects_ask_nobody():
    class Forbidden(BrightSegmenter):
        def segment(self, video, objects, *, rng):
            raise AssertionError

    clip = moving_discs(1)
    assert tiny(Forbidden()).segment(clip.source, given(clip)) == ({}, ())


class Blind(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        raise RuntimeError("dark")


class Inventing(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        tracks = super().segment(video, objects, rng=rng)
        return {**tracks, 9: tracks[0]}


@pytest.mark.parametrize(("segmenter", "said"), [(Blind, "dark"), (Inventing, "9")])
@pytest.mark.parametrize("on_error", ["raise", "partial"])
def test_a_segmenter_that_fails_is_no_error(segmenter, said, on_error):
    clip = moving_discs(1)
    tracks, notes = tiny(segmenter(), on_error=on_error).segment(clip.source, given(clip, 0))
    assert tracks == {}
    (note,) = notes
    assert note.startswith("no masks, objects are conditioned on without them: ")
    assert said in note


def test_a_video_that_cannot_be_read_is_one():
    class Unreadable(BrightSegmenter):
        def segment(self, video, objects, *, rng):
            raise MediaError("gone")

    clip = moving_discs(1)
    with pytest.raises(MediaError, match="gone"):
        tiny(Unreadable()).segment(clip.source, given(clip, 0))


def test_a_long_video_is_segmented_window_by_window():
    clip = moving_discs(2, frames=120)  # 4.8 s
    estimator = tiny(window_s=2.0, overlap_s=0.4, long_mask_max_side=32, long_mask_rate_hz=12.5)
    tracks, notes = estimator.segment(clip.source, given(clip, 0, 1))
    assert notes == ()
    for object_id, track in tracks.items():
        assert track.object_id == object_id
        assert track.masks.shape[2] == 32
        steps = np.diff(track.times_s)
        assert (steps > 0).all()
        assert steps.max() <= 0.13  # no gap where windows meet
        assert track.times_s[-1] > 4.6


def test_from_the_seam_on_the_later_track_counts():
    def track(start_s, filled):
        return MaskTrack(
            object_id=0,
            masks=np.full((10, 8, 8), filled),
            times_s=start_s + np.arange(10) / 10,
            scores=np.ones(10, dtype=np.float32),
        )

    later = track(0.5, True)
    assert continue_track(None, later, 0.0) is later
    joined = continue_track(track(0.0, False), later, 0.7)
    np.testing.assert_allclose(joined.times_s, np.arange(15) / 10)
    assert joined.masks.any(axis=(1, 2)).tolist() == [False] * 7 + [True] * 8
