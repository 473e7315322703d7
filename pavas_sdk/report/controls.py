"""What changes an object on the editor's page: sliders for mass and speed, a button that removes it."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pavas_sdk.data import ObjectPhysics

__all__ = ["HEAVIEST_KG", "LIGHTEST_KG", "object_controls"]

LIGHTEST_KG, HEAVIEST_KG = 1e-3, 1e2
"""Ends of the mass slider; lighter and heavier masses can be typed."""
_SLOWEST, _FASTEST = 0.25, 4.0


def object_controls(entry: ObjectPhysics, name: str, speed_factor: float) -> str:
    """Return the controls of one object.

    Both sliders are logarithmic: the same way is the same factor everywhere.

    Args:
        entry: The object as it is now.
        name: What it is called on the page.
        speed_factor: How many times as fast as it was seen.
    """
    mass_kg = "" if entry.mass_kg is None else f"{entry.mass_kg:.4g}"
    place = 0.0 if entry.mass_kg is None else math.log10(entry.mass_kg)
    return (
        '<div class="controls">'
        + _slider("mass", name, place, math.log10(LIGHTEST_KG), math.log10(HEAVIEST_KG))
        + f'<span class="typed"><input type="number" data-edit="mass" min="0" step="any" '
        f'value="{mass_kg}" aria-label="mass of {escape(name)}, kilograms"> kg</span>'
        + _slider("speed", name, math.log2(speed_factor), math.log2(_SLOWEST), math.log2(_FASTEST))
        + f'<span class="typed"><input type="number" data-edit="speed" min="0" step="any" '
        f'value="{speed_factor:.4g}" aria-label="speed of {escape(name)}, times as seen"> ×</span>'
        f'<button data-edit="remove_object" title="leave this object, and its sound, out" '
        f'aria-label="remove {escape(name)}">remove object</button></div>'
    )


def _slider(what: str, name: str, value: float, lowest: float, highest: float) -> str:
    return (
        f'<label><span>{what}</span><input type="range" data-edit="{what}" min="{lowest:g}" '
        f'max="{highest:g}" step="0.01" value="{min(max(value, lowest), highest):.2f}" '
        f'aria-label="{what} of {escape(name)}, logarithmic"></label>'
    )
