"""What is told of a clip's own sound: how loud, whether clipped, whether there is any."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.media import read_audio

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.data import Audio

__all__ = ["SILENT_PEAK", "SoundFacts", "clip_sound", "is_clipped", "sound_facts"]

SILENT_PEAK = 1e-6
"""At or below this peak a clip is silent (MMAudio's limit)."""

_FULL_SCALE = 0.999
_CLIPPED_SHARE = 1e-4  # a recording that was only normalised touches full scale now and then
_SLACK_S = 0.06  # a sound track may end a frame of the codec before the pictures do


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """Of the mean of all channels, as recorded.

    Attributes:
        sample_rate_hz: Of the file.
        peak: Largest absolute sample of the clip.
        file_peak: Of the whole file, by which MMAudio normalises.
        rms: Root mean square of the clip.
        clipped: Samples of the clip at full scale, in any channel.
    """

    sample_rate_hz: int
    peak: float
    file_peak: float
    rms: float
    clipped: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def clip_sound(audio: Audio, start_s: float, duration_s: float) -> Audio:
    """Return a stretch of a file's sound, exactly so long.

    What a codec leaves out at the very end (up to 60 ms) is silence; more is missing sound.

    Raises:
        InputError: The sound ends earlier.
    """
    rate = audio.sample_rate_hz
    first, wanted = round(start_s * rate), round(duration_s * rate)
    part = audio.samples[:, first : first + wanted]
    lacking_s = (wanted - part.shape[1]) / rate
    if lacking_s > _SLACK_S:
        raise InputError(
            f"the sound ends {lacking_s:.2f} s before the clip: expected {duration_s:g} s from "
            f"{start_s:g} s on"
        )
    return type(audio)(samples=part, sample_rate_hz=rate).fitted(wanted)


def sound_facts(path: Path, start_s: float, duration_s: float) -> SoundFacts:
    """Return what is told of a clip's sound.

    Raises:
        MediaError: There is no sound track.
        InputError: The sound ends before the clip does.
    """
    audio = read_audio(path)
    part = clip_sound(audio, start_s, duration_s)
    mono = part.mono
    return SoundFacts(
        sample_rate_hz=audio.sample_rate_hz,
        peak=float(np.abs(mono).max(initial=0.0)),
        file_peak=float(np.abs(audio.mono).max(initial=0.0)),
        rms=float(np.sqrt(np.mean(np.square(mono, dtype=np.float64)))),
        clipped=int((np.abs(part.samples) >= _FULL_SCALE).sum()),
    )


def is_clipped(sound: Mapping[str, Any] | None, duration_s: float) -> bool:
    """Whether a ten-thousandth of a clip's samples or more stand at full scale.

    Args:
        sound: `SoundFacts` as JSON; None: no sound.
        duration_s: Of the clip.
    """
    if sound is None:
        return False
    return bool(sound["clipped"] >= _CLIPPED_SHARE * duration_s * sound["sample_rate_hz"])
