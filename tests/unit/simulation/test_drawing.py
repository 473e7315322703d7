"""What is redrawn: a still camera's shortcuts must not change what is seen."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.simulation import drawing, render
from pavas_sdk.simulation.hits import COLUMNS


def parts_of(simulated):
    times = simulated.clip.video.times_s
    shots = render._shots(simulated.scene, simulated.motion, np.repeat(times[:, None], 4, axis=1))
    lens = render._lens(simulated.scene)
    return shots, render._stage(simulated.scene, lens), render._tiles(simulated.scene, times), lens


def drawn(simulated, shots):
    config = simulated.scene.config
    _, stage, tiles, lens = parts_of(simulated)
    film = render._film(simulated.scene, simulated.capture_times_s)._replace(noise_level=0.0)
    frames = np.empty((shots.things.shape[0], config.height, config.width, 3), dtype=np.uint8)
    ids = np.empty(frames.shape[:3], dtype=np.int8)
    drawing.draw_frames(frames, ids, shots, stage, tiles, lens, film)
    return frames, ids


@pytest.mark.parametrize("action", ["drop", "throw", "collide", "strike", "roll", "still"])
def test_shortcuts_show_what_full_drawing_shows(simulation_of, action):
    simulated = simulation_of(action)
    shots, *_ = parts_of(simulated)
    assert shots.still_camera
    assert shots.things.shape[-1] == COLUMNS
    quick, ids = drawn(simulated, shots)
    full, full_ids = drawn(simulated, shots._replace(fixed=0, still_camera=False))
    np.testing.assert_array_equal(ids, full_ids)
    # only the number of rays per pixel differs: the same light, other edges
    error = np.abs(quick.astype(int) - full.astype(int)).max(axis=-1)
    assert np.quantile(error, 0.9) <= 12
    assert error.mean() < 4


@pytest.mark.parametrize("action", ["drop", "throw", "collide"])
def test_shadows_and_things_are_never_cut_off(simulation_of, action):
    """Each frame of a film equals the frame drawn alone: nothing stale stays behind."""
    simulated = simulation_of(action)
    shots, *_ = parts_of(simulated)
    film, _ = drawn(simulated, shots)
    for k in (10, 30, 49):
        things = np.repeat(shots.things[k : k + 1], 2, axis=0)
        alone, _ = drawn(simulated, shots._replace(things=things, poses=shots.poses[:2]))
        changed = (film[k] != alone[0]).any(axis=-1).mean()
        assert changed < 0.002


def test_a_frame_in_which_nothing_moves_is_not_drawn_again(simulation_of):
    simulated = simulation_of("still")
    frames, ids = drawn(simulated, parts_of(simulated)[0])
    assert (frames == frames[:1]).all()
    assert (ids == ids[:1]).all()
    assert (ids >= 0).any(), "what lies still is identified all the same"
