"""The sound that a video has already, under the new one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, MediaError
from pavas_sdk.media import read_audio
from pavas_sdk.media.opening import open_input, select_audio, select_video

if TYPE_CHECKING:
    from pavas_sdk.pipelines.output import PavasOutput

__all__ = ["has_sound", "with_existing_sound"]


def has_sound(path: str) -> bool:
    """Return whether a file has a sound track."""
    with open_input(path) as container:
        return bool(container.streams.audio)


def with_existing_sound(sound: PavasOutput, gain_db: float) -> PavasOutput:
    """Return the sound together with the one that its video has, as long as both.

    What goes beyond full scale is avoided by one gain on the whole, which is recorded. A mono sound
    stands in the first two channels of what has more.

    Args:
        sound: Made for the file of a video.
        gain_db: On the sound that is there; 0 keeps its level.

    Raises:
        ConfigurationError: The sound was made for no file.
        MediaError: The video has no sound, or it cannot be read.
    """
    if sound.video_path is None:
        raise ConfigurationError("there is no video file whose sound could be kept")
    new = sound.audio
    there = read_audio(sound.video_path, sample_rate_hz=new.sample_rate_hz)
    rate_hz = new.sample_rate_hz
    late = round(_starts_late_s(sound.video_path) * rate_hz)
    begin = round(sound.video_start_s * rate_hz)
    old = there.samples[:, max(0, -late) :]
    late = max(0, late)
    length = max(late + old.shape[1], begin + new.samples.shape[1])
    mixed = np.zeros((max(new.channels, there.channels), length))
    _add(mixed, old * 10.0 ** (gain_db / 20.0), late)
    _add(mixed, new.samples, begin)
    peak = float(np.abs(mixed).max(initial=0.0))
    lowered_db = 20.0 * np.log10(peak) if peak > 1.0 else 0.0
    whole = Audio(
        samples=np.asarray(mixed / max(peak, 1.0), dtype=np.float32),
        sample_rate_hz=rate_hz,
        gain_db=new.gain_db - lowered_db,
    )
    facts = {"existing_sound_gain_db": gain_db, "lowered_db": round(float(lowered_db), 3)}
    return replace(
        sound, audio=whole, video_start_s=0.0, provenance={**sound.provenance, "mix": facts}
    )


def _add(mixed: np.ndarray, samples: np.ndarray, at: int) -> None:
    """Add a sound at a sample: mono to the first two channels, the others channel by channel."""
    channels = min(2, mixed.shape[0]) if samples.shape[0] == 1 else samples.shape[0]
    mixed[:channels, at : at + samples.shape[1]] += samples


def _starts_late_s(path: str) -> float:
    """How long after the first picture a file's sound begins, seconds; negative: before it."""
    with open_input(path) as container:
        starts = []
        for stream in (select_audio(container, path), select_video(container, path)):
            if stream.start_time is None or stream.time_base is None:
                return 0.0
            starts.append(float(stream.start_time * stream.time_base))
    if not all(np.isfinite(starts)):
        raise MediaError(f"{path}: its sound has no start time; use --mix replace")
    return starts[0] - starts[1]
