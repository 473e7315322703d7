"""A result as a plot: waveform, spectrogram and speeds on one time axis."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pavas_sdk.data.estimate_plot import new_figure, plot_speeds
from pavas_sdk.display.sound_picture import sound_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pavas_sdk.data import Audio, PhysicsEstimate

__all__ = ["plot_sound"]


def plot_sound(audio: Audio, physics: PhysicsEstimate) -> Figure:
    """Return a figure of the sound and of the physics that it was made from.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    figure, (wave, spectrum, speeds) = new_figure(7.0, rows=3)
    picture = sound_picture(audio, audio.duration_s)
    places = np.linspace(0.0, audio.duration_s, len(picture.envelope))
    low, high = (picture.envelope * picture.peak).T
    wave.fill_between(places, low, high, linewidth=0.0)
    wave.set_ylabel("amplitude")
    wave.set_title(f"peak {picture.peak_dbfs:.1f} dBFS", fontsize="medium")
    pixels = np.asarray(Image.open(io.BytesIO(picture.spectrogram_png)).convert("RGB"))
    # rows are even in the logarithm of frequency, so the axis counts decades
    bottom, top = np.log10(picture.lowest_hz), np.log10(picture.highest_hz)
    extent = (0.0, audio.duration_s, float(bottom), float(top))
    spectrum.imshow(pixels, extent=extent, aspect="auto", interpolation="nearest")
    ticks = [hz for hz in (100.0, 1000.0, 10_000.0) if picture.lowest_hz < hz < picture.highest_hz]
    spectrum.set_yticks([float(np.log10(hz)) for hz in ticks], [f"{hz:g}" for hz in ticks])
    spectrum.set_ylabel("frequency (Hz)")
    impacts = [hit for hit in physics.impacts() if hit.time_s <= audio.duration_s]
    for hit in impacts:
        for axes in (wave, spectrum):
            axes.axvline(hit.time_s, color="C3", linestyle="--", linewidth=0.8)
    plot_speeds(speeds, physics.objects, impacts, audio.duration_s)
    return figure
