"""Parts that stand out from the background, in whole scenes."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.canvas import build_canvas
from pavas_tiny.foreground import find_foreground
from scenes import ballistic, clock, disc, overlap, render, resting_until, straight

TIMES = clock(40)
ARC = ballistic(TIMES, (10, 40), (38.0, -50.0), 70.0)


def found_in(scene):
    still = np.tile(np.eye(2, 3), (scene.frames.shape[0], 1, 1))
    return find_foreground(build_canvas(scene.frames, still, moving=False))


def test_one_part_per_frame_and_it_is_the_disc():
    scene = render([ARC])
    found = found_in(scene)
    assert found.count == 40
    assert overlap(found.mask, scene.masks[0]) > 0.8
    np.testing.assert_array_equal(found.mask, found.labels > 0)
    assert [np.unique(frame).size for frame in found.labels] == [2] * 40
    bare = render([], noise=0.0, frames=1).frames[0].astype(int)
    assert np.abs(found.background - bare).max() < 12


def test_noise_has_no_parts():
    assert found_in(render([], noise=5.0)).count == 0


@pytest.mark.parametrize("rest_s", [0.5, 0.9, 1.2])
def test_no_ghost_where_it_rested(rest_s):
    scene = render([resting_until(rest_s, TIMES, (20, 30), (90.0, 0.0))])
    found = found_in(scene)
    lay = disc((20, 30), 6) > 0.5
    gone = rest_s + 0.25 < TIMES
    assert found.mask[gone][:, lay].mean() < 0.02
    assert found.mask[0][lay].mean() > 0.75  # while it lay there it was seen


@pytest.mark.parametrize(
    "along",
    [
        pytest.param(6 * np.sin(5 * TIMES), id="back and forth"),
        pytest.param(10 * np.sin(5 * TIMES), id="further"),
        pytest.param(np.clip((TIMES - 0.7) * 50, 0, 14), id="a slide by its size"),
    ],
)
def test_what_stays_near_its_place(along):
    scene = render([np.stack([40 + along, np.full(40, 30.0)], axis=1)])
    assert overlap(found_in(scene).mask, scene.masks[0]) > 0.85


def test_what_moves_by_less_than_its_size():
    scene = render([straight(TIMES, (30, 30), (7.0, 0.0))])
    assert overlap(found_in(scene).mask, scene.masks[0]) > 0.85


def test_a_shadow_is_marked_as_shade_and_not_as_part_of_the_disc():
    scene = render([straight(TIMES, (12, 24), (35.0, 0.0))], shadow_shift=(2.0, 8.0))
    found = found_in(scene)
    below = np.stack([disc((x + 2.0, 36), 3) == 1 for x in scene.centres[0][:, 0]])
    assert found.mask[below].mean() < 0.15
    core = np.stack([disc((x, 24), 4) == 1 for x in scene.centres[0][:, 0]])
    assert found.mask[core].mean() > 0.97
    assert found.shade[below].mean() > 0.8
    assert found.shade[core].mean() < 0.05


def test_two_discs_are_two_parts():
    paths = [straight(TIMES, (10, 16), (35.0, 0.0)), straight(TIMES, (70, 46), (-35.0, 0.0))]
    assert found_in(render(paths)).count == 80


@pytest.mark.parametrize("colour", [(150, 142, 128), (80, 76, 68)])
def test_a_grey_disc_before_a_grey_wall(colour):
    scene = render([ARC], colours=(colour,), roughness=6.0)
    assert overlap(found_in(scene).mask, scene.masks[0]) > 0.6
