"""A sound in a notebook: a player that changes no level."""

from __future__ import annotations

import base64
import io
import wave
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pavas_sdk.data.audio import Audio

__all__ = ["LONGEST_S", "player_html", "wav_bytes"]

LONGEST_S = 120.0
"""Longer sounds are not put into a page: its text would grow by 13 MB a minute at 48 kHz stereo."""


def wav_bytes(audio: Audio) -> bytes:
    """Return the sound as a 16-bit WAV file, sample for sample; beyond full scale it is limited."""
    steps = np.clip(np.rint(audio.samples.astype(np.float64) * 32768.0), -32768, 32767)
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(audio.channels)
        file.setsampwidth(2)
        file.setframerate(audio.sample_rate_hz)
        file.writeframes(np.ascontiguousarray(steps.T).astype("<i2").tobytes())
    return stream.getvalue()


def player_html(audio: Audio) -> str:
    """Return an HTML player of the sound at its true level (IPython's own normalises the peak)."""
    if audio.duration_s > LONGEST_S:
        return (
            f"<p>{audio.duration_s:.0f} s of sound are too long to be put into a page; "
            "save it: <code>save('sound.wav')</code></p>"
        )
    data = base64.b64encode(wav_bytes(audio)).decode("ascii")
    return (
        '<audio controls preload="metadata" style="width:100%" '
        f'src="data:audio/wav;base64,{data}"></audio>'
    )
