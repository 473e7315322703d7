"""An estimate as a table: for a notebook, and for pandas."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

    from pavas_sdk.data.impact import Impact
    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["TABLES", "Table", "dataframe", "table_html"]

Table = Literal["objects", "speeds", "impacts"]
TABLES: tuple[Table, ...] = ("objects", "speeds", "impacts")

_COLUMNS = {
    "objects": [
        "object_id",
        "label",
        "action",
        "mass_kg",
        "mass_log_std",
        "max_speed_m_s",
        "impacts",
    ],
    "speeds": ["object_id", "label", "time_s", "speed_m_s"],
    "impacts": (
        [
            "object_id",
            "label",
            "time_s",
            "speed_before_m_s",
            "speed_after_m_s",
            "energy_change_j",
            "source",
        ]
    ),
}


def dataframe(what: str, objects: Sequence[ObjectPhysics], impacts: Sequence[Impact]) -> DataFrame:
    """Return a pandas table; columns carry their units.

    Raises:
        ConfigurationError: pandas is not installed, or there is no such table.
    """
    if what not in TABLES:
        raise ConfigurationError(f"there is no table {what!r}; expected one of {', '.join(TABLES)}")
    try:
        import pandas as pd
    except ImportError as err:
        raise ConfigurationError("a table needs pandas: pip install pandas") from err
    rows = {"objects": _object_rows, "speeds": _speed_rows, "impacts": _impact_rows}[what]
    return pd.DataFrame(rows(objects, impacts), columns=_COLUMNS[what])


def table_html(objects: Sequence[ObjectPhysics], impacts: Sequence[Impact]) -> str:
    """Return an HTML table with a row per object."""
    if not objects:
        return "<p>no moving object</p>"
    cells = []
    for row in _object_rows(objects, impacts):
        name = f"{row['label']} ({row['action']})" if row["action"] else row["label"]
        mass = "unknown" if np.isnan(row["mass_kg"]) else f"{row['mass_kg']:.3g} kg"
        speed = "unknown" if np.isnan(row["max_speed_m_s"]) else f"{row['max_speed_m_s']:.2f} m/s"
        values = (str(row["object_id"]), escape(name), mass, speed, str(row["impacts"]))
        cells.append("<tr>" + "".join(f"<td>{value}</td>" for value in values) + "</tr>")
    heads = ("id", "object", "mass", "highest speed", "impacts")
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in heads) + "</tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(cells)}</tbody></table>"


def _object_rows(
    objects: Sequence[ObjectPhysics], impacts: Sequence[Impact]
) -> list[dict[str, Any]]:
    rows = []
    for entry in objects:
        seen = entry.speed_m_s[np.isfinite(entry.speed_m_s)]
        rows.append(
            {
                "object_id": entry.object_id,
                "label": entry.object.label,
                "action": entry.object.action,
                "mass_kg": np.nan if entry.mass_kg is None else entry.mass_kg,
                "mass_log_std": np.nan if entry.mass_log_std is None else entry.mass_log_std,
                "max_speed_m_s": float(seen.max()) if seen.size else np.nan,
                "impacts": sum(hit.object_id == entry.object_id for hit in impacts),
            }
        )
    return rows


def _speed_rows(
    objects: Sequence[ObjectPhysics], impacts: Sequence[Impact]
) -> list[dict[str, Any]]:
    del impacts
    return [
        {
            "object_id": entry.object_id,
            "label": entry.object.label,
            "time_s": float(time_s),
            "speed_m_s": float(speed),
        }
        for entry in objects
        for time_s, speed in zip(entry.speed_times_s, entry.speed_m_s, strict=True)
    ]


def _impact_rows(
    objects: Sequence[ObjectPhysics], impacts: Sequence[Impact]
) -> list[dict[str, Any]]:
    labels = {entry.object_id: entry.object.label for entry in objects}
    return [
        {
            "object_id": hit.object_id,
            "label": labels[hit.object_id],
            "time_s": hit.time_s,
            "speed_before_m_s": hit.speed_before_m_s,
            "speed_after_m_s": hit.speed_after_m_s,
            "energy_change_j": hit.energy_change_j,
            "source": hit.source,
        }
        for hit in impacts
    ]
