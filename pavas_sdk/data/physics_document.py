"""The JSON form of an estimate: ``pavas.physics``, version 2; version 1 had no impacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from pavas_sdk.data import _json
from pavas_sdk.data.component_ref import ComponentRef
from pavas_sdk.data.documents import check_format
from pavas_sdk.data.impact import Impact
from pavas_sdk.data.object_physics import ObjectPhysics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FORMAT", "FORMAT_VERSION", "PhysicsFields", "read", "write"]

FORMAT = "pavas.physics"
FORMAT_VERSION = 2


class PhysicsFields(TypedDict):
    """The fields of a `PhysicsEstimate`."""

    objects: tuple[ObjectPhysics, ...]
    known_impacts: tuple[Impact, ...] | None
    duration_s: float
    time_scale: float
    provenance: dict[str, ComponentRef]
    edits: tuple[str, ...]
    notes: tuple[str, ...]
    schema_version: int


def write(
    *,
    objects: Iterable[ObjectPhysics],
    impacts: Iterable[Impact],
    duration_s: float,
    time_scale: float,
    provenance: Mapping[str, ComponentRef],
    edits: Iterable[str],
    notes: Iterable[str],
) -> dict[str, Any]:
    """Return plain JSON values in the newest version."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "duration_s": duration_s,
        "time_scale": time_scale,
        "objects": [entry.to_json() for entry in objects],
        "impacts": [impact.to_json() for impact in impacts],
        "provenance": {slot: ref.to_json() for slot, ref in provenance.items()},
        "edits": list(edits),
        "notes": list(notes),
    }


def read(data: Mapping[str, Any]) -> PhysicsFields:
    """Return the fields that a document holds.

    Raises:
        FormatError: Another format, a newer version, a missing field.
        PhysicsInputError: A value is impossible.
    """
    where = "physics document"
    version = check_format(
        data,
        format_name=FORMAT,
        newest=FORMAT_VERSION,
        what=where,
        make_with="pavas estimate VIDEO -o VIDEO.physics.json",
    )
    provenance = _json.mapping(data.get("provenance", {}), "provenance")
    objects = _json.items(_json.required(data, "objects", where), "objects")
    impacts = data.get("impacts")  # null, or version 1: found in the speeds
    if impacts is not None:
        impacts = tuple(Impact.from_json(entry) for entry in _json.items(impacts, "impacts"))
    return {
        "objects": tuple(ObjectPhysics.from_json(entry) for entry in objects),
        "known_impacts": impacts,
        "duration_s": _json.number(_json.required(data, "duration_s", where), "duration_s"),
        "time_scale": _json.number(data.get("time_scale", 1.0), "time_scale"),
        "provenance": {slot: ComponentRef.from_json(ref) for slot, ref in provenance.items()},
        "edits": _texts(data, "edits"),
        "notes": _texts(data, "notes"),
        "schema_version": version,
    }


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_json.text(entry, key) for entry in _json.items(data.get(key, []), key))
