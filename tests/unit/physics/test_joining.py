"""Windows of a long video are put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import Impact, MaskTrack, MovingObject, ObjectPhysics
from pavas_sdk.physics.joining import ClipJoiner, compact_track


def blob(object_id, frames, x, *, rate=10.0, side=32):
    masks = np.zeros((frames, side, side), dtype=bool)
    masks[:, 4:12, x : x + 8] = True
    return MaskTrack(
        object_id=object_id,
        masks=masks,
        times_s=np.arange(frames) / rate,
        scores=np.ones(frames, dtype=np.float32),
    )


def physics(object_id, frames, mass=1.0, log_std=0.5, speed=1.0, rate=10.0):
    times = (np.arange(frames - 1) + 0.5) / rate
    return ObjectPhysics(
        object=MovingObject(object_id=object_id, label="thing", box=(0, 0, 1, 1), box_time_s=0.1),
        mass_kg=mass,
        mass_log_std=log_std,
        speed_times_s=times,
        speed_m_s=np.full(frames - 1, speed),
    )


def test_an_object_continues_when_its_masks_overlap():
    joiner = ClipJoiner(3.0)
    joiner.add(0.0, 2.0, (physics(0, 20, speed=1.0),), {0: blob(0, 20, 2)})
    names = joiner.add(
        1.0,
        3.0,
        (physics(0, 20, speed=5.0), physics(1, 20, mass=3.0, log_std=0.1, speed=2.0)),
        {0: blob(0, 20, 20), 1: blob(1, 20, 3)},
    )
    assert names == {1: 0, 0: 1}
    first, second = joiner.objects()
    assert (first.object_id, second.object_id) == (0, 1)
    assert np.all(np.diff(first.speed_times_s) > 0)
    assert first.speed_m_s[0] == 1.0
    assert first.speed_m_s[-1] == 2.0
    assert first.mass_kg == 3.0  # the surer one
    assert second.speed_times_s[0] == pytest.approx(1.05)
    assert second.object.box_time_s == pytest.approx(1.1)
    tracks = joiner.tracks()
    assert tracks[0].times_s[0] == 0.0
    assert not tracks[1].masks[0].any()  # an empty frame before it appears
    assert tracks[1].masks[1].any()


def test_objects_of_different_places_stay_apart():
    joiner = ClipJoiner(3.0)
    joiner.add(0.0, 2.0, (physics(0, 20),), {0: blob(0, 20, 2)})
    joiner.add(1.0, 3.0, (physics(0, 20),), {0: blob(0, 20, 22)})
    assert [entry.object_id for entry in joiner.objects()] == [0, 1]


def test_unknown_masses_and_masks():
    joiner = ClipJoiner(3.0)
    joiner.add(0.0, 2.0, (physics(0, 20, mass=None, log_std=None),), {0: blob(0, 20, 2)})
    joiner.add(1.0, 3.0, (physics(0, 20, mass=2.0),), {0: blob(0, 20, 2)})
    assert joiner.objects()[0].mass_kg == 2.0
    joiner.add(2.0, 3.0, (physics(0, 10),), {})
    assert len(joiner.objects()) == 2


@given(
    side=st.integers(8, 64),
    frames=st.integers(3, 40),
    rate=st.sampled_from([None, 2.0, 5.0]),
)
def test_compact_tracks(side, frames, rate):
    track = blob(0, frames, 20, side=64)
    small = compact_track(track, max_side=side, max_rate_hz=rate)
    assert max(small.masks.shape[1:]) <= side
    assert small.visible.all()
    assert small.times_s.size == small.masks.shape[0] == small.scores.size
    if rate is None:
        assert small.times_s.size == frames
    share = small.masks[0].mean() / track.masks[0].mean()
    assert 0.3 < share < 3.0


def impact(object_id, time_s):
    nan = float("nan")
    return Impact(
        object_id=object_id,
        time_s=time_s,
        speed_before_m_s=2.0,
        speed_after_m_s=0.5,
        velocity_change_m_s=1.5,
        energy_before_j=nan,
        energy_after_j=nan,
    )


def test_impacts_that_estimators_saw_go_on_over_windows():
    """Each window counts up to the middle of the overlap; ids and times become the clip's."""
    joiner = ClipJoiner(3.0)
    seen = {0: (impact(0, 0.4), impact(0, 1.8))}
    joiner.add(0.0, 2.0, (physics(0, 20),), {0: blob(0, 20, 2)}, seen)
    seen = {1: (impact(1, 0.1), impact(1, 0.8)), 0: ()}
    joiner.add(
        1.0, 3.0, (physics(0, 20), physics(1, 20)), {0: blob(0, 20, 20), 1: blob(1, 20, 3)}, seen
    )
    impacts = joiner.impacts()
    assert [(hit.object_id, hit.time_s) for hit in impacts[0]] == [(0, 0.4), (0, 1.8)]
    assert impacts[1] == ()


def test_a_window_without_impacts_leaves_all_to_the_speeds():
    joiner = ClipJoiner(3.0)
    joiner.add(0.0, 2.0, (physics(0, 20),), {0: blob(0, 20, 2)}, {0: (impact(0, 0.4),)})
    joiner.add(1.0, 3.0, (physics(0, 20),), {0: blob(0, 20, 3)})
    assert joiner.impacts() == {}
