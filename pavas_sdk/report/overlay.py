"""What the page draws on the picture, as JSON: outlines, centres and speeds over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.report import quantities
from pavas_sdk.report.outlines import outline
from pavas_sdk.report.tracks import kinetic_energy_j

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pavas_sdk.data import Impact, MaskTrack, PhysicsEstimate

__all__ = ["names_of", "overlay_json"]

_GRID = 2000  # places are whole numbers up to this, to keep the page small


def names_of(physics: PhysicsEstimate) -> dict[int, str]:
    """Return a name per object: its label, with its id where several share a label."""
    labels = [entry.object.label for entry in physics]
    return {
        entry.object_id: entry.object.label
        if labels.count(entry.object.label) == 1
        else f"{entry.object.label} {entry.object_id}"
        for entry in physics
    }


def overlay_json(
    physics: PhysicsEstimate,
    masks: Mapping[int, MaskTrack],
    impacts: Sequence[Impact],
    colours: Mapping[int, str],
) -> dict[str, Any]:
    """Return the data of the page's script.

    Args:
        physics: Objects and speeds.
        masks: By object id; an object without masks has curves only.
        impacts: Of all objects.
        colours: By object id.
    """
    names = names_of(physics)
    return {
        "duration": round(physics.duration_s, 5),
        "grid": _GRID,
        "objects": [
            {
                "id": entry.object_id,
                "label": names[entry.object_id],
                "colour": colours[entry.object_id],
                "times": _rounded(entry.speed_times_s, 4),
                "speed": _rounded(entry.speed_m_s, 4),
                "energy": _rounded(kinetic_energy_j(entry), 9),
                **_shapes(masks.get(entry.object_id)),
            }
            for entry in physics
        ],
        "impacts": [
            {
                "object": hit.object_id,
                "time": round(hit.time_s, 4),
                "text": quantities.energy(hit.energy_change_j)
                if math.isfinite(hit.energy_change_j)
                else quantities.speed(hit.velocity_change_m_s),
            }
            for hit in impacts
        ],
    }


def _shapes(track: MaskTrack | None) -> dict[str, Any]:
    if track is None:
        return {"shown": [], "outlines": [], "centres": []}
    height, width = track.masks.shape[1:]
    outlines: list[list[list[int]]] = []
    centres: list[list[int]] = []
    for mask in track.masks:
        outlines.append(
            [np.round(ring * _GRID).astype(int).ravel().tolist() for ring in outline(mask)]
        )
        rows, columns = np.nonzero(mask)
        if rows.size:
            place = (columns.mean() + 0.5) / width, (rows.mean() + 0.5) / height
            centres.append([round(float(p) * _GRID) for p in place])
        else:
            centres.append([])
    return {"shown": _rounded(track.times_s, 4), "outlines": outlines, "centres": centres}


def _rounded(values: Any, digits: int) -> list[float | None]:
    return [None if not math.isfinite(v) else round(float(v), digits) for v in values]
