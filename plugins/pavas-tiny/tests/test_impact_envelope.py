"""Stops of fast motion: blows count, the way back and swings do not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pavas_tiny.impact_envelope import Envelope, find_stops, measure_envelope
from scenes import clock, render, textured

FPS = 30.0


def blows(times_s, hits_s, *, fall_s=0.18, rise_s=0.4, reach=30.0):
    """Height above the target: lifted smoothly, held, and down ever faster until the hit."""
    height = np.zeros_like(times_s)
    for hit in hits_s:
        start = hit - fall_s - 0.05 - rise_s
        lifted = np.clip((times_s - start) / rise_s, 0, 1)
        height += reach * np.where(times_s < hit, 0.5 - 0.5 * np.cos(np.pi * lifted), 0.0)
        falling = np.clip((times_s - (hit - fall_s)) / fall_s, 0, 1)
        height -= reach * np.where(times_s < hit, falling**2, 0.0)
    return height


def strikes(hits_s, *, fps=FPS, seconds=2.0, **shape):
    times_s = clock(round(seconds * fps), fps)
    height = blows(times_s, hits_s, **shape)
    path = np.stack([70.0 - 0.5 * height, 70.0 - height], axis=1)
    return textured(path, fps=fps)


def stops_of(scene):
    return find_stops(measure_envelope(scene.frames, scene.times_s))


def times_of(scene):
    return [stop.time_s for stop in stops_of(scene)]


@pytest.mark.parametrize("fps", [24.0, 30.0, 50.0])
def test_each_blow_once(fps):
    hits = [0.8, 1.7]
    assert times_of(strikes(hits, fps=fps)) == pytest.approx(hits, abs=0.06)


def test_a_stop_says_where_and_how_fast():
    stop = stops_of(strikes([0.8, 1.7]))[1]
    assert stop.place == pytest.approx((62.0, 62.0), abs=14.0)
    assert stop.speed_after < 0.4 * stop.speed_before
    assert stop.speed_before == pytest.approx(2 * 33.0 / 0.18 / 160, rel=0.4)


def test_a_harder_blow_has_the_larger_drop():
    times_s = clock(72, FPS)
    y = 70.0 - blows(times_s, [0.8], reach=16.0) - blows(times_s, [1.7], reach=32.0)
    scene = textured(np.stack([np.full_like(times_s, 70.0), y], axis=1), fps=FPS)
    soft, hard = stops_of(scene)
    assert (soft.time_s, hard.time_s) == pytest.approx((0.8, 1.7), abs=0.06)
    assert hard.speed_before - hard.speed_after > 1.3 * (soft.speed_before - soft.speed_after)


def test_a_swing_never_stops():
    times_s = clock(90, FPS)
    angle = 0.9 * np.sin(2 * np.pi * times_s / 1.4)
    path = np.stack([80 + 60 * np.sin(angle), 5 + 60 * np.cos(angle)], axis=1)
    assert times_of(textured(path, fps=FPS)) == []


def test_even_motion_and_stills_never_stop():
    times_s = clock(60, FPS)
    even = np.stack([20 + 55 * times_s, np.full_like(times_s, 45)], axis=1)
    assert times_of(textured(even, fps=FPS)) == []
    assert times_of(render([], frames=40, noise=2.0)) == []


def test_repeated_frames_are_no_stops():
    """24 frames a second stored at 30: every fifth frame shows the one before once more."""
    scene = strikes([0.8, 1.7], fps=24.0)
    order = np.sort(np.concatenate([np.arange(48), np.arange(3, 48, 4)]))
    frames, times_s = scene.frames[order], np.arange(order.size) / 30.0
    envelope = measure_envelope(frames, times_s)
    assert envelope.times_s.size == np.unique(order).size
    found = [stop.time_s for stop in find_stops(envelope)]
    assert found == pytest.approx([0.8, 1.7], abs=0.08)


def test_a_cut_is_no_motion():
    first, second = strikes([0.8], seconds=1.2), strikes([0.8], seconds=1.2)
    other = 255 - second.frames[:, :, ::-1]
    frames = np.concatenate([first.frames, other])
    times_s = np.arange(len(frames)) / FPS
    envelope = measure_envelope(frames, times_s)
    assert np.flatnonzero(np.isnan(envelope.speed)).tolist() == [35]
    assert [s.time_s for s in find_stops(envelope)] == pytest.approx([0.8, 2.0], abs=0.06)


def envelope_of(speed, *, down=0.0, fps=FPS):
    pairs = len(speed)
    velocity = np.stack([np.zeros(pairs), down * np.asarray(speed)], axis=1)
    return Envelope(
        times_s=clock(pairs + 1, fps),
        speed=np.asarray(speed, dtype=float),
        velocity=velocity,
        place=np.full((pairs, 2), 10.0),
        width=80,
    )


def test_a_trembling_stick_counts_once():
    speed = [0.1] * 10 + [0.4, 0.9, 1.5] + [0.1, 0.7, 0.2, 0.5, 0.1] + [0.05] * 12
    assert len(find_stops(envelope_of(speed, down=1.0))) == 1


def test_what_rises_needs_a_clearer_stop():
    speed = [0.1] * 10 + [0.6, 0.9, 1.2, 1.2] + [0.55, 0.5, 0.5] + [0.1] * 10
    down = find_stops(envelope_of(speed, down=1.0))
    up = find_stops(envelope_of(speed, down=-1.0))
    assert [stop.strength for stop in up] < [stop.strength for stop in down]


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_clips_of_a_few_frames(frames):
    pictures = render([], frames=frames).frames
    envelope = measure_envelope(pictures, clock(frames))
    assert envelope.speed.shape == (frames - 1,)
    assert find_stops(envelope) == []


def test_gaps_in_the_envelope_are_no_stops():
    speed = np.array([1.0] * 6 + [np.nan] * 3 + [0.05] * 6)
    assert find_stops(envelope_of(speed, down=1.0)) == []
    assert find_stops(dataclasses.replace(envelope_of(speed), speed=np.full(15, np.nan))) == []
