"""Which impacts are reported: of paths in free flight, else of stops in the picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pavas_tiny.impact_envelope import Envelope
from pavas_tiny.learned_impacts import ImpactCurve
from pavas_tiny.motion import MotionDetector, MotionSegmenter
from pavas_tiny.object_motion import SeenObject
from pavas_tiny.planar import PlanarReconstructor
from pavas_tiny.seen_impacts import see_impacts
from pavas_tiny.shape import measure_shape
from scenes import bouncing, clock, render
from test_impact_envelope import blows, strikes

from pavas_sdk import Video
from pavas_sdk.media import MemorySource
from pavas_sdk.physics import PhysicsEstimator

GRAVITY_PX_S2 = 160.0


def source_of(scene, *, time_scale=1.0):
    return MemorySource(Video(frames=scene.frames, times_s=scene.times_s, time_scale=time_scale))


def reconstruct(scene, **changes):
    source, rng = source_of(scene, **changes), np.random.default_rng(0)
    found = MotionDetector().detect(source, rng=rng)
    masks = MotionSegmenter().segment(source, found, rng=rng)
    return PlanarReconstructor().reconstruct(source, objects=found, masks=masks, rng=rng)


@pytest.fixture(scope="module")
def two_blows():
    return strikes([0.8, 1.7])


def test_blows_are_impacts_of_what_strikes(two_blows):
    hits = [0.8, 1.7]
    points = reconstruct(two_blows)
    assert points.impacts is not None
    assert [hit.time_s for hit in points.impacts] == pytest.approx(hits, abs=0.06)
    assert len({hit.object_id for hit in points.impacts}) == 1
    for hit in points.impacts:
        assert 0 <= hit.speed_after_m_s < hit.speed_before_m_s < 20.0
        assert hit.velocity_change_m_s == pytest.approx(hit.speed_before_m_s - hit.speed_after_m_s)


def test_a_ball_in_flight_is_heard_once_where_it_lands():
    times_s = clock(40, 30.0)
    path, hit_s = bouncing(times_s, 40.0, 8.0, 56.0, GRAVITY_PX_S2)
    points = reconstruct(render([path], radius=4.0, fps=30.0), time_scale=math.sqrt(6.0))
    assert points.impacts is not None
    assert [hit.time_s for hit in points.impacts] == pytest.approx([hit_s], abs=0.05)


def test_a_pendulum_turns_and_hits_nothing():
    times_s = clock(75, 25.0)
    angle = 0.8 * np.sin(2 * np.pi * times_s / 1.3)
    path = np.stack([40 + 34 * np.sin(angle), 6 + 40 * np.cos(angle)], axis=1)
    points = reconstruct(render([path], radius=5.0))
    assert points.impacts == ()


def test_a_ball_that_rolls_into_a_block_hits_it():
    times_s = clock(50, 25.0)
    x = np.where(times_s < 1.1, 10 + 45 * times_s, 59.5 - 22 * (times_s - 1.1))
    path = np.stack([x, np.full_like(x, 40.0)], axis=1)
    points = reconstruct(render([path], radius=5.0))
    assert points.impacts is not None
    assert [hit.time_s for hit in points.impacts] == pytest.approx([1.1], abs=0.05)


def test_the_nearest_object_takes_the_impact():
    times_s = clock(60, 30.0)
    y = 74.0 - blows(times_s, [0.8, 1.7], reach=30.0)
    striker = np.stack([np.full_like(times_s, 125.0), y], axis=1)
    stroller = np.stack([12 + 12 * times_s, np.full_like(times_s, 20.0)], axis=1)
    scene = render([stroller, striker], radius=11.0, fps=30.0, size=(90, 160))
    points = reconstruct(scene)
    assert points.impacts
    source, rng = source_of(scene), np.random.default_rng(0)
    found = MotionDetector().detect(source, rng=rng)
    owners = {hit.object_id for hit in points.impacts}
    assert len(owners) == 1
    box = found[owners.pop()].box
    assert box is not None
    assert box[0] * 160 == pytest.approx(114, abs=12)


def an_arm(x: float) -> SeenObject:
    """A stick over the left edge that stands at x; its path says nothing."""
    masks = np.zeros((50, 60, 80), dtype=np.bool_)
    masks[:, 28:33, : int(x)] = True
    shape = measure_shape(masks)
    assert shape is not None
    return SeenObject(
        object_id=3,
        times_s=clock(50),
        masks=masks,
        shape=shape,
        centres=np.tile([x / 2, 30.0], (50, 1)),
        pieces=[],
        free=[],
    )


@pytest.mark.parametrize(
    ("reach_px", "speed", "suspicion", "heard"),
    [
        (40, 1.0, 0.0, True),  # beside the arm
        (8, 1.0, 0.0, False),  # far from it: the background trembles
        (8, 1.0, 0.2, True),  # the network suspects it, too
        (8, 0.3, 0.0, True),  # so slow that it may not stand out
    ],
)
def test_a_fast_stop_far_from_all_that_is_followed_is_none(reach_px, speed, suspicion, heard):
    pairs = np.zeros(49)
    pairs[15:25] = speed
    envelope = Envelope(
        times_s=clock(50),
        speed=pairs,
        velocity=np.zeros((49, 2)),
        place=np.tile([50.0, 30.0], (49, 1)),
        width=80,
    )
    score = np.full(200, 0.06, dtype=np.float32)  # nothing is excluded
    score[100], score[180] = max(suspicion, 0.06), 0.25  # of unknown kind, but not quiet
    curve = ImpactCurve(
        times_s=(np.arange(200) + 0.5) / 100,
        score=score,
        place=np.full((200, 2), 0.5, dtype=np.float32),
        speed_m_s=np.ones(200, dtype=np.float32),
        mass_kg=np.ones(200, dtype=np.float32),
        time_scale=1.0,
    )
    hits = see_impacts([an_arm(reach_px)], envelope, curve, m_per_px=0.01, time_scale=1.0)
    assert [hit.time_s for hit in hits] == ([pytest.approx(1.0)] if heard else [])


def test_without_objects_there_is_none():
    points = reconstruct(render([], frames=30))
    assert points.impacts == ()


def test_an_estimate_holds_them_and_keeps_them_when_edited(two_blows):
    estimate = PhysicsEstimator().estimate(source_of(two_blows)).physics
    times = [hit.time_s for hit in estimate.impacts()]
    assert times == pytest.approx([0.8, 1.7], abs=0.06)
    assert all(math.isfinite(hit.energy_change_j) for hit in estimate.impacts())
    again = type(estimate).loads(estimate.dumps())
    assert again.dumps() == estimate.dumps()
    own = estimate.impacts()[0].object_id
    heavier = estimate.with_mass(own, 2.0 * estimate[own].mass_kg)
    for before, after in zip(estimate.impacts(), heavier.impacts(), strict=True):
        assert after.energy_change_j == pytest.approx(2 * before.energy_change_j)
    assert len(estimate.without_impact(own, times[1]).impacts()) == 1
