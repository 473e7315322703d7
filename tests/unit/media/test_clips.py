"""Real recordings, when their folder is there (PAVAS_CLIPS, or ../shared/clips)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.media import mux, open_video, read_audio

FOLDER = Path(
    os.environ.get("PAVAS_CLIPS", Path(__file__).resolve().parents[3].parent / "shared" / "clips")
)
CLIPS = {
    # name: (height, width, frames, seconds, sound)
    "01_ball_drop_slowmo.mp4": (1716, 172, 327, 10.90, True),
    "02_drumstick_on_metal.mp4": (340, 604, 90, 6.00, True),
    "03_drumstick_on_bag.mp4": (340, 604, 90, 6.00, True),
    "04_ball_vertical_toss.mp4": (720, 1280, 60, 2.01, True),
    "05_tennis_ball_arc.mp4": (1080, 1920, 27, 0.90, True),
    "06_pendulum_ball.mp4": (640, 360, 334, 11.16, True),
    "07_football_juggle.mp4": (720, 1280, 247, 10.29, False),
    "08_rod_taps_sensor.mp4": (360, 640, 112, 7.47, True),
}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no folder of real clips")


@pytest.mark.parametrize("name", CLIPS)
def test_a_real_clip(tmp_path, name):
    height, width, frames, seconds, sound = CLIPS[name]
    video = open_video(FOLDER / name)
    assert (video.height, video.width) == (height, width)
    assert video.duration_s == pytest.approx(seconds, abs=0.01)
    assert video.has_audio is sound
    part = video.read(0.0, 0.5, max_side=96)
    assert max(part.frames.shape[1:3]) == 96
    assert video.frame_times_s.size == frames
    assert video.warnings == ()
    rate = 16_000
    silence = Audio(samples=np.zeros(round(seconds * rate)), sample_rate_hz=rate)
    report = mux(video.source, silence, tmp_path / "out.mp4")
    assert report.video_packets == frames
    copy = open_video(tmp_path / "out.mp4")
    np.testing.assert_array_equal(copy.read(0.0, 0.5, max_side=96).frames, part.frames)
    assert abs(read_audio(tmp_path / "out.mp4").duration_s - copy.duration_s) <= 1024 / rate


def test_the_dropped_ball_falls_downwards():
    video = open_video(FOLDER / "01_ball_drop_slowmo.mp4", time_scale=4.0)
    assert video.rotation_deg == 270
    pixels = video.frames_at([5.0, 6.0, 6.5]).frames.astype(int)
    redness = pixels[..., 0] - pixels[..., 1:].max(axis=-1)
    heights = [np.argwhere(r > 60)[:, 0].mean() for r in redness]
    assert np.diff(heights).min() > 300
