"""Everyday things: what they weigh and how large they are, from a table with its sources.

The table (``everyday_things.json`` beside this file) serves twice: estimators look up what a prompt
names, and mass estimators are scored against its ranges.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EverydayThing", "everyday_things", "find_everyday_thing", "longest_name"]

FORMAT = "pavas.everyday-things"
FORMAT_VERSION = 1
_SHAPES = ("ball", "stick", "box")
_DEVIATIONS = 2 * 1.645  # a range that nine in ten lie in is so many standard deviations wide
_LEAST_LOG_STD = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class EverydayThing:
    """One kind of thing.

    Attributes:
        name: In English, singular, lower case.
        synonyms: Other names of the same thing.
        mass_range_kg: Least and largest usual mass: about nine in ten lie between; the limits of
            the norm where there is one.
        size_m: Typical diameter of what is round, longest side of the rest.
        shape: "ball", "stick", "box", or None.
        source: Where the numbers come from.
    """

    name: str
    synonyms: tuple[str, ...]
    mass_range_kg: tuple[float, float]
    size_m: float
    shape: str | None
    source: str

    @property
    def mass_kg(self) -> float:
        """Typical mass: the geometric mean of the range."""
        return math.sqrt(self.mass_range_kg[0] * self.mass_range_kg[1])

    @property
    def log_std(self) -> float:
        """Standard deviation of ln(mass) among things of this name."""
        least, most = self.mass_range_kg
        return max(math.log(most / least) / _DEVIATIONS, _LEAST_LOG_STD)


@cache
def everyday_things() -> tuple[EverydayThing, ...]:
    """Return the table, in order of the names.

    Raises:
        FormatError: The installed file is not such a table.
    """
    text = resources.files("pavas_sdk.data").joinpath("everyday_things.json").read_text("utf-8")
    data = _json.mapping(json.loads(text), "everyday_things.json")
    if data.get("format") != FORMAT or data.get("format_version") != FORMAT_VERSION:
        raise FormatError(
            f"everyday_things.json is not {FORMAT} version {FORMAT_VERSION}; install pavas-sdk anew"
        )
    return tuple(_thing(row) for row in _json.items(data.get("things"), "things"))


def find_everyday_thing(text: str) -> EverydayThing | None:
    """Return the thing with the longest name (or synonym) in a text, singular or plural; or None.

    Args:
        text: Any words; case does not matter.

    Example:
        >>> find_everyday_thing("two Tennis balls on grass").name
        'tennis ball'
    """
    name = longest_name(text)
    return None if name is None else _by_name()[name]


def longest_name(text: str) -> str | None:
    """Return the longest name or synonym in a text; of two such, the one that stands last."""
    words = text.lower()
    found = [
        (len(name), match.start(), name)
        for name in _by_name()
        if name[:4] in words and (match := _pattern(name).search(words)) is not None
    ]
    return max(found)[2] if found else None


@cache
def _by_name() -> dict[str, EverydayThing]:
    return {name: thing for thing in everyday_things() for name in (thing.name, *thing.synonyms)}


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(name)}(?:e?s)?\b")


def _thing(row: Any) -> EverydayThing:
    row = _json.mapping(row, "a thing")
    name = _json.text(row.get("name"), "name of a thing")
    least, most = _range(row, name)
    shape = row.get("shape")
    if shape is not None and shape not in _SHAPES:
        raise FormatError(f"shape of {name} must be one of {_SHAPES} or null, got {shape!r}")
    synonyms = _json.items(row.get("synonyms"), f"synonyms of {name}")
    return EverydayThing(
        name=name,
        synonyms=tuple(_json.text(one, f"a synonym of {name}") for one in synonyms),
        mass_range_kg=(least, most),
        size_m=_positive(row.get("size_m"), f"size_m of {name}"),
        shape=shape,
        source=_json.text(row.get("source"), f"source of {name}"),
    )


def _range(row: Mapping[str, Any], name: str) -> tuple[float, float]:
    values = _json.items(row.get("mass_kg"), f"mass_kg of {name}")
    if len(values) != 2:
        raise FormatError(f"mass_kg of {name} must be [least, most], got {values}")
    least, most = (_positive(value, f"mass_kg of {name}") for value in values)
    if least > most:
        raise FormatError(f"mass_kg of {name} must be [least, most], got {values}")
    return least, most


def _positive(value: Any, name: str) -> float:
    checked = _json.number(value, name)
    if not 0 < checked < math.inf:
        raise FormatError(f"{name} must be above 0, got {checked}")
    return checked
