"""What the review page shows around one moment: pictures, sound and spectrogram of a second."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import Audio
from pavas_sdk.data.audio_player import wav_bytes
from pavas_sdk.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["moment_media"]

HALF_S = 0.5
MAX_SIDE = 640
_QUALITY = 80


def moment_media(path: Path, time_s: float) -> dict[str, Any]:
    """Return the second around a moment of a clip as JSON values.

    Returns:
        ``start_s``, ``end_s``; ``frames`` with ``time_s`` and a JPEG as a data address; ``sound`` (WAV)
        and ``spectrogram`` (PNG) as data addresses, or None where the clip has no sound.

    Raises:
        MediaError: The video cannot be read.
    """
    from PIL import Image

    from pavas_sdk.display.sound_picture import sound_picture
    from pavas_sdk.media import open_video

    with open_video(path) as source:
        start_s = max(0.0, min(time_s - HALF_S, source.duration_s - 2 * HALF_S))
        end_s = min(start_s + 2 * HALF_S, source.duration_s)
        video = source.read(start_s, end_s, max_side=MAX_SIDE)
    frames = []
    for shown_s, frame in zip(video.times_s, video.frames, strict=True):
        stream = io.BytesIO()
        Image.fromarray(frame).save(stream, format="JPEG", quality=_QUALITY)
        frames.append(
            {
                "time_s": round(float(shown_s), 4),
                "picture": _address("image/jpeg", stream.getvalue()),
            }
        )
    sound = _sound(path)
    given: dict[str, Any] = {"sound": None, "spectrogram": None}
    if sound is not None:
        rate = sound.sample_rate_hz
        part = sound.mono[round(start_s * rate) : round(end_s * rate)]
        if part.size:
            cut = Audio(samples=part, sample_rate_hz=rate)
            picture = sound_picture(cut, end_s - start_s).spectrogram_png
            given = {
                "sound": _address("audio/wav", wav_bytes(cut)),
                "spectrogram": _address("image/png", picture),
            }
    return {"start_s": start_s, "end_s": end_s, "frames": frames, **given}


@lru_cache(maxsize=4)
def _sound(path: Path) -> Audio | None:
    from pavas_sdk.media import read_audio

    try:
        return read_audio(path)
    except MediaError:  # a silent film: its moments can still be looked at
        return None


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
