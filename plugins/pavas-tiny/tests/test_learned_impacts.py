"""When the network has its say, and when it does not."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.learned_impacts import ImpactCurve, likely_impacts, listen_to, read_impact_curve

RATE_HZ = 100.0


def curve(peaks, *, time_scale=1.0, floor=0.01):
    times = (np.arange(400) + 0.5) / RATE_HZ * time_scale
    score = np.full(400, floor, dtype=np.float32)
    for time_s, value in peaks.items():
        score[np.abs(times - time_s).argmin()] = value
    speed = np.full(400, 2.0, dtype=np.float32)
    return ImpactCurve(times_s=times, score=score, speed_m_s=speed, time_scale=time_scale)


def test_where_it_is_sure_it_adds_what_was_missed_and_takes_away_what_it_denies():
    seen = [0.5, 1.5]
    kept, missed = listen_to(curve({0.51: 0.3, 2.0: 1.2, 2.03: 0.6, 3.0: 0.4}), seen)
    assert kept == [0]
    assert missed == pytest.approx([2.0], abs=0.01)


def test_where_it_is_sure_of_nothing_it_keeps_silent():
    kept, missed = listen_to(curve({0.5: 0.9}), [1.5, 2.5])
    assert (kept, missed) == ([0, 1], [])


def test_where_it_suspects_nothing_nothing_hits():
    assert listen_to(curve({0.5: 0.13}), [1.5, 2.5]) == ([], [])
    assert listen_to(curve({0.5: 0.17}), [1.5, 2.5]) == ([0, 1], [])
    nothing = np.zeros(0, dtype=np.float32)
    unread = ImpactCurve(times_s=np.zeros(0), score=nothing, speed_m_s=nothing, time_scale=1.0)
    assert listen_to(unread, [1.5]) == ([0], [])


def test_what_was_seen_is_not_doubled():
    kept, missed = listen_to(curve({1.0: 1.4}), [1.05])
    assert (kept, missed) == ([0], [])


def test_slow_motion_widens_the_moments():
    slow = curve({4.0: 1.4, 4.3: 0.8}, time_scale=4.0)
    assert likely_impacts(slow) == pytest.approx([4.0], abs=0.03)
    assert slow.near(4.2) == pytest.approx(1.4)


def test_too_few_frames_say_nothing():
    frames = np.zeros((3, 32, 32, 3), dtype=np.uint8)
    assert read_impact_curve(frames, np.arange(3) / 25.0, time_scale=1.0).score.size == 0


def test_the_curve_spans_the_clip_and_a_still_has_no_impact():
    frames = np.full((50, 90, 160, 3), 120, dtype=np.uint8)
    for scale in (1.0, 4.0):
        found = read_impact_curve(frames, np.arange(50) / 25.0, time_scale=scale)
        assert 0.0 < found.times_s[0] < 0.1
        assert found.times_s[-1] == pytest.approx(1.96, abs=0.15)
        assert likely_impacts(found) == []
