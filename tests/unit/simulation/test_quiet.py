"""What is seen and not heard; bodies that no law of motion moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.simulation import SceneConfig, simulate
from pavas_sdk.simulation.collisions import AUDIBLE_J
from pavas_sdk.simulation.guides import Guide, follow
from pavas_sdk.simulation.sampling import sample_world
from pavas_sdk.simulation.scene import QUIET_ACTIONS
from pavas_sdk.simulation.shooting import Shooting
from tests.unit.simulation.conftest import SMALL


@pytest.mark.parametrize("action", QUIET_ACTIONS)
def test_quiet_actions_are_nearly_silent_and_their_impacts_are_known_to_be_none(action):
    for seed in (1, 2):
        clip = simulate(seed, replace(SMALL, action=action)).clip
        assert clip.physics.impacts() == []
        level = np.sqrt(np.mean(clip.true_audio.samples.astype(float) ** 2))
        assert 20 * np.log10(max(level, 1e-12)) < -65


@pytest.mark.parametrize("action", ["pendulum", "glide", "settle", "pass", "swing"])
def test_in_quiet_clips_something_moves_in_the_picture(action):
    moved = 0
    for seed in range(1, 5):
        simulated = simulate(seed, replace(SMALL, action=action, noise=False))
        frames = simulated.clip.video.frames.astype(int)
        moved += int((np.abs(frames - frames[:1]).max(axis=(1, 2, 3)) > 30).any())
        assert len(simulated.clip.physics) >= 1
    assert moved >= 3


def test_soft_landings_have_no_jump_of_speed():
    for seed in range(6):
        scene, motion = sample_world(seed, SceneConfig(action="settle", disturbances=False))
        change = np.linalg.norm(np.diff(motion.velocity_m_s[:, 0], axis=0), axis=1)
        assert change.max() < 0.1
        assert np.linalg.norm(motion.velocity_m_s[-1, 0]) < 1e-6
        assert not any(c.energy_change_j >= AUDIBLE_J for c in motion.collisions)
        assert motion.position_m[:, 0, 2].min() > 0.3 * scene.objects[0].size_m * 0.1


def test_a_missed_blow_turns_back_above_the_surface():
    seen = 0
    for seed in range(12):
        scene, motion = sample_world(seed, SceneConfig(action="swing", disturbances=False))
        assert scene.striker is not None
        assert not motion.collisions
        w, x, y, z = motion.quaternion[:, 0].T
        tip_z = motion.position_m[:, 0, 2] + scene.striker.tip_offset_m * 2 * (x * z - w * y)
        top = 0.0 if scene.target is None else 2 * scene.target.half_m[2]
        gaps = [hit.miss_m for hit in scene.striker.hits if hit.miss_m is not None]
        assert len(gaps) == len(scene.striker.hits)
        assert tip_z.min() - top > 0.5 * min(gaps)
        speed = np.abs(np.diff(motion.velocity_m_s[:, 0], axis=0)).max()
        assert speed < 0.3, "it turns back smoothly"
        seen += 1
    assert seen == 12


def test_a_guided_body_looks_at_its_anchor_and_rests_outside_its_knots():
    guide = Guide(
        times_s=(1.0, 2.0),
        points_m=((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
        velocities_m_s=((0.0, 0.0, 0.0),) * 2,
        anchor_m=(0.5, 0.0, 2.0),
        azimuth_rad=0.0,
    )
    times = np.linspace(0.0, 3.0, 61)
    position, velocity, q = follow(guide, (1.0, 0.0, 0.0, 0.0), times)
    np.testing.assert_allclose(position[[0, -1], 0], [0.0, 1.0])
    assert not velocity[times > 2.0].any()
    w, x, y, z = q.T
    axis = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], axis=1)
    towards = np.asarray(guide.anchor_m) - position
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    np.testing.assert_allclose(axis, towards, atol=1e-9)


def test_frames_may_be_shown_twice_and_light_may_change():
    simulated = simulate(3, replace(SMALL, fps=None, disturbances=True, noise=False, action="drop"))
    scene = simulated.scene
    assert simulated.times_s.size == round(2.0 * scene.shooting.fps * scene.shooting.repeats)
    shots = [simulate(seed, replace(SMALL, fps=None)) for seed in range(30)]
    doubled = next(s for s in shots if s.scene.shooting.repeats == 2)
    frames = doubled.clip.video.frames
    np.testing.assert_array_equal(frames[0::2][:20], frames[1::2][:20])
    assert (doubled.capture_times_s[1::2] == doubled.capture_times_s[0::2]).all()
    gains = Shooting(flicker=0.1, flicker_hz=2.0).gains(np.linspace(0, 1, 50))
    assert gains.max() / gains.min() > 1.15
    step = Shooting(step=0.5, step_s=0.5).gains(np.array([0.0, 0.9]))
    assert step[1] / step[0] == pytest.approx(np.exp(0.5))


def test_dust_rises_only_after_an_impact():
    simulated = simulate(4, replace(SMALL, action="drop", noise=False))
    from pavas_sdk.simulation.render import render_frames

    scene = simulated.scene
    dusty = replace(scene, shooting=replace(scene.shooting, dust=1.0))
    clean, dust = (render_frames(s, simulated.motion).frames.astype(int) for s in (scene, dusty))
    first = min(c.time_s for c in simulated.motion.collisions if c.energy_change_j > 3e-3)
    changed = np.abs(clean - dust).max(axis=(1, 2, 3)) > 0
    times = simulated.times_s
    assert not changed[times <= first].any()
    assert changed[(times > first + 0.02) & (times < first + 0.2)].any()
