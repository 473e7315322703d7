"""A result in a notebook: player, waveform and spectrogram with the impacts, table of objects."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from pavas_sdk.data.audio_player import player_html
from pavas_sdk.data.estimate_table import table_html
from pavas_sdk.display.sound_picture import RANGE_DB, sound_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.data import Audio, PhysicsEstimate
    from pavas_sdk.data.impact import Impact
    from pavas_sdk.display.sound_picture import SoundPicture

__all__ = ["sound_html"]

_WIDTH, _WAVE, _HEIGHT = 1000.0, 80.0, 260.0


def sound_html(audio: Audio, physics: PhysicsEstimate, facts: str) -> str:
    """Return HTML that needs nothing from the network and follows the page's colours.

    Args:
        audio: The sound; it is played at its true level.
        physics: What it was made from; its impacts are dashed lines.
        facts: A line about the sound, as text.
    """
    impacts = physics.impacts()
    picture = sound_picture(audio, audio.duration_s)
    caption = (
        f"0 to {audio.duration_s:.2f} s; waveform, full height {picture.peak_dbfs:.1f} dBFS; "
        f"spectrogram, {picture.lowest_hz:.0f} to {picture.highest_hz:.0f} Hz, {RANGE_DB:.0f} dB"
    )
    return (
        '<div style="max-width:62em">'
        f"{player_html(audio)}"
        f"{_pictures(picture, impacts, audio.duration_s)}"
        f'<div style="font-size:smaller;opacity:0.7">{escape(caption)}</div>'
        f"{table_html(physics.objects, impacts)}"
        f'<div style="font-size:smaller">{escape(facts)}</div>'
        "</div>"
    )


def _pictures(picture: SoundPicture, impacts: Sequence[Impact], duration_s: float) -> str:
    points = len(picture.envelope)
    middle, half = _WAVE / 2, _WAVE / 2
    low, high = picture.envelope.T
    above = [
        f"{_WIDTH * (k + 0.5) / points:.1f} {middle - half * y:.1f}" for k, y in enumerate(high)
    ]
    below = [
        f"{_WIDTH * (k + 0.5) / points:.1f} {middle - half * y:.1f}" for k, y in enumerate(low)
    ]
    times = [hit.time_s / duration_s for hit in impacts if hit.time_s <= duration_s]
    lines = "".join(
        f'<line x1="{_WIDTH * place:.1f}" x2="{_WIDTH * place:.1f}" y1="0" y2="{_HEIGHT:g}" '
        'stroke="#e6194b" stroke-dasharray="4 3" vector-effect="non-scaling-stroke"/>'
        for place in times
    )
    spectrogram = base64.b64encode(picture.spectrogram_png).decode("ascii")
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none" '
        f'style="width:100%;height:{_HEIGHT:g}px;display:block" role="img" '
        'aria-label="waveform and spectrogram">'
        f'<path d="M{" ".join(above + below[::-1])}Z" fill="currentColor" stroke="currentColor" '
        'stroke-width="0.5"/>'
        f'<image x="0" y="{_WAVE:g}" width="{_WIDTH:g}" height="{_HEIGHT - _WAVE:g}" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{spectrogram}"/>'
        f"{lines}</svg>"
    )
