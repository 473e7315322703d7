"""Flow of a thing, with and without a moving camera."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.optical_flow import FlowField
from scenes import render, straight, textured


def flow_at(scene, frame):
    height, width = scene.frames.shape[1:3]
    field = FlowField((height, width))
    first, second = (field.grey(scene.frames[k]) for k in (frame, frame + 1))
    return field.between(first, second)


def speeds(scene, frame):
    """Median flow within the disc, and of the rest."""
    flow, mask = flow_at(scene, frame), scene.masks[0][frame]
    return np.median(flow[mask], axis=0), np.median(flow[~mask], axis=0)


@pytest.mark.parametrize("step", [(2.0, 1.0), (7.0, 0.0), (-3.0, 9.0)])
def test_a_thing_moves_and_the_wall_does_not(step):
    inside, outside = speeds(textured(straight(np.arange(6), (70, 40), step)), 1)
    assert inside == pytest.approx(step, abs=0.8)
    assert outside == pytest.approx([0.0, 0.0], abs=0.15)


def test_the_camera_does_not_count():
    """The camera pans by 1.5 px a frame; a disc stands before the wall."""
    camera = straight(np.arange(12), (0, 0), (1.5, -0.5))
    still = render([np.tile([60.0, 40.0], (12, 1))], radius=9.0, camera=camera, size=(96, 160))
    assert np.abs(speeds(still, 8)).max() < 0.4


@pytest.mark.parametrize("size", [(8, 80), (80, 8), (5, 5), (31, 64)])
def test_narrow_pictures(size):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, size=(2, *size, 3), dtype=np.uint8)
    field = FlowField(size)
    flow = field.between(field.grey(frames[0]), field.grey(frames[1]))
    assert flow.shape == (*size, 2)
    assert np.isfinite(flow).all()


def test_the_same_twice():
    scene = textured(straight(np.arange(8), (40, 30), (2.0, 1.0)))
    assert np.array_equal(flow_at(scene, 5), flow_at(scene, 5))
