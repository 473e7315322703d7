"""find_impacts on motions whose impacts are known."""

import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pavas_sdk.data import find_impacts
from pavas_sdk.data.impacts import speeds_around

G = 9.81


def bouncing(height_m, restitution, fps=50.0, duration_s=2.0, shift=0.0):
    """Mid-frame times and velocities (S, 3) of a ball dropped from a height, and its impacts."""
    fall_s = np.sqrt(2 * height_m / G)
    hits, speed, moment = [], G * fall_s, fall_s
    while moment < duration_s and speed > 0.5:
        hits.append((moment, speed, speed * restitution))
        speed *= restitution
        moment += 2 * speed / G
    frame_times = np.arange(int(duration_s * fps)) / fps + shift
    heights = np.full(frame_times.size, height_m) - 0.5 * G * frame_times**2
    for hit, _, up in hits:
        after = frame_times >= hit
        since = frame_times[after] - hit
        heights[after] = up * since - 0.5 * G * since**2
    heights = np.maximum(heights, 0.0)
    velocity = np.zeros((frame_times.size - 1, 3))
    velocity[:, 1] = np.diff(heights) * fps
    times = 0.5 * (frame_times[1:] + frame_times[:-1])
    return times, velocity, hits


@given(
    st.floats(0.4, 1.5),
    st.floats(0.6, 0.9),
    st.sampled_from([30.0, 50.0, 120.0]),
    st.floats(0, 0.02),
)
def test_every_clear_bounce_is_found_where_it_is(height_m, restitution, fps, shift):
    times, velocity, hits = bouncing(height_m, restitution, fps, shift=shift)
    clear = [
        hit
        for index, hit in enumerate(hits)
        if 0.25 < hit[0] < times[-1] - 0.25
        and (index + 1 == len(hits) or hits[index + 1][0] - hit[0] > 0.3)
        and (index == 0 or hit[0] - hits[index - 1][0] > 0.3)
    ]
    assume(clear)
    found = find_impacts(0, times, np.linalg.norm(velocity, axis=1), velocity_m_s=velocity)
    for moment, down, up in clear:
        nearest = min(found, key=lambda impact: abs(impact.time_s - moment))
        assert abs(nearest.time_s - moment) <= 0.25 / fps
        assert nearest.velocity_change_m_s == pytest.approx(down + up, rel=0.1)


@pytest.mark.parametrize("height_m", [0.6, 0.9, 1.2])
@pytest.mark.parametrize("kernel", [(0.5, 0.5), (1 / 3, 1 / 3, 1 / 3), (0.25, 0.5, 0.25)])
def test_a_smoothed_bounce_makes_no_others_beside_it(height_m, kernel):
    """Trackers smooth: several samples then mix both sides of a contact, not one."""
    times, velocity, hits = bouncing(height_m, 0.75, fps=25.0, duration_s=1.2)
    alone = times < hits[0][0] + 0.3
    times, velocity = times[alone], velocity[alone]
    velocity[1:-1, 1] = np.convolve(velocity[:, 1], kernel, "same")[1:-1]
    (found,) = find_impacts(0, times, np.linalg.norm(velocity, axis=1), velocity_m_s=velocity)
    assert abs(found.time_s - hits[0][0]) < 0.04


@pytest.mark.parametrize("apart_s", [0.13, 0.14])
def test_a_second_impact_is_placed_without_what_came_before_the_first(apart_s):
    """Between two walls: a fit that reached over the other impact would shift it by 3 ms."""
    times = np.arange(100) / 100 + 0.005
    velocity = np.zeros((100, 3))
    velocity[:, 0] = np.where(times < 0.4, 3.0, np.where(times < 0.4 + apart_s, -2.5, 2.0))
    found = find_impacts(0, times, np.linalg.norm(velocity, axis=1), velocity_m_s=velocity)
    assert len(found) == 2
    assert found[1].time_s == pytest.approx(0.4 + apart_s, abs=5e-4)


def test_gravity_alone_is_no_impact():
    times = np.arange(100) / 50
    velocity = np.stack([np.full(100, 2.0), 6.0 - G * times, np.zeros(100)], axis=1)
    assert find_impacts(0, times, np.linalg.norm(velocity, axis=1), velocity_m_s=velocity) == []


@given(st.floats(0.1, 10), st.floats(0.05, 5.0), st.integers(30, 60))
def test_a_stop_has_the_energy_of_the_motion(speed, mass_kg, at):
    assume(speed > 0.3)
    times = np.arange(100) / 50
    series = np.where(np.arange(100) < at, speed, 0.0)
    (impact,) = find_impacts(3, times, series, mass_kg=mass_kg)
    assert impact.object_id == 3
    assert abs(impact.time_s - (times[at - 1] + times[at]) / 2) < 1e-9
    assert impact.speed_before_m_s == pytest.approx(speed)
    assert impact.speed_after_m_s == 0.0
    assert impact.energy_before_j == pytest.approx(0.5 * mass_kg * speed**2)
    assert impact.energy_change_j == pytest.approx(0.5 * mass_kg * speed**2)


def test_a_turn_at_equal_speed_is_seen_only_with_velocities():
    times = np.arange(60) / 30
    velocity = np.zeros((60, 3))
    velocity[:, 0] = np.where(times < 1.0, 2.0, -2.0)
    speed = np.linalg.norm(velocity, axis=1)
    assert find_impacts(0, times, speed) == []
    (impact,) = find_impacts(0, times, speed, velocity_m_s=velocity)
    assert impact.velocity_change_m_s == pytest.approx(4.0)
    assert impact.energy_change_j != impact.energy_change_j  # no mass: NaN


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_slow_motion_finds_the_same_impacts(scale):
    times, velocity, _ = bouncing(1.0, 0.8, fps=100.0)
    speed = np.linalg.norm(velocity, axis=1)
    real = find_impacts(0, times, speed, velocity_m_s=velocity, mass_kg=1.0)
    slow = find_impacts(
        0, times * scale, speed, velocity_m_s=velocity, mass_kg=1.0, time_scale=scale
    )
    assert len(real) >= 3
    np.testing.assert_allclose(
        [hit.time_s for hit in slow], [hit.time_s * scale for hit in real], atol=1e-9
    )
    np.testing.assert_allclose(
        [hit.energy_change_j for hit in slow], [hit.energy_change_j for hit in real]
    )


@given(st.integers(0, 2**32 - 1))
def test_small_noise_makes_no_impacts(seed):
    rng = np.random.default_rng(seed)
    times = np.arange(80) / 25
    speed = 2.0 + 0.02 * rng.normal(size=80)
    assert find_impacts(0, times, speed) == []


def test_missing_samples_hide_an_impact_and_never_make_one():
    times = np.arange(60) / 30
    speed = np.full(60, 2.0)
    speed[20:30] = np.nan
    assert find_impacts(0, times, speed) == []
    assert find_impacts(0, times, np.full(60, np.nan)) == []
    assert find_impacts(0, times[:3], speed[:3]) == []


def test_impacts_keep_their_distance():
    times = np.arange(200) / 100
    speed = np.where((np.arange(200) // 8) % 2 == 0, 3.0, 0.0)  # a change every 80 ms
    moments = [hit.time_s for hit in find_impacts(0, times, speed)]
    assert moments
    assert np.diff(moments).min() >= 0.12


def test_speeds_around_leave_out_the_contact():
    times = np.arange(10) / 10
    speed = np.array([1, 1, 1, 1, 9, 9, 2, 2, 2, np.nan])
    assert speeds_around(times, speed, 0.45, window_s=0.3, gap_s=0.2) == (1.0, 2.0)
    before, after = speeds_around(times, speed, 5.0)
    assert before != before
    assert after != after


def test_time_grows_with_length_not_with_its_square():
    def seconds(count):
        times = np.arange(count) / 25
        speed = 1.0 + (np.arange(count) % 50 > 25)
        started = time.process_time()
        find_impacts(0, times, speed)
        return time.process_time() - started

    seconds(100)
    assert seconds(2000) < 12 * seconds(500)
