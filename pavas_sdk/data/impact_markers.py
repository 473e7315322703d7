"""Impacts as markers of a timeline, in the forms that audio and video editors import.

"csv" is a plain table with a header. "reaper" is what REAPER's Region/Marker Manager reads, "audacity"
a label track, "edl" a CMX 3600 list with the comments from which DaVinci Resolve makes markers
(File > Import > Timeline Markers from EDL; its timelines begin at 01:00:00:00).
"""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Literal

from pavas_sdk.data._validation import positive
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data.impact import Impact
    from pavas_sdk.data.physics import PhysicsEstimate

__all__ = ["MARKER_FORMS", "MARKER_SUFFIXES", "MarkerForm", "marker_text"]

MarkerForm = Literal["csv", "reaper", "audacity", "edl"]
MARKER_FORMS: tuple[MarkerForm, ...] = ("csv", "reaper", "audacity", "edl")
MARKER_SUFFIXES: dict[MarkerForm, str] = {
    "csv": ".impacts.csv",
    "reaper": ".reaper.csv",
    "audacity": ".labels.txt",
    "edl": ".edl",
}
_EDL_STARTS_S = 3600.0
_EDL_COLOURS = ("Red", "Blue", "Green", "Yellow", "Cyan", "Pink", "Purple", "Fuchsia")


def marker_text(
    physics: PhysicsEstimate, form: MarkerForm, *, title: str, frame_rate_hz: float = 25.0
) -> str:
    """Return the text of a file of markers, one per impact, in order of time.

    Args:
        physics: Whose impacts; times are seconds from the start of the clip.
        form: One of `MARKER_FORMS`.
        title: Of the list, for "edl".
        frame_rate_hz: Of the timeline, for "edl", which counts frames; rounded to a whole number,
            so that a list for 29.97 has 30 frames to a second and no frame is dropped.

    Raises:
        ConfigurationError: Another form.
        InputError: A rate that is not positive.
    """
    rate = max(1, round(positive("frame_rate_hz", frame_rate_hz)))
    writers: dict[str, Callable[[], str]] = {
        "csv": lambda: _table(physics),
        "reaper": lambda: _reaper(physics),
        "audacity": lambda: _audacity(physics),
        "edl": lambda: _edl(physics, title, rate),
    }
    if form not in writers:
        raise ConfigurationError(f"markers are written as {', '.join(MARKER_FORMS)}, got {form!r}")
    return writers[form]()


def _name(physics: PhysicsEstimate, hit: Impact) -> str:
    """One line without control characters: the object and, where it is known, the energy."""
    label = " ".join(physics[hit.object_id].object.label.split()) or f"object {hit.object_id}"
    label = "".join(char for char in label if char.isprintable())
    energy = hit.energy_change_j
    return label if math.isnan(energy) else f"{label} {energy:.3g} J"


def _number(value: float) -> str:
    """Empty where it is unknown."""
    return "" if math.isnan(value) else f"{value:.6g}"


def _rows(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _table(physics: PhysicsEstimate) -> str:
    head = ["time_s", "object_id", "label", "mass_kg", "speed_before_m_s", "speed_after_m_s"]
    rows = [[*head, "energy_change_j", "source"]]
    for hit in physics.impacts():
        entry = physics[hit.object_id]
        mass_kg = math.nan if entry.mass_kg is None else entry.mass_kg
        numbers = (mass_kg, hit.speed_before_m_s, hit.speed_after_m_s, hit.energy_change_j)
        rows.append(
            [
                f"{hit.time_s:.4f}",
                str(hit.object_id),
                entry.object.label,
                *map(_number, numbers),
                hit.source,
            ]
        )
    return _rows(rows)


def _reaper(physics: PhysicsEstimate) -> str:
    rows = [["#", "Name", "Start", "End", "Length"]]
    for index, hit in enumerate(physics.impacts(), start=1):
        milliseconds = round(hit.time_s * 1000)
        minutes, rest = divmod(milliseconds, 60_000)
        start = f"{minutes // 60}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
        rows.append([f"M{index}", _name(physics, hit), start, "", ""])
    return _rows(rows)


def _audacity(physics: PhysicsEstimate) -> str:
    return "".join(
        f"{hit.time_s:.6f}\t{hit.time_s:.6f}\t{_name(physics, hit)}\n" for hit in physics.impacts()
    )


def _edl(physics: PhysicsEstimate, title: str, rate: int) -> str:
    colours = {entry.object_id: index for index, entry in enumerate(physics)}
    heading = " ".join(title.split())
    lines = [f"TITLE: {heading}", "FCM: NON-DROP FRAME", ""]
    for index, hit in enumerate(physics.impacts(), start=1):
        frame = round((_EDL_STARTS_S + hit.time_s) * rate)
        start, end = _timecode(frame, rate), _timecode(frame + 1, rate)
        colour = _EDL_COLOURS[colours[hit.object_id] % len(_EDL_COLOURS)]
        name = _name(physics, hit).replace("|", "/")
        lines += [
            f"{index:03d}  001      V     C        {start} {end} {start} {end}",
            f" |C:ResolveColor{colour} |M:{name} |D:1",
            "",
        ]
    return "\n".join(lines) + "\n"


def _timecode(frame: int, rate: int) -> str:
    seconds, frames = divmod(frame, rate)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}:{frames:02d}"
