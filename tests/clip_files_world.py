"""Small video files with sound: discs that move over a wall."""

from dataclasses import replace

import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.media import write_video
from pavas_sdk.testing.clips import moving_discs

SECONDS = 1.0


def write_clip(path, number=0, *, seconds=SECONDS, peak=0.1, sound=True):
    """A clip of one or two discs with a decaying tone; ``peak`` 0 is silence."""
    clip = moving_discs(1 + number % 2, frames=round(seconds * 25), height=64, width=96)
    video = clip.source.read()
    frames = np.roll(video.frames, number, axis=2)
    times = np.arange(round(seconds * 16000)) / 16000
    wave = np.sin(2 * np.pi * (300 + 50 * number) * times) * np.exp(-4 * times)
    wave = peak * wave / np.abs(wave).max()
    audio = Audio(samples=wave.astype(np.float32), sample_rate_hz=16000) if sound else None
    write_video(path, replace(video, frames=frames), audio)
    return path


def write_clips(folder, count=4):
    folder.mkdir(parents=True, exist_ok=True)
    return [write_clip(folder / f"disc {n}.mp4", n, peak=0.05 * (n + 1)) for n in range(count)]
