from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.simulation.clip import moving_bodies


def test_physics_holds_true_masses_and_speeds(clip_of):
    for action in ("drop", "throw", "collide", "strike"):
        clip = clip_of(action)
        assert set(clip.masks) == {entry.object_id for entry in clip.physics}
        for body, object_id in clip.object_of_body.items():
            entry = clip.physics[object_id]
            assert entry.mass_kg == clip.scene.objects[body].mass_kg
            times = clip.video.times_s
            np.testing.assert_allclose(entry.speed_times_s, (times[1:] + times[:-1]) / 2)
            steps = np.rint(times / clip.motion.step_s).astype(int)
            moved = np.diff(clip.motion.position_m[steps, body], axis=0)
            np.testing.assert_allclose(
                entry.speed_m_s, np.linalg.norm(moved, axis=1) * 25.0, atol=1e-9
            )


def test_physics_survives_json_and_names_its_source(clip_of):
    physics = clip_of("throw").physics
    again = PhysicsEstimate.loads(physics.dumps())
    assert again.dumps() == physics.dumps()
    for reference in physics.provenance.values():
        assert reference.kind == "simulation"
        assert reference.distribution == "pavas-sdk"


def test_struck_and_still_things_are_no_objects(clip_of):
    still = clip_of("still")
    assert len(still.scene.objects) >= 1
    assert not still.physics.objects
    assert not still.masks
    strike = clip_of("strike")
    assert list(strike.object_of_body) == [0]


def test_moving_bodies_are_those_that_go_somewhere(clip_of):
    clip = clip_of("collide")
    moving = moving_bodies(clip.scene, clip.motion)
    assert moving == sorted(moving)
    for index in range(len(clip.scene.objects)):
        path = clip.motion.position_m[:, index]
        span = np.ptp(path, axis=0).max()
        assert (index in moving) == (span > 0.25 * clip.scene.objects[index].size_m)


def test_trajectory_velocity_and_speed_agree(clip_of):
    clip = clip_of("throw")
    for object_id in clip.masks:
        path = clip.trajectory(object_id)
        speeds = np.linalg.norm(clip.velocities_m_s(object_id), axis=1)
        smooth = np.abs(np.diff(speeds)) < 0.3
        middle = (speeds[1:] + speeds[:-1]) / 2
        np.testing.assert_allclose(path.speed_m_s()[smooth], middle[smooth], atol=0.35)
        assert (path.point_counts == clip.masks[object_id].masks.sum(axis=(1, 2))).all()


def test_unknown_object_is_refused(clip_of):
    with pytest.raises(KeyError):
        clip_of("drop").trajectory(99)


def test_audio_is_as_long_as_the_video(clip_of):
    clip = clip_of("bounce")
    assert clip.audio.duration_s == pytest.approx(clip.video.duration_s)
    assert clip.audio.gain_db == 0.0
    assert clip.label == "bounce"
    assert clip.physics.duration_s == 2.0
