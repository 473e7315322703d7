"""When the network has its say, and when it does not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pavas_tiny.learned_impacts import ImpactCurve, likely_impacts, listen_to, read_impact_curve

from pavas_sdk.models import ImpactSight

RATE_HZ = 100.0


def curve(peaks, *, time_scale=1.0, floor=0.01):
    times = (np.arange(400) + 0.5) / RATE_HZ * time_scale
    score = np.full(400, floor, dtype=np.float32)
    for time_s, value in peaks.items():
        score[np.abs(times - time_s).argmin()] = value
    return ImpactCurve(
        times_s=times,
        score=score,
        place=np.full((400, 2), 0.5, dtype=np.float32),
        speed_m_s=np.full(400, 2.0, dtype=np.float32),
        mass_kg=np.full(400, 0.5, dtype=np.float32),
        time_scale=time_scale,
    )


def test_where_it_is_certain_it_adds_what_was_missed_and_takes_away_what_it_denies():
    seen = [0.5, 1.5]
    kept, missed = listen_to(curve({0.51: 0.3, 1.5: 0.15, 2.0: 1.3, 2.03: 0.6, 3.0: 0.25}), seen)
    assert kept == [0]
    assert missed == pytest.approx([2.0, 3.0], abs=0.01)


def test_elsewhere_it_needs_more_to_add_and_takes_away_only_what_it_excludes():
    seen = [0.5, 1.5, 2.5]
    kept, missed = listen_to(curve({1.5: 0.1, 2.5: 0.03, 3.0: 0.25, 3.5: 0.35}), seen)
    assert kept == [1]
    assert missed == pytest.approx([3.5], abs=0.01)


def test_where_it_is_certain_of_one_impact_it_is_believed_about_weaker_ones():
    weak = {3.0: 0.25, 3.5: 0.15}
    assert likely_impacts(curve({2.0: 1.3, **weak})) == pytest.approx([2.0, 3.0], abs=0.01)
    assert likely_impacts(curve({2.0: 0.9, **weak})) == pytest.approx([2.0], abs=0.01)


def test_kinds_of_clips_and_moments():
    certain, known, other = (curve({2.0: value}) for value in (1.25, 0.85, 0.6))
    assert [one.is_certain for one in (certain, known, other)] == [True, False, False]
    assert [one.knows for one in (certain, known, other)] == [True, True, False]
    assert certain.is_certain_of(0.5)
    assert not known.is_certain_of(0.5)
    assert other.is_certain_of(2.0)
    assert other.suspects(2.0)
    assert not other.suspects(0.5)


def test_where_it_suspects_nothing_nothing_hits():
    assert listen_to(curve({0.5: 0.09}, floor=0.06), [1.5, 2.5]) == ([], [])
    assert listen_to(curve({0.5: 0.11}, floor=0.06), [1.5, 2.5]) == ([0, 1], [])
    nothing = np.zeros(0, dtype=np.float32)
    unread = ImpactCurve(
        times_s=np.zeros(0),
        score=nothing,
        place=np.zeros((0, 2), dtype=np.float32),
        speed_m_s=nothing,
        mass_kg=nothing,
        time_scale=1.0,
    )
    assert listen_to(unread, [1.5]) == ([0], [])
    assert likely_impacts(unread) == []


def test_what_was_seen_is_not_doubled():
    kept, missed = listen_to(curve({1.0: 1.4}), [1.05])
    assert (kept, missed) == ([0], [])


def test_slow_motion_widens_the_moments():
    slow = curve({4.0: 1.4, 4.3: 0.8}, time_scale=4.0)
    assert likely_impacts(slow) == pytest.approx([4.0], abs=0.03)
    assert slow.near(4.2) == pytest.approx(1.4)


class _Watcher:
    """Says that something hits when the picture's left half lights up, and counts its looks."""

    config = SimpleNamespace(frame_rate_hz=25.0)
    slot_rate_hz = RATE_HZ

    def __init__(self):
        self.looks = []

    def frame_times_s(self, duration_s):
        return np.arange(0.0, duration_s, 1 / 25.0)

    def look(self, video):
        bright = video.frames[:, :, : video.frames.shape[2] // 2].mean(axis=(1, 2, 3)) > 100
        self.looks.append(bright.any())
        likely = np.zeros(4 * len(bright), dtype=np.float32)
        if bright.any():
            likely[4 * int(bright.argmax())] = 1.0
        place = np.full((likely.size, 2), 0.25, dtype=np.float32)
        place[:, 0] = 0.2 if bright.any() else 0.8
        factor = 1.0 if bright.any() else 2.0
        return ImpactSight(
            likely=likely,
            place=place,
            speed_m_s=np.full(likely.size, 2.0 * factor, dtype=np.float32),
            mass_kg=np.full(likely.size, 3.0 * factor, dtype=np.float32),
        )


@pytest.mark.parametrize("time_scale", [1.0, 2.0])
def test_it_looks_three_times_and_takes_the_mean(monkeypatch, time_scale):
    watcher = _Watcher()
    monkeypatch.setattr("pavas_tiny.learned_impacts._detector", lambda: watcher)
    frames = np.zeros((100, 32, 32, 3), dtype=np.uint8)
    frames[42:, :, :16] = (
        255  # 0.84 s: the second frame of the network's, or the first half a frame later
    )
    found = read_impact_curve(frames, np.arange(100) / 50.0 * time_scale, time_scale=time_scale)
    assert watcher.looks == [True, False, True]
    top = found.times_s[found.score.argmax()] / time_scale
    assert top == pytest.approx(0.84, abs=0.02)
    assert found.score.max() == pytest.approx(2 / 3, abs=0.34)
    assert found.near(0.85 * time_scale) == pytest.approx(float(found.score.max()))
    np.testing.assert_allclose(found.speed_m_s, (2.0 * 2.0 * 4.0) ** (1 / 3), rtol=1e-5)
    np.testing.assert_allclose(found.mass_kg, (3.0 * 3.0 * 6.0) ** (1 / 3), rtol=1e-5)
    np.testing.assert_allclose(found.place, [[0.2, 0.25]] * len(found.place), rtol=1e-5)


def test_nothing_hits_where_the_film_ends():
    """After the last frame the picture stands still, which is no stop."""
    x = 4 + np.arange(50)
    frames = np.full((50, 64, 64, 3), 90, dtype=np.uint8)
    for frame, left in enumerate(x):
        frames[frame, 20:32, left : left + 10] = 230
    found = read_impact_curve(frames, np.arange(50) / 25.0, time_scale=1.0)
    assert found.times_s[-1] <= 49 / 25.0
    assert all(moment < 1.89 for moment in likely_impacts(found))


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


def test_what_is_said_of_a_moment_stands_where_it_is_likeliest():
    found = curve({1.0: 0.9})
    at = np.abs(found.times_s - 1.0).argmin()
    found.speed_m_s[at], found.mass_kg[at], found.place[at] = 7.0, 1.5, (0.1, 0.9)
    assert found.speed_at(1.02) == pytest.approx(7.0)
    assert found.mass_at(1.02) == pytest.approx(1.5)
    assert found.place_at(1.02) == pytest.approx((0.1, 0.9))
    assert found.speed_at(1.2) == pytest.approx(2.0)
    assert np.isnan(found.mass_at(9.0))
    assert found.place_at(9.0) is None
