"""Lists of things whose mass is known: the shipped table, or a file of one's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json, everyday_things
from pavas_sdk.data.documents import check_format, read_object
from pavas_sdk.errors import FormatError, MediaNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EVERYDAY", "KnownMass", "read_masses"]

FORMAT, FORMAT_VERSION = "pavas.masses", 1
_TABLE_FORMAT = "pavas.everyday-things"
EVERYDAY = "everyday"
"""In place of a file: the table that pavas_sdk ships."""

_DEVIATIONS = 2 * 1.645  # of a range that nine in ten lie in


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMass:
    """A thing and what it weighs.

    Attributes:
        name: Its label, as a detector would give it.
        least_kg: Least usual mass.
        most_kg: Largest usual mass; the same for one thing that was weighed.
        picture: Image or video that shows it, or None: the estimator has the name alone.
        source: Where the numbers come from.
    """

    name: str
    least_kg: float
    most_kg: float
    picture: Path | None = None
    source: str = ""

    @property
    def mass_kg(self) -> float:
        """The geometric mean of the range."""
        return math.sqrt(self.least_kg * self.most_kg)

    @property
    def log_std(self) -> float:
        """Standard deviation of ln(mass): nine in ten lie in the range."""
        return math.log(self.most_kg / self.least_kg) / _DEVIATIONS


def read_masses(source: str | Path) -> tuple[KnownMass, ...]:
    """Read a list.

    Args:
        source: ``everyday`` for the shipped table, or a file of the format ``pavas.masses`` or
            ``pavas.everyday-things``. Pictures are looked for beside the file.

    Raises:
        FormatError: Not such a file, nothing in it, a name twice, or a mass that is impossible.
        MediaNotFoundError: A picture is missing.
    """
    if str(source) == EVERYDAY:
        return tuple(
            KnownMass(
                name=thing.name,
                least_kg=thing.mass_range_kg[0],
                most_kg=thing.mass_range_kg[1],
                source=thing.source,
            )
            for thing in everyday_things()
        )
    document, folder = read_object(source), Path(source).parent
    try:
        table = document.get("format") == _TABLE_FORMAT
        check_format(
            document,
            format_name=_TABLE_FORMAT if table else FORMAT,
            newest=FORMAT_VERSION,
            what="list of masses",
        )
        rows = _json.items(_json.required(document, "things", "a list of masses"), "things")
        things = tuple(_thing(_json.mapping(row, "a thing"), folder) for row in rows)
        names = [thing.name for thing in things]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice or not things:
            what = f"things occur twice: {', '.join(twice[:5])}" if twice else "no thing is in it"
            raise FormatError(what)
    except FormatError as err:
        raise FormatError(f"{source}: {err}") from err
    return things


def _thing(row: Mapping[str, Any], folder: Path) -> KnownMass:
    name = _json.text(_json.required(row, "name", "a thing"), "name of a thing")
    value = _json.required(row, "mass_kg", name)
    values = value if isinstance(value, list) else [value, value]
    bounds = [_json.number(number, f"mass_kg of {name}") for number in values]
    if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1] < math.inf:
        raise FormatError(
            f"mass_kg of {name} must be kilograms above 0, or [least, most], got {value}"
        )
    picture = row.get("picture")
    path = None if picture is None else folder / _json.text(picture, f"picture of {name}")
    if path is not None and not path.is_file():
        raise MediaNotFoundError(f"{path}, the picture of {name}, is missing; correct the list")
    return KnownMass(
        name=name,
        least_kg=bounds[0],
        most_kg=bounds[1],
        picture=path,
        source=_json.text(row.get("source") or "", f"source of {name}"),
    )
