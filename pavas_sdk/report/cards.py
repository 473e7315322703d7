"""What is known of each object and of each impact."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.report import quantities
from pavas_sdk.report.controls import HEAVIEST_KG, LIGHTEST_KG, object_controls
from pavas_sdk.report.overlay import names_of
from pavas_sdk.report.tracks import kinetic_energy_j

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pavas_sdk.data import Impact, ObjectPhysics, PhysicsEstimate

__all__ = ["impact_rows", "object_cards"]

_RULER = (
    (1e-3, "1 g"),
    (1e-2, "10 g"),
    (1e-1, "100 g"),
    (1.0, "1 kg"),
    (1e1, "10 kg"),
    (1e2, "100 kg"),
)
_SOURCES = {
    ("mass", "user"): "set by hand",
    ("mass", "stated"): "as the prompt says",
    ("mass", "label"): "of a known thing",
    ("mass", "size-prior"): "guessed from the size",
    ("mass", "vlm"): "guessed by the language model",
    ("scale", "user"): "set by hand",
    ("scale", "user-size"): "from a size set by hand",
    ("scale", "gravity"): "from free fall",
    ("scale", "label"): "from the size of a known thing",
    ("scale", "size-prior"): "guessed from a typical size",
    ("scale", "cut3r"): "from CUT3R",
    ("scale", "none"): "unknown",
}


def object_cards(
    physics: PhysicsEstimate,
    impacts: Sequence[Impact],
    colours: Mapping[int, str],
    *,
    speed_factors: Mapping[int, float] | None = None,
) -> str:
    """Return a card per object: mass with its range, fastest moment, impacts, where from.

    Args:
        physics: The objects.
        impacts: Of all objects.
        colours: By object id.
        speed_factors: Given: each card has controls, and this is how many times as fast as seen
            each object moves.
    """
    if not physics.objects:
        return '<p class="none">No moving object was found in this clip.</p>'
    names = names_of(physics)
    return "\n".join(
        _card(
            entry,
            names[entry.object_id],
            [hit for hit in impacts if hit.object_id == entry.object_id],
            colours,
            ""
            if speed_factors is None
            else object_controls(
                entry, names[entry.object_id], speed_factors.get(entry.object_id, 1.0)
            ),
        )
        for entry in physics
    )


def _card(
    entry: ObjectPhysics,
    name: str,
    hits: Sequence[Impact],
    colours: Mapping[int, str],
    controls: str,
) -> str:
    thing = entry.object
    speeds = entry.speed_m_s[np.isfinite(entry.speed_m_s)]
    energies = kinetic_energy_j(entry)
    energies = energies[np.isfinite(energies)]
    facts = [
        ("fastest", quantities.speed(float(speeds.max())) if speeds.size else "unknown"),
        ("most energy", quantities.energy(float(energies.max())) if energies.size else "–"),
        ("impacts", str(len(hits))),
    ]
    rows = "".join(f"<div><dt>{what}</dt><dd>{value}</dd></div>" for what, value in facts)
    sources = " · ".join(
        f"{key} {_SOURCES.get((key, value), value)}" for key, value in sorted(entry.sources.items())
    )
    sure = "" if thing.score is None else f" · {round(100 * thing.score)} % sure"
    return (
        f'<article class="card" data-object="{entry.object_id}" '
        f'style="--c:{colours[entry.object_id]}"><header>'
        f'<button class="eye" aria-pressed="true" title="show or hide this object" '
        f'aria-label="show or hide {escape(name)}"><span class="dot"></span></button>'
        f"<h3>{escape(name)}</h3>"
        f"<small>{escape(thing.action or 'moving')}{sure}</small></header>"
        f"{_mass(entry)}<dl>{rows}</dl>"
        f'<p class="source">{escape(sources)}</p>{controls}</article>'
    )


def _mass(entry: ObjectPhysics) -> str:
    if entry.mass_kg is None:
        return '<p class="mass"><strong>mass unknown</strong></p>'
    spread = entry.mass_log_std
    low = high = entry.mass_kg
    if entry.sources.get("mass") == "user":
        said = "set by hand"
    elif spread is None:
        said = "no range given"
    elif spread == 0:
        said = "exact"
    else:
        low, high = entry.mass_kg * math.exp(-spread), entry.mass_kg * math.exp(spread)
        said = f"{quantities.mass(low)} to {quantities.mass(high)}"
    left, middle, right = (100 * _place(kg) for kg in (low, entry.mass_kg, high))
    ticks = "".join(
        f'<span style="left:{100 * _place(kg):.1f}%">{text}</span>' for kg, text in _RULER
    )
    return (
        f'<p class="mass"><strong>{quantities.mass(entry.mass_kg)}</strong> '
        f'<em title="one standard deviation each way: two in three">{said}</em></p>'
        f'<div class="range" role="img" aria-label="mass, {said}">'
        f'<div class="bar" style="left:{left:.1f}%;width:{right - left:.1f}%"></div>'
        f'<div class="pin" style="left:{middle:.1f}%"></div>'
        f'<div class="scale">{ticks}</div></div>'
    )


def _place(mass_kg: float) -> float:
    """Where a mass lies on the ruler from a gram to a hundred kilograms, in [0, 1]."""
    share = math.log(mass_kg / LIGHTEST_KG) / math.log(HEAVIEST_KG / LIGHTEST_KG)
    return min(max(share, 0.0), 1.0)


def impact_rows(
    physics: PhysicsEstimate, impacts: Sequence[Impact], colours: Mapping[int, str]
) -> str:
    """Return table rows, one per impact."""
    if not impacts:
        return '<tr><td colspan="4" class="none">No impact was found.</td></tr>'
    names = names_of(physics)
    return "\n".join(
        f'<tr data-seek="{hit.time_s:.4f}" tabindex="0" data-object="{hit.object_id}">'
        f"<td>{quantities.seconds(hit.time_s)}</td>"
        f'<td><span class="dot" style="--c:{colours[hit.object_id]}"></span> '
        f"{escape(names[hit.object_id])}</td>"
        f"<td>{_speed(hit.speed_before_m_s)} &rarr; {_speed(hit.speed_after_m_s)} m/s</td>"
        f"<td>{quantities.energy(hit.energy_change_j)}</td></tr>"
        for hit in impacts
    )


def _speed(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"
