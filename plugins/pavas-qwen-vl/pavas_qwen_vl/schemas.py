"""JSON schemas of the answers: every string, array and number is bounded.

Bounded, because a grammar guarantees only that an answer is a prefix of a valid one: without
bounds a model may write on until its tokens are spent.
"""

from __future__ import annotations

from typing import Any

__all__ = ["masses_schema", "objects_schema"]


def objects_schema(*, max_listed: int) -> dict[str, Any]:
    """Return the schema of the list of moving objects."""
    entry = _closed(
        {
            "object": _text(60),
            "action": _text(40),
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "size_percent": {"type": "integer", "minimum": 0, "maximum": 100},
        }
    )
    return _closed({"objects": {"type": "array", "maxItems": max_listed, "items": entry}})


def masses_schema(*, count: int, max_mass_kg: float) -> dict[str, Any]:
    """Return the schema of the masses of ``count`` objects, numbered from 1."""
    mass = {"type": "number", "minimum": 0, "maximum": max_mass_kg}
    entry = _closed(
        {
            "id": {"type": "integer", "minimum": 1, "maximum": count},
            "mass_kg": mass,
            "low_kg": mass,
            "high_kg": mass,
            "why": _text(48),
        }
    )
    return _closed(
        {"masses": {"type": "array", "minItems": count, "maxItems": count, "items": entry}}
    )


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _text(most: int) -> dict[str, Any]:
    # A pattern, as xgrammar lets raw control characters through in a bare maxLength.
    return {"type": "string", "pattern": rf'^[^"\\\x00-\x1f]{{1,{most}}}$'}
