"""25 frames per second stored at 50 give what 25 give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pavas_sdk import PhysicsEstimator
from pavas_sdk.data import Video
from pavas_sdk.media import open_video, write_video

CLIP = Path(__file__).parents[2] / "examples" / "clips" / "bouncing_ball.mp4"


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The bouncing ball, every frame twice."""
    with open_video(CLIP) as video:
        frames = video.read(max_side=320).frames
    path = tmp_path_factory.mktemp("twice") / "twice.mp4"
    doubled = np.repeat(frames, 2, axis=0)
    write_video(path, Video(frames=doubled, times_s=np.arange(len(doubled)) / 50.0), crf=23.0)
    return path


def test_impacts_and_speeds_are_those_of_the_original(twice):
    estimator = PhysicsEstimator()
    with open_video(twice) as video:
        assert video.frame_rate_hz == pytest.approx(50.0)
        physics = estimator.estimate(video).physics
    assert any("show the one before once more" in note for note in physics.notes)
    (ball,) = physics
    assert ball.sources["scale"] == "gravity"
    assert 3.0 < np.nanmax(ball.speed_m_s) < 4.3
    times = np.array([hit.time_s for hit in physics.impacts()])
    assert 4 <= times.size <= 10
    for moment in (1.11, 1.77, 2.28, 2.65):
        assert np.abs(times - moment).min() < 0.06
