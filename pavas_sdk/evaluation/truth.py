"""Truth files: what happens in recorded clips, as people found it by looking.

One JSON document for a folder of clips (``pavas.truth``, see the data formats in the
documentation). Files that name no format are read as version 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import Contact, LabelledClip, _json
from pavas_sdk.data.documents import check_format, read_object
from pavas_sdk.errors import FormatError
from pavas_sdk.evaluation.true_physics import true_physics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import FrameSource

__all__ = ["ClipTruth", "read_truth"]

FORMAT, FORMAT_VERSION = "pavas.truth", 1
LATE_S = 0.5
"""An event may be this much after the end: a last frame is shown for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTruth:
    """What is known about one clip.

    Attributes:
        name: Its file's name.
        duration_s: Its length, seconds.
        impacts_s: All impacts outside ``unscored_s``, seconds from the first frame, in order.
        unscored_s: Stretches (start, end) in which nobody knows, or which are not to be judged.
        kind: Its class ("strike", "bounce", "roll"); may be empty.
        objects: What moves, in words; the main object first.
        mass_range_kg: Bounds of the main object's mass, or None.
        speeds: (seconds, m/s) of the main object, real speeds, in order; may be empty.
        points: (seconds, x, y) on the main object, shares of width and height; may be empty.
        time_scale: How many times slower than life the clip plays.
        sha256: Of the file, or "" when not known.
    """

    name: str
    duration_s: float
    impacts_s: tuple[float, ...]
    unscored_s: tuple[tuple[float, float], ...] = ()
    kind: str = ""
    objects: tuple[str, ...] = ()
    mass_range_kg: tuple[float, float] | None = None
    speeds: tuple[tuple[float, float], ...] = ()
    points: tuple[tuple[float, float, float], ...] = ()
    time_scale: float = 1.0
    sha256: str = ""

    def labelled(self, source: FrameSource) -> LabelledClip:
        """Return the clip with this truth; its physics is `true_physics`.

        Args:
            source: The clip's picture.
        """
        return LabelledClip(
            clip_id=self.name,
            source=source,
            physics=true_physics(
                label=self.objects[0] if self.objects else "object",
                duration_s=self.duration_s,
                impacts_s=self.impacts_s,
                speeds=self.speeds,
                unknown_s=self.unscored_s,
                mass_range_kg=self.mass_range_kg,
                time_scale=self.time_scale,
            ),
            contacts=tuple(Contact(time_s=time_s) for time_s in self.impacts_s),
            unscored_s=self.unscored_s,
            action=self.kind,
        )


def read_truth(path: str | Path) -> tuple[ClipTruth, ...]:
    """Read a truth file.

    Args:
        path: The file.

    Returns:
        Its clips, in the order of the file; at least one.

    Raises:
        FormatError: Not readable, another format or a newer version, no clips, or a value that is
            missing, of another type or impossible; file, clip and key are named.
    """
    document = read_object(path)
    try:
        if "format" in document or "format_version" in document:
            check_format(
                document, format_name=FORMAT, newest=FORMAT_VERSION, what="truth file of clips"
            )
        clips = _json.mapping(_json.required(document, "clips", "a truth file"), "clips")
        if not clips:
            raise FormatError('"clips" is empty: expected at least one clip by its file\'s name')
        return tuple(_clip(name, _json.mapping(data, name)) for name, data in clips.items())
    except FormatError as err:
        raise FormatError(f"{path}: {err}") from err


def _clip(name: str, data: Mapping[str, Any]) -> ClipTruth:
    if not name or Path(name).name != name or "\\" in name:
        raise FormatError(f"clips are named by their file's name without a folder, got {name!r}")
    where = f"{name}: "
    duration_s = _positive(_json.required(data, "duration_s", name), where + "duration_s")
    if "unscored_s" in data and "ignore_s" in data:
        raise FormatError(f"{where}unscored_s and ignore_s mean the same; expected one of them")
    stretches = _rows(data.get("unscored_s", data.get("ignore_s")), where + "unscored_s", 2)
    for start_s, end_s in stretches:
        if not 0 <= start_s < end_s:
            raise FormatError(
                f"{where}unscored_s must be stretches [start, end] with 0 <= start < end, got "
                f"[{start_s:g}, {end_s:g}]"
            )
    impacts = [
        _json.number(value, where + "impacts_s")
        for value in _json.items(_json.required(data, "impacts_s", name), where + "impacts_s")
    ]
    speeds = _rows(data.get("speeds"), where + "speeds", 2)
    points = _rows(data.get("points"), where + "points", 3)
    for key, times in (
        ("impacts_s", impacts),
        ("speeds", [row[0] for row in speeds]),
        ("points", [row[0] for row in points]),
    ):
        for time_s in times:
            if not 0 <= time_s <= duration_s + LATE_S:
                raise FormatError(
                    f"{where}{key} has the time {time_s:g}; expected seconds from 0 to duration_s "
                    f"({duration_s:g})"
                )
    if any(speed < 0 for _, speed in speeds):
        raise FormatError(f"{where}speeds must be [seconds, m/s] with m/s of 0 or more")
    if any(not (0 <= x <= 1 and 0 <= y <= 1) for _, x, y in points):
        raise FormatError(
            f"{where}points must be [seconds, x, y] with x and y in shares of width and height, "
            "0 to 1"
        )
    words = _json.items(data.get("objects") or [], where + "objects")
    return ClipTruth(
        name=name,
        duration_s=duration_s,
        impacts_s=tuple(sorted(impacts)),
        unscored_s=tuple((start_s, end_s) for start_s, end_s in stretches),
        kind=_json.text(data.get("kind") or "", where + "kind"),
        objects=tuple(_json.text(word, where + "objects") for word in words),
        mass_range_kg=_mass_range(data.get("mass_range_kg"), where + "mass_range_kg"),
        speeds=tuple(sorted((time_s, speed) for time_s, speed in speeds)),
        points=tuple(sorted((time_s, x, y) for time_s, x, y in points)),
        time_scale=_positive(data.get("time_scale", 1.0), where + "time_scale"),
        sha256=_json.text(data.get("sha256") or "", where + "sha256").lower(),
    )


def _positive(value: Any, name: str) -> float:
    number = _json.number(value, name)
    if not number > 0:
        raise FormatError(f"{name} must be above 0, got {number:g}")
    return number


def _rows(value: Any, name: str, columns: int) -> list[list[float]]:
    """Rows of numbers; null is no row."""
    rows = []
    for row in [] if value is None else _json.items(value, name):
        cells = [_json.number(cell, name) for cell in _json.items(row, name)]
        if len(cells) != columns:
            raise FormatError(f"{name} must have rows of {columns} numbers, got {cells}")
        rows.append(cells)
    return rows


def _mass_range(value: Any, name: str) -> tuple[float, float] | None:
    if value is None:
        return None
    bounds = [_json.number(cell, name) for cell in _json.items(value, name)]
    if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1]:
        raise FormatError(
            f"{name} must be [least, most] in kilograms, both above 0, or null; got {bounds}"
        )
    return bounds[0], bounds[1]
