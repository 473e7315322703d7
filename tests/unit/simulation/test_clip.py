from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.simulation import SceneConfig
from pavas_sdk.simulation.clip import true_physics
from pavas_sdk.simulation.collisions import AUDIBLE_J
from pavas_sdk.simulation.filmed_world import moving_bodies
from pavas_sdk.simulation.render import frame_times
from pavas_sdk.simulation.sampling import sample_world


def test_physics_holds_true_masses_and_speeds(simulation_of):
    for action in ("drop", "throw", "collide", "strike"):
        simulated = simulation_of(action)
        assert set(simulated.clip.masks) == {entry.object_id for entry in simulated.clip.physics}
        for body, object_id in simulated.object_of_body.items():
            entry = simulated.clip.physics[object_id]
            assert entry.mass_kg == simulated.scene.objects[body].mass_kg
            times = simulated.clip.video.times_s
            np.testing.assert_allclose(entry.speed_times_s, (times[1:] + times[:-1]) / 2)
            steps = np.rint(times / simulated.motion.step_s).astype(int)
            moved = np.diff(simulated.motion.position_m[steps, body], axis=0)
            np.testing.assert_allclose(
                entry.speed_m_s, np.linalg.norm(moved, axis=1) * 25.0, atol=1e-9
            )


def test_physics_survives_json_and_names_its_source(simulation_of):
    physics = simulation_of("throw").clip.physics
    again = PhysicsEstimate.loads(physics.dumps())
    assert again.dumps() == physics.dumps()
    for reference in physics.provenance.values():
        assert reference.kind == "simulation"
        assert reference.distribution == "pavas-sdk"


def test_struck_and_still_things_are_no_objects(simulation_of):
    still = simulation_of("still")
    assert len(still.scene.objects) >= 1
    assert not still.clip.physics.objects
    assert not still.clip.masks
    strike = simulation_of("strike")
    assert list(strike.object_of_body) == [0]


def test_moving_bodies_are_those_that_go_somewhere_or_are_heard(simulation_of):
    simulated = simulation_of("collide")
    moving = moving_bodies(simulated.scene, simulated.motion)
    assert moving == sorted(moving)
    heard = {c.body for c in simulated.motion.collisions if c.energy_change_j >= AUDIBLE_J}
    for index in range(len(simulated.scene.objects)):
        path = simulated.motion.position_m[:, index]
        span = np.ptp(path, axis=0).max()
        moves = span > 0.25 * simulated.scene.objects[index].size_m
        assert (index in moving) == (moves or index in heard)


@pytest.mark.parametrize("action", ["drop", "throw", "collide", "strike", "roll"])
def test_every_audible_contact_is_a_known_impact(action):
    for seed in range(12):
        scene, motion = sample_world(seed, SceneConfig(action=action))
        heard = [c for c in motion.collisions if c.energy_change_j >= AUDIBLE_J]
        known = true_physics(scene, motion, frame_times(scene)).impacts()
        assert [hit.time_s for hit in known] == [c.time_s for c in heard]
        assert [hit.energy_change_j for hit in known] == [c.energy_change_j for c in heard]


def test_trajectory_velocity_and_speed_agree(simulation_of):
    simulated = simulation_of("throw")
    for object_id in simulated.clip.masks:
        path = simulated.trajectory(object_id)
        speeds = np.linalg.norm(simulated.velocities_m_s(object_id), axis=1)
        smooth = np.abs(np.diff(speeds)) < 0.3
        middle = (speeds[1:] + speeds[:-1]) / 2
        np.testing.assert_allclose(path.speed_m_s()[smooth], middle[smooth], atol=0.35)
        assert (path.point_counts == simulated.clip.masks[object_id].masks.sum(axis=(1, 2))).all()


def test_unknown_object_is_refused(simulation_of):
    with pytest.raises(KeyError):
        simulation_of("drop").trajectory(99)


def test_audio_is_as_long_as_the_video(simulation_of):
    simulated = simulation_of("bounce")
    assert simulated.clip.audio.duration_s == pytest.approx(simulated.clip.video.duration_s)
    assert simulated.clip.audio.gain_db == 0.0
    assert simulated.clip.action == "bounce"
    assert simulated.clip.physics.duration_s == 2.0
