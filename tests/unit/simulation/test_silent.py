"""Pictures without sound: those of the clips with sound, and where things hit in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.simulation import SceneConfig, simulate, simulate_picture

SMALL = SceneConfig(height=48, width=64, duration_s=2.0)


@pytest.mark.parametrize("seed", [3, 4])
def test_the_picture_is_that_of_the_clip_to_the_bit(seed):
    config = replace(SMALL, action="drop")
    clip, picture = simulate(seed, config).clip, simulate_picture(seed, config)
    np.testing.assert_array_equal(picture.video.frames, clip.video.frames)
    np.testing.assert_array_equal(picture.video.times_s, clip.video.times_s)
    assert picture.video.duration_s == clip.video.duration_s
    assert picture.action == clip.action
    assert picture.masks.keys() == picture.speeds_m_s.keys() == clip.masks.keys()
    for object_id, track in clip.masks.items():
        np.testing.assert_array_equal(picture.masks[object_id].masks, track.masks)
    heard = [contact for contact in clip.contacts if contact.energy_change_j > 0]
    assert heard
    assert [(c.time_s, c.object_id, c.energy_change_j) for c in picture.contacts] == [
        (c.time_s, c.object_id, c.energy_change_j) for c in heard
    ]
    for contact in picture.contacts:
        if contact.object_id is not None:
            assert contact.mass_kg == clip.physics[contact.object_id].mass_kg


@pytest.mark.parametrize("camera", ["still", "pan", "dolly"])
def test_what_hits_is_seen_where_it_hits(camera):
    """Near its contact with the floor the mask of what falls touches the contact's place."""
    config = SceneConfig(
        duration_s=2.0, fps=100.0, action="drop", camera=camera, disturbances=False, height=96
    )
    looked_at = 0
    for seed in range(12):
        picture = simulate_picture(seed, config)
        height, width = picture.video.frames.shape[1:3]
        for contact in picture.contacts:
            across, down = contact.place
            if contact.object_id is None or not (0 < across < 1 and 0 < down < 1):
                continue
            track = picture.masks[contact.object_id]
            frame = int(np.argmin(np.abs(track.times_s - contact.time_s)))
            rows, columns = np.nonzero(track.masks[frame])
            if rows.size:
                apart = np.hypot(columns + 0.5 - across * width, rows + 0.5 - down * height)
                assert apart.min() < 4.0
                looked_at += 1
    assert looked_at > 10


def test_speeds_are_those_of_the_motion():
    config = replace(SMALL, action="drop")
    simulated, picture = simulate(3, config), simulate_picture(3, config)
    for object_id in picture.masks:
        wanted = np.linalg.norm(simulated.velocities_m_s(object_id), axis=1)
        found = picture.speeds_at(object_id, simulated.times_s)
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(KeyError):
        picture.speeds_at(99, simulated.times_s)
