"""The sound that a video has, under the new one."""

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.media import mux, write_video
from pavas_sdk.pipelines.existing_sound import has_sound, with_existing_sound
from pavas_sdk.pipelines.output import PavasOutput
from pavas_sdk.testing import moving_discs

RATE_HZ = 16_000
CLIP = moving_discs(1, frames=50)


def tone(pitch_hz, seconds, level=0.2, channels=1):
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = np.tile(level * np.sin(2 * np.pi * pitch_hz * times), (channels, 1))
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=RATE_HZ)


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """Two seconds of video with a stereo tone of 400 Hz."""
    folder = tmp_path_factory.mktemp("talking")
    silent = write_video(folder / "silent.mp4", CLIP.video)
    # lossless, so that levels can be compared
    mux(silent, tone(400, 2.0, channels=2), folder / "talking.mkv")
    return folder / "talking.mkv"


def made(path, audio, start_s=0.0):
    return PavasOutput(
        audio=audio,
        physics=CLIP.physics,
        provenance={"model": "x"},
        video_path=str(path),
        video_start_s=start_s,
    )


def level(samples, pitch_hz):
    """Amplitude of a tone in a piece of sound."""
    times = np.arange(samples.size) / RATE_HZ
    return 2 * abs(np.mean(samples * np.exp(-2j * np.pi * pitch_hz * times)))


def test_both_are_heard_at_their_levels(talking):
    both = with_existing_sound(made(talking, tone(1000, 2.0, 0.3)), -6.0)
    assert both.audio.channels == 2
    assert both.audio.duration_s == pytest.approx(2.0, abs=0.01)
    for channel in both.audio.samples:
        piece = channel[1_600:30_400]
        assert level(piece, 400) == pytest.approx(0.2 * 10 ** (-6 / 20), rel=0.02)
        assert level(piece, 1000) == pytest.approx(0.3, rel=0.02)
    assert both.provenance["mix"] == {"existing_sound_gain_db": -6.0, "lowered_db": 0.0}


def test_a_part_keeps_the_sound_around_it(talking):
    both = with_existing_sound(made(talking, tone(1000, 0.5), start_s=1.0), 0.0)
    assert both.video_start_s == 0.0
    samples = both.audio.samples[0]
    assert level(samples[1_600:14_400], 400) == pytest.approx(0.2, rel=0.02)
    assert level(samples[1_600:14_400], 1000) < 0.002
    assert level(samples[16_800:23_200], 1000) == pytest.approx(0.2, rel=0.02)


def test_what_would_clip_is_lowered_and_said(talking):
    both = with_existing_sound(made(talking, tone(400, 2.0, 0.95)), 0.0)
    assert np.abs(both.audio.samples).max() <= 1.0
    lowered = both.provenance["mix"]["lowered_db"]
    assert lowered == pytest.approx(20 * np.log10(1.15), abs=0.1)
    assert both.audio.gain_db == pytest.approx(-lowered, abs=1e-3)


def test_a_silent_video_is_told_apart(talking, tmp_path):
    silent = write_video(tmp_path / "silent.mp4", CLIP.video)
    assert has_sound(str(talking))
    assert not has_sound(str(silent))
