"""What pages are put together from: files with places to fill, JSON, colours of objects."""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import PhysicsEstimate

__all__ = ["choices", "colours_of", "filled", "read_part", "script_json"]

# Told apart with the common colour-vision deficiencies, on dark.
_COLOURS = ("#ff9f40", "#4cc9f0", "#b5e550", "#ff7ab8", "#b79bff", "#ffe066", "#35d0ba", "#ff6b6b")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def colours_of(physics: PhysicsEstimate) -> dict[int, str]:
    """Return a colour per object id."""
    return {entry.object_id: _COLOURS[index % len(_COLOURS)] for index, entry in enumerate(physics)}


def choices(sounds: Mapping[str, Any]) -> str:
    """Return buttons that choose what is heard; nothing to choose between with fewer than two."""
    if len(sounds) < 2:
        return ""
    return "".join(
        f'<button data-hear="{escape(name)}" aria-pressed="{str(index == 0).lower()}">'
        f"{escape(name)}</button>"
        for index, name in enumerate(sounds)
    )


def read_part(name: str) -> str:
    """Return the text of a file of this package."""
    return files("pavas_sdk.report").joinpath(name).read_text(encoding="utf-8")


def script_json(document: Any) -> str:
    """Return JSON that can stand inside a script element."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def filled(template: str, values: Mapping[str, str]) -> str:
    """Replace each ``{{name}}``; values are not looked into, so they may hold anything."""
    return _PLACE.sub(lambda place: values[place.group(1)], template)
