from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.simulation.motion import run_world
from pavas_sdk.simulation.sampling import sample_world
from pavas_sdk.simulation.scene import SceneConfig
from pavas_sdk.simulation.striker import tip_radius_m


def test_flight_between_contacts_accelerates_by_gravity():
    """The truth is a ruler: second differences of the height give 9.81 m/s^2."""
    checked = 0
    for seed in range(6):
        scene, motion = sample_world(seed, SceneConfig(action="throw", disturbances=False))
        body = 0
        start = scene.objects[body].release_s + 0.002
        touches = [c.time_s for c in motion.collisions if body in (c.body, c.other)]
        end = min([*touches, scene.config.duration_s]) - 0.002
        i, k = int(np.ceil(start / motion.step_s)), int(end / motion.step_s)
        if k - i < 50:
            continue
        height = motion.position_m[i:k, body, 2]
        acceleration = np.diff(height, 2) / motion.step_s**2
        np.testing.assert_allclose(acceleration, -9.81, atol=1e-4)
        sideways = np.diff(motion.position_m[i:k, body, :2], 2, axis=0) / motion.step_s**2
        np.testing.assert_allclose(sideways, 0.0, atol=1e-4)
        checked += 1
    assert checked >= 4


def test_contacts_are_where_velocities_jump(worlds):
    jumps_seen = 0
    for scene, motion in worlds:
        change = np.diff(motion.velocity_m_s, axis=0)
        change[..., 2] += 9.81 * motion.step_s
        jump = np.linalg.norm(change, axis=2)
        for body in range(len(scene.objects)):
            if scene.striker is not None and body == 0:
                continue
            touches = np.array(
                [c.time_s for c in motion.collisions if body in (c.body, c.other)] or [np.inf]
            )
            times = (np.flatnonzero(jump[:, body] > 0.5) + 1) * motion.step_s
            # being let go is a jump as well
            times = times[np.abs(times - scene.objects[body].release_s) > 0.003]
            times = times[times < scene.config.duration_s - 0.001]
            for moment in times:
                # touches of one pair that follow each other closely are one contact
                assert np.abs(touches - moment).min() <= 0.03
                jumps_seen += 1
    assert jumps_seen > 50


def test_energy_change_follows_from_mass_and_speeds(worlds):
    for scene, motion in worlds:
        for contact in motion.collisions:
            mass = scene.objects[contact.body].mass_kg
            expected = abs(0.5 * mass * (contact.speed_after_m_s**2 - contact.speed_before_m_s**2))
            assert contact.energy_change_j == pytest.approx(expected)
            assert contact.energy_change_j >= contact.other_energy_change_j


def test_a_striker_touches_its_target_at_the_planned_moments():
    for seed in range(5):
        scene, motion = sample_world(seed, SceneConfig(action="strike"))
        assert scene.striker is not None
        blows = [c.time_s for c in motion.collisions if c.body == 0]
        assert blows == [h.time_s for h in scene.striker.hits if h.miss_m is None]
        radius = tip_radius_m(scene.objects[0])
        top = 0.0 if scene.target is None else 2 * scene.target.half_m[2]
        w, x, y, z = motion.quaternion[:, 0].T
        axis = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], axis=1)
        heights = (motion.position_m[:, 0] + scene.striker.tip_offset_m * axis)[:, 2] - radius - top
        assert heights.min() > -1e-3, "the tip never goes through the target"
        for hit in scene.striker.hits:
            if hit.miss_m is not None:
                continue
            step = round(hit.time_s / motion.step_s)
            assert abs(heights[step]) < 0.005
            speeds = np.linalg.norm(motion.velocity_m_s[step - 4 : step, 0], axis=1)
            contact = next(c for c in motion.collisions if c.time_s == hit.time_s)
            assert speeds[-1] == pytest.approx(contact.speed_before_m_s, rel=0.05)


def test_positions_between_steps_are_interpolated(worlds):
    _, motion = worlds[0]
    exact, turn = motion.at(np.array([0.01, 0.01025]))
    np.testing.assert_array_equal(exact[0], motion.position_m[20])
    middle = (motion.position_m[20] + motion.position_m[21]) / 2
    np.testing.assert_allclose(exact[1], middle, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(turn, axis=-1), 1.0)


def test_a_heavier_ball_falls_alike(worlds):
    """Mass changes energy, not the picture of a fall: pixels do not show it."""
    from dataclasses import replace

    scene, motion = sample_world(3, SceneConfig(action="drop"))
    items = tuple(replace(o, mass_kg=4 * o.mass_kg) for o in scene.objects)
    heavy = run_world(items, scene.room, scene.config.duration_s)
    np.testing.assert_allclose(heavy.position_m, motion.position_m, atol=1e-6)
    for a, b in zip(motion.collisions, heavy.collisions, strict=True):
        assert b.energy_change_j == pytest.approx(4 * a.energy_change_j, rel=1e-6)
