"""The timeline: ruler with impacts, speed, kinetic energy, waveform and spectrogram."""

from __future__ import annotations

import base64
import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.display.sound_picture import RANGE_DB
from pavas_sdk.report import quantities
from pavas_sdk.report.curves import WIDTH, area_path, line_path, nice_ticks, time_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import Impact, ObjectPhysics, PhysicsEstimate
    from pavas_sdk.display.sound_picture import SoundPicture

__all__ = ["kinetic_energy_j", "timeline"]

_FREQUENCIES_HZ = (100, 200, 500, 1000, 2000, 5000, 10000, 20000)
_DRAWN_LARGER_BELOW = 0.8
_BOX = '<svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">'


def kinetic_energy_j(entry: ObjectPhysics) -> NDArray[np.float64]:
    """Return 1/2 m v^2 at the speed's times, (S,); NaN without a mass or a speed."""
    mass_kg = math.nan if entry.mass_kg is None else entry.mass_kg
    return np.asarray(0.5 * mass_kg * entry.speed_m_s**2)


def timeline(
    physics: PhysicsEstimate,
    impacts: Sequence[Impact],
    colours: Mapping[int, str],
    sounds: Mapping[str, SoundPicture],
    *,
    together: bool = False,
) -> str:
    """Return the HTML of all tracks.

    Args:
        physics: Objects with speeds and masses.
        impacts: Their impacts, marked in every track.
        colours: By object id.
        sounds: "generated", "recorded"; each a waveform and a spectrogram. May be empty.
        together: Show all sounds at once, not the chosen one.
    """
    duration_s = physics.duration_s
    weights = _weights(impacts)
    marks = "".join(
        f'<path class="hit" data-object="{hit.object_id}" '
        f'd="M{hit.time_s / duration_s * WIDTH:.2f} 0V100" '
        f'style="stroke:{colours[hit.object_id]};opacity:{0.25 + 0.6 * weight:.2f}"/>'
        for hit, weight in zip(impacts, weights, strict=True)
    )
    tracks = [_ruler(duration_s, impacts, weights, colours)]
    if physics.objects:
        tracks += [_speeds(physics, colours, marks), _energies(physics, colours, marks)]
    for name, sound in sounds.items():
        tracks += _sound(name, sound, marks, shown=together or name == next(iter(sounds)))
    return "\n".join(tracks)


def _weights(impacts: Sequence[Impact]) -> list[float]:
    """How much each impact stands out, in [0, 1]: by energy, or by speed where none has a mass."""
    energies = np.array([hit.energy_change_j for hit in impacts])
    sizes = np.nan_to_num(energies)
    if not (sizes > 0).any():
        sizes = np.array([hit.velocity_change_m_s for hit in impacts])
    largest = float(sizes.max()) if sizes.size else 0.0
    return [float(np.sqrt(size / largest)) if largest > 0 else 1.0 for size in sizes]


def _ruler(
    duration_s: float,
    impacts: Sequence[Impact],
    weights: Sequence[float],
    colours: Mapping[int, str],
) -> str:
    short = max(len(_clock(time_s)) for time_s in time_ticks(duration_s, 5)) <= 3
    ticks = _times("many", duration_s, 10) + _times("few", duration_s, 5 if short else 4)
    flags = "".join(
        f'<button class="flag" data-seek="{hit.time_s:.4f}" data-object="{hit.object_id}" '
        f'style="left:{100 * hit.time_s / duration_s:.3f}%;color:{colours[hit.object_id]};'
        f'font-size:{9 + 7 * weight:.1f}px;opacity:{0.45 + 0.55 * weight:.2f}" '
        f'title="impact at {hit.time_s:.2f} s, {quantities.energy(hit.energy_change_j)}">'
        "&#9660;</button>"
        for hit, weight in zip(impacts, weights, strict=True)
    )
    return _track("ruler", "Time", "s", f"{ticks}{flags}")


def _times(kind: str, duration_s: float, most: int) -> str:
    """Times along the ruler: "few" are shown where "many" would overlap (see style.css)."""
    return "".join(
        f'<span class="tick {kind}{" last" if time_s > (1 - 0.3 / most) * duration_s else ""}" '
        f'style="left:{100 * time_s / duration_s:.3f}%">{_clock(time_s)}</span>'
        for time_s in time_ticks(duration_s, most)
    )


def _speeds(physics: PhysicsEstimate, colours: Mapping[int, str], marks: str) -> str:
    ticks = nice_ticks(max((_largest(entry.speed_m_s) for entry in physics), default=0.0))
    top, curves = ticks[-1], []
    for entry in physics:
        times, speed, std = entry.speed_times_s, entry.speed_m_s, entry.speed_std_m_s
        band = ""
        if std is not None:
            low, high = np.maximum(speed - std, 0.0), speed + std
            area = area_path(times, low, high, physics.duration_s, top)
            band = f'<path class="band" d="{area}"/>'
        line = line_path(times, speed, physics.duration_s, top)
        curves.append(_curve(entry.object_id, colours, f'{band}<path class="line" d="{line}"/>'))
    banded = any(entry.speed_std_m_s is not None for entry in physics)
    return _track(
        "speed",
        "Speed",
        "m/s",
        _grid(ticks, "".join(curves) + marks),
        _labels(ticks),
        hint="shaded: one standard deviation each way" if banded else "",
    )


def _energies(physics: PhysicsEstimate, colours: Mapping[int, str], marks: str) -> str:
    series = {entry.object_id: kinetic_energy_j(entry) for entry in physics}
    largest = max((_largest(values) for values in series.values()), default=0.0)
    if largest <= 0:
        why = '<p class="missing">no object has both a mass and a speed</p>'
        return _track("energy", "Kinetic energy", "J", why)
    unit, size = quantities.energy_unit(largest)
    ticks = nice_ticks(largest / size)
    top, curves = ticks[-1], []
    for entry in physics:
        times, values = entry.speed_times_s, series[entry.object_id] / size
        line = line_path(times, values, physics.duration_s, top)
        area = area_path(times, np.zeros_like(values), values, physics.duration_s, top)
        inner = f'<path class="band" d="{area}"/><path class="line" d="{line}"/>'
        curves.append(_curve(entry.object_id, colours, inner))
    plot = _grid(ticks, "".join(curves) + marks)
    hint = "½ m v² of the likeliest mass; as uncertain as the mass"
    return _track("energy", "Kinetic energy", unit, plot, _labels(ticks), hint=hint)


def _sound(name: str, sound: SoundPicture, marks: str, *, shown: bool) -> list[str]:
    columns = len(sound.envelope)
    x = (np.arange(columns) + 0.5) * WIDTH / columns
    above = [f"{a:.2f} {50 - 48 * b:.2f}" for a, b in zip(x, sound.envelope[:, 1], strict=True)]
    below = [f"{a:.2f} {50 - 48 * b:.2f}" for a, b in zip(x, sound.envelope[:, 0], strict=True)]
    wave = f'<path class="wave" d="M{" ".join(above + below[::-1])}Z"/>'
    silent = not math.isfinite(sound.peak_dbfs)
    level = "silence" if silent else f"peak {sound.peak_dbfs:.1f} dBFS"
    if sound.peak < _DRAWN_LARGER_BELOW and not silent:
        level += f", drawn {quantities.significant(1 / sound.peak, 2)}×"
    picture = base64.b64encode(sound.spectrogram_png).decode()
    span = math.log(sound.highest_hz / sound.lowest_hz)
    labels = [
        (math.log(hz / sound.lowest_hz) / span, f"{hz // 1000}k" if hz >= 1000 else str(hz))
        for hz in _FREQUENCIES_HZ
        if sound.lowest_hz < hz < 0.93 * sound.highest_hz
    ]
    return [
        _track(
            "wave",
            name.capitalize(),
            level,
            f'{_BOX}<path class="zero" d="M0 50H1000"/>{wave}{marks}</svg>',
            sound=name,
            shown=shown,
            hint="drawn to fill the track, whatever the level; sounds shown together: all by one factor",
        ),
        _track(
            "spectrogram",
            "Spectrum",
            "Hz",
            f'<img alt="spectrogram of the {escape(name)} sound" '
            f'src="data:image/png;base64,{picture}">{_BOX}{marks}</svg>',
            labels,
            sound=name,
            shown=shown,
            hint=f"brightest {sound.top_db:.0f} dBFS, darkest {RANGE_DB:.0f} dB below",
        ),
    ]


def _curve(object_id: int, colours: Mapping[int, str], inner: str) -> str:
    return f'<g data-object="{object_id}" style="--c:{colours[object_id]}">{inner}</g>'


def _grid(ticks: Sequence[float], inner: str) -> str:
    top = ticks[-1]
    lines = "".join(f'<path class="grid" d="M0 {100 - 100 * t / top:.2f}H1000"/>' for t in ticks)
    return f"{_BOX}{lines}{inner}</svg>"


def _labels(ticks: Sequence[float]) -> list[tuple[float, str]]:
    return [(value / ticks[-1], quantities.significant(value)) for value in ticks]


def _track(
    kind: str,
    title: str,
    unit: str,
    content: str,
    labels: Sequence[tuple[float, str]] = (),
    *,
    sound: str = "",
    shown: bool = True,
    hint: str = "",
) -> str:
    """One row: a gutter with title, unit, values and what a pointer on it reads, and the plot."""
    ticks = "".join(
        f'<span class="value" style="bottom:{100 * place:.2f}%">{escape(text)}</span>'
        for place, text in labels
    )
    told = f' title="{escape(hint)}"' if hint else ""
    marked = f' data-sound="{escape(sound)}"' if sound else ""
    return (
        f'<div class="track {escape(kind)}"{marked}{"" if shown else " hidden"}>'
        f'<div class="gutter"{told}><b>{escape(title)}</b><i>{escape(unit)}</i>'
        f'<div class="values">{ticks}</div></div>'
        f'<div class="plot">{content}</div></div>'
    )


def _largest(values: NDArray[np.float64]) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.max()) if seen.size else 0.0


def _clock(time_s: float) -> str:
    if time_s >= 60:
        return f"{int(time_s // 60)}:{time_s % 60:02.0f}"
    return f"{time_s:.2f}".rstrip("0").rstrip(".")
