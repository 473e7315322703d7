from __future__ import annotations

import av
import numpy as np
import pytest

from pavas_sdk.data import Audio, Video
from pavas_sdk.errors import ConfigurationError, OutputExistsError
from pavas_sdk.media import open_video, read_audio, write_video


@pytest.fixture
def numbered_video(numbered_picture):
    def make(times) -> Video:
        frames = np.stack([numbered_picture(k) for k in range(len(times))])
        return Video(frames=frames, times_s=np.asarray(times, dtype=np.float64))

    return make


@pytest.mark.parametrize("name", ["v.mp4", "v.mov", "v.mkv"])
@pytest.mark.parametrize(
    "times", [np.arange(20) / 29.97, [0.0, 0.1, 0.15, 0.4, 0.41], [3.0, 3.5, 4.5], [0.0]]
)
def test_times_and_pictures_survive(tmp_path, numbers, numbered_video, name, times):
    video = numbered_video(times)
    path = write_video(tmp_path / name, video)
    file = open_video(path)
    back = file.read()
    assert numbers(back.frames) == list(range(len(times)))
    np.testing.assert_allclose(back.times_s, video.times_s - video.times_s[0], atol=1.1e-3)
    assert file.duration_s == pytest.approx(video.duration_s, abs=2e-3)
    assert not any("missing" in text for text in file.warnings)


def test_quality(tmp_path):
    gray = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 1), dtype=np.uint8)
    video = Video(frames=np.repeat(gray, 3, axis=3), times_s=np.arange(3) / 25)
    fine = open_video(write_video(tmp_path / "fine.mp4", video, crf=1)).read()
    coarse = open_video(write_video(tmp_path / "coarse.mp4", video, crf=45)).read()
    error = [np.abs(v.frames.astype(int) - video.frames).mean() for v in (fine, coarse)]
    assert error[0] < error[1]
    assert error[0] < 3.0
    assert (tmp_path / "fine.mp4").stat().st_size > (tmp_path / "coarse.mp4").stat().st_size


def test_the_same_video_gives_the_same_file(tmp_path):
    """Whatever the memory held before that the encoder is given."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 255, (12, 3, 3, 3), dtype=np.uint8)
    video = Video(frames=blocks.repeat(8, axis=1).repeat(8, axis=2), times_s=np.arange(12) / 25)
    written, kept = set(), []
    for index in range(100):
        kept.append(np.full(rng.integers(100, 200_000), index, dtype=np.uint8))
        if len(kept) > 20:
            kept.pop(rng.integers(20))
        written.add(write_video(tmp_path / f"{index}.mp4", video).read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize("name", ["v.mp4", "v.mov", "v.mkv"])
@pytest.mark.parametrize("seconds", [0.2, 0.8, 3.0])
def test_sound_is_as_long_as_the_pictures(tmp_path, numbers, numbered_video, name, seconds):
    video = numbered_video(np.arange(20) / 25)
    count = round(seconds * 16000)
    tone = Audio(samples=0.5 * np.sin(np.arange(count) * 0.3), sample_rate_hz=16000)
    path = write_video(tmp_path / name, video, tone)
    assert numbers(open_video(path).read().frames) == list(range(20))
    sound = read_audio(path)
    assert sound.duration_s == pytest.approx(0.8, abs=1e-3)
    n = min(count, round(0.8 * 16000)) - 200
    error = sound.samples[0, 200:n] - tone.samples[0, 200:n]
    assert np.sqrt(np.mean(error**2)) < 0.04  # AAC; a shift by one sample would give 0.1
    assert np.abs(sound.samples[0, count + 2048 :]).max(initial=0) < 0.01


def test_odd_sides_lose_a_line(tmp_path):
    frames = np.full((2, 33, 47, 3), 128, np.uint8)
    file = open_video(
        write_video(tmp_path / "v.mp4", Video(frames=frames, times_s=np.array([0, 0.1])))
    )
    assert (file.height, file.width) == (32, 46)


def test_keyframes(tmp_path, numbered_video):
    video = numbered_video(np.arange(50) / 25)
    path = write_video(tmp_path / "v.mp4", video, keyframe_interval_s=0.4)
    assert open_video(path).info()["keyframes"] >= 5


@pytest.mark.parametrize("name", ["v.avi", "v.gif", "v", "v.webm"])
def test_other_containers(tmp_path, numbered_video, name):
    with pytest.raises(ConfigurationError, match=r"expected .*\.mp4"):
        write_video(tmp_path / name, numbered_video([0.0]))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept(tmp_path, numbered_video):
    video = numbered_video([0.0, 0.1])
    path = write_video(tmp_path / "v.mp4", video)
    with pytest.raises(OutputExistsError):
        write_video(path, video)
    write_video(path, video, overwrite=True)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec.name == "h264"
