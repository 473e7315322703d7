"""Across a cut nothing is followed, and a jump of the picture is no impact."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk import PhysicsEstimator
from pavas_sdk.data import Video
from pavas_sdk.media import MemorySource
from pavas_sdk.testing import moving_discs


@pytest.fixture(scope="module")
def two_scenes():
    """A disc over dark grey, then another over light stripes: 1.6 s each."""
    first = moving_discs(1, frames=40, height=96, width=128).video.frames
    stripes = np.where(np.arange(128) // 16 % 2 == 0, 90, 120).astype(np.int16)
    second = np.clip(first[::-1].astype(np.int16) + stripes[None, None, :, None], 0, 255)
    frames = np.concatenate([first, second.astype(np.uint8)])
    return MemorySource(Video(frames=frames, times_s=np.arange(80) / 25.0))


def test_objects_of_two_scenes_are_others(two_scenes):
    result = PhysicsEstimator().estimate(two_scenes)
    assert any("cuts to another scene at 1.60 s" in note for note in result.physics.notes)
    for entry in result.physics:
        times = entry.speed_times_s
        assert (times < 1.6).all() or (times >= 1.6 - 1e-9).all()
    for hit in result.physics.impacts():
        assert abs(hit.time_s - 1.6) > 0.05
    assert result.reconstruction is None
    sides = {entry.speed_times_s[0] < 1.6 for entry in result.physics if entry.speed_times_s.size}
    assert sides == {True, False}
