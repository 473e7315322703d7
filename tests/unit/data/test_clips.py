"""A clip with its truth refuses what cannot be true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.data import (
    Audio,
    Contact,
    LabelledClip,
    MaskTrack,
    MovingObject,
    ObjectPhysics,
    PhysicsEstimate,
    Video,
)
from pavas_sdk.errors import InputError
from pavas_sdk.media import MemorySource

BALL = MovingObject(object_id=4, label="ball", action="drop")


def track(object_id: int) -> MaskTrack:
    return MaskTrack(
        object_id=object_id,
        masks=np.ones((2, 16, 16), dtype=np.bool_),
        times_s=np.array([0.0, 1.0]),
        scores=np.ones(2, dtype=np.float32),
    )


@pytest.fixture
def clip() -> LabelledClip:
    picture = Video(frames=np.zeros((2, 16, 16, 3), np.uint8), times_s=np.array([0.0, 1.0]))
    ball = ObjectPhysics(
        object=BALL, mass_kg=0.2, speed_times_s=np.array([0.5]), speed_m_s=np.array([1.0])
    )
    return LabelledClip(
        clip_id="ball on wood",
        source=MemorySource(picture),
        audio=Audio(samples=np.zeros(32000), sample_rate_hz=16000),
        physics=PhysicsEstimate(objects=(ball,), duration_s=2.0),
        contacts=(Contact(time_s=1.5), Contact(time_s=0.5, object_id=4, energy_change_j=0.1)),
        unscored_s=((0.0, 0.2), (1.9, 2.0)),
        masks={4: track(4)},
        materials={4: "wood"},
        sizes_m={4: 0.1},
    )


def test_contacts_stand_in_order_of_time(clip):
    assert [contact.time_s for contact in clip.contacts] == [0.5, 1.5]
    assert np.isnan(clip.contacts[1].energy_change_j)
    assert clip.contacts[1].object_id is None


def test_objects_and_frames_are_those_of_physics_and_source(clip):
    assert clip.objects == (BALL,)
    assert clip.video.frames.shape == (2, 16, 16, 3)
    assert clip.video.times_s.tolist() == [0.0, 1.0]


def test_stretches_without_score_hold_their_beginning_only(clip):
    assert [clip.is_scored(time_s) for time_s in (0.0, 0.1, 0.2, 1.0, 1.9, 2.0)] == [
        False,
        False,
        True,
        True,
        False,
        True,
    ]


def test_true_audio_is_said_to_be_missing(clip):
    assert clip.true_audio is clip.audio
    with pytest.raises(InputError, match="clip ball on wood has no true sound"):
        _ = replace(clip, audio=None).true_audio


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"masks": {5: track(5)}}, r"masks of clip ball on wood name the objects \[5\].*\[4\]"),
        ({"masks": {4: track(5)}}, "track of object 5 under 4"),
        ({"contacts": (Contact(time_s=0.1, object_id=0),)}, r"contacts .* the objects \[0\]"),
        ({"materials": {1: "wood"}}, r"materials .* the objects \[1\]"),
        ({"sizes_m": {1: 0.1}}, r"sizes_m .* the objects \[1\]"),
        ({"sizes_m": {4: 0.0}}, "sizes_m.*above 0"),
        ({"unscored_s": ((0.5, 0.5),)}, "0 <= start < end"),
        ({"unscored_s": ((0.5, np.nan),)}, "0 <= start < end"),
    ],
)
def test_what_cannot_be_true_is_refused(clip, changes, message):
    with pytest.raises(InputError, match=message):
        replace(clip, **changes)


@pytest.mark.parametrize(
    ("time_s", "energy_j"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, -1.0), (1.0, np.inf)]
)
def test_impossible_contacts_are_refused(time_s, energy_j):
    with pytest.raises(InputError, match="contact"):
        Contact(time_s=time_s, energy_change_j=energy_j)
