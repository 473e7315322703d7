"""The entries of an answer: which of the JSON values in a text are meant, and their fields."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from pavas_qwen_vl.answers.lenient_json import json_values

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["field_of", "key_name", "short", "value_lists", "without_fences"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\ufeff]+")


def key_name(key: str) -> str:
    """Return a key in plain form: "Mass (kg)" is "mass_kg"."""
    folded = unicodedata.normalize("NFKC", str(key)).casefold()
    return re.sub(r"[^\w]+", "_", folded).strip("_")


def field_of(entry: dict[str, Any], names: Iterable[str]) -> Any:
    """Return the first field that has one of the names (plain form), None if there is none."""
    plain = {key_name(key): value for key, value in entry.items()}
    return next((plain[name] for name in names if name in plain), None)


def short(text: object, limit: int) -> str:
    """Return a text in one line, without control characters, cut at a word."""
    line = " ".join(_CONTROL.sub(" ", str(text)).split())
    if len(line) <= limit:
        return line
    return line[:limit].rsplit(" ", 1)[0].rstrip(",;:.") or line[:limit]


def without_fences(text: str) -> str:
    """Return the text without what a reasoning model thought before and the fences of Markdown."""
    text = re.sub(r"<think>.*?(?:</think>|\Z)", " ", text, flags=re.DOTALL)
    return re.sub(r"```[\w+-]*", " ", text)


def value_lists(text: str, containers: Iterable[str]) -> list[list[Any]]:
    """Return every list of entries in a text, in order.

    A list may stand alone, under one of the names in ``containers``, under any other single name,
    as the values of a mapping, or as several mappings one after the other.
    """
    known = frozenset(containers)
    lists: list[list[Any]] = []
    loose: list[Any] = []
    for value in json_values(without_fences(text)):
        if isinstance(value, list):
            lists.append(_flat(value))
            continue
        inner = field_of(value, known)
        if inner is None and len(value) == 1 and isinstance(next(iter(value.values())), list):
            inner = next(iter(value.values()))
        if inner is None:
            loose.append(value)
        elif isinstance(inner, list):
            lists.append(_flat(inner))
        elif isinstance(inner, dict):
            lists.append([inner])
        elif str(inner).strip().casefold() in ("", "none", "null", "nothing", "n/a"):
            lists.append([])
    if loose:
        lists.append(loose)
    return lists


def _flat(values: list[Any]) -> list[Any]:
    """Entries that were wrapped one level too deep: ``[[{...}, {...}]]``."""
    if len(values) == 1 and isinstance(values[0], list):
        inner = values[0]
        if inner and all(isinstance(entry, (dict, list)) for entry in inner):
            return inner
    return values
