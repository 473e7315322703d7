"""Answers about what moves."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any

from pavas_qwen_vl.answers.entries import field_of, key_name, short, value_lists
from pavas_qwen_vl.errors import AnswerFormatError

__all__ = ["Mention", "keep_largest", "read_objects"]

_CONTAINERS = (
    "objects", "moving_objects", "object_list", "items", "results", "result", "answer", "list",
    "movingobjects", "data", "output",
)  # fmt: skip
_LABEL = (
    "object", "label", "name", "object_name", "moving_object", "thing", "item", "description",
    "noun", "entity", "subject", "class", "category", "objekt", "objeto", "objet", "oggetto",
    "объект", "物体", "对象", "物件", "名称", "물체",
)  # fmt: skip
_ACTION = (
    "action", "motion", "movement", "activity", "verb", "doing", "behavior", "behaviour", "state",
    "aktion", "bewegung", "acción", "accion", "mouvement", "azione", "действие", "движение",
    "动作", "运动", "動作", "행동",
)  # fmt: skip
_CONFIDENCE = ("confidence", "score", "probability", "certainty", "conf", "confidence_score")
_SIZE = ("size_percent", "size", "area_percent", "area", "percent", "coverage")
_WORD_SCORES = {
    "very high": 0.95, "high": 0.9, "medium": 0.6, "moderate": 0.6, "low": 0.3, "very low": 0.1,
}  # fmt: skip
_NO_OBJECTS = re.compile(
    r"\W*(?:none|nothing(?: (?:is )?mov\w+)?|(?:there (?:are|is) )?no (?:moving )?objects?\b.{0,80}|"
    r"n/?a|(?:there are )?no objects? (?:is|are)? ?moving.{0,60})\W*",
    re.IGNORECASE | re.DOTALL,
)
# What is no object: the camera, or the picture as a whole.
_NO_OBJECT = re.compile(
    r"(?:the |entire |whole )*(?:camera|background|scene|video|image|picture|frame|none|nothing|"
    r"n/?a|null|unknown|no objects?|camera (?:motion|movement|view)|shadows?|string)",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"[.…\s]*|<[^>]*>|\.\.\.", re.IGNORECASE)
_LISTED = re.compile(r"(?P<label>[^:(–—]+?)\s*(?:[:–—]|\s-\s|\()\s*(?P<action>[^()]+)\)?\s*")
_LABEL_CHARACTERS, _ACTION_CHARACTERS = 120, 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One object of an answer.

    Attributes:
        label: What it is.
        action: What it does, or "".
        score: Confidence in [0, 1], or None.
        size_percent: Share of the picture in 0 to 100, or None.
    """

    label: str
    action: str = ""
    score: float | None = None
    size_percent: float | None = None


def read_objects(text: str) -> list[Mention]:
    """Return the objects that an answer names, without duplicates; none is an answer too.

    Args:
        text: What the model wrote.

    Raises:
        AnswerFormatError: There is no list of objects in it.
    """
    if _NO_OBJECTS.fullmatch(text.strip()) and not re.search(r"[{\[]", text):
        return []
    lists = value_lists(text, _CONTAINERS)
    if not lists:
        raise AnswerFormatError("there is no JSON in it")
    read = [(entries, _mentions(entries)) for entries in lists]
    # The last list with objects counts: what stands before it is thoughts, or the form repeated.
    full = [found for _, found in read if found]
    if full:
        return _merged(full[-1])
    if any(not entries or _all_void(entries) for entries, _ in read):
        return []
    raise AnswerFormatError('no entry of the list has an "object"')


def keep_largest(mentions: list[Mention], most: int) -> tuple[list[Mention], list[Mention]]:
    """Return what is kept of the objects, in their order, and what is left out.

    The largest are kept, then the surest, then those named first.
    """
    ranked = sorted(
        range(len(mentions)),
        key=lambda i: (-(mentions[i].size_percent or 0.0), -(mentions[i].score or 0.0), i),
    )
    kept = set(ranked[:most])
    return (
        [mention for i, mention in enumerate(mentions) if i in kept],
        [mention for i, mention in enumerate(mentions) if i not in kept],
    )


def _mentions(entries: list[Any]) -> list[Mention]:
    found = []
    for entry in _spread(entries):
        mention = _mention(entry)
        if mention is not None:
            found.append(mention)
    return found


def _spread(entries: list[Any]) -> list[Any]:
    """A mapping of label to action, or of a number to an entry, as entries."""
    out: list[Any] = []
    for entry in entries:
        if isinstance(entry, dict) and entry and field_of(entry, _LABEL) is None:
            values = list(entry.values())
            if all(isinstance(value, dict) for value in values):
                out += values
                continue
            if all(isinstance(value, str) for value in values) and not _only_known(entry):
                out += [[key, value] for key, value in entry.items()]
                continue
        out.append(entry)
    return out


def _only_known(entry: dict[str, Any]) -> bool:
    return any(key_name(key) in (*_ACTION, *_CONFIDENCE, *_SIZE) for key in entry)


def _mention(entry: Any) -> Mention | None:
    if isinstance(entry, dict):
        label, action = field_of(entry, _LABEL), field_of(entry, _ACTION)
        score = _share(field_of(entry, _CONFIDENCE))
        size = _percent(field_of(entry, _SIZE))
    elif (
        isinstance(entry, list) and len(entry) in (1, 2) and all(isinstance(e, str) for e in entry)
    ):
        label, action, score, size = entry[0], entry[1] if len(entry) == 2 else "", None, None
    elif isinstance(entry, str):
        match = _LISTED.fullmatch(entry)
        label = entry if match is None else match["label"]
        action, score, size = "" if match is None else match["action"], None, None
    else:
        return None
    if isinstance(label, (dict, list)) or label is None or isinstance(label, bool):
        return None
    label = short(label, _LABEL_CHARACTERS).strip(" *\"'`")
    if _NO_OBJECT.fullmatch(label) or _TEMPLATE.fullmatch(label) or not re.search(r"\w", label):
        return None
    if isinstance(action, list):
        action = ", ".join(str(part) for part in action)
    action = "" if action is None or isinstance(action, (dict, bool)) else action
    action = short(action, _ACTION_CHARACTERS).strip(" *\"'`")
    action = "" if _TEMPLATE.fullmatch(action) else action
    return Mention(label=label, action=action, score=score, size_percent=size)


def _all_void(entries: list[Any]) -> bool:
    """Whether the list says in entries that there is nothing: ``[{"object": "none"}]``."""
    labels = [field_of(e, _LABEL) if isinstance(e, dict) else e for e in entries]
    return all(
        label is None or (isinstance(label, str) and bool(_NO_OBJECT.fullmatch(label.strip())))
        for label in labels
    ) and any(isinstance(label, str) for label in labels)


def _share(value: Any) -> float | None:
    """A confidence as a number in [0, 1]: 0.9, "90%", 90, "high"."""
    if isinstance(value, str):
        word = value.strip().casefold()
        if word in _WORD_SCORES:
            return _WORD_SCORES[word]
    number = _number(value)
    if number is None or number < 0:
        return None
    if (isinstance(value, str) and "%" in value) or 1 < number <= 100:
        number /= 100
    return number if number <= 1 else None


def _percent(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 100 else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        match = re.search(r"-?\d+(?:[.,]\d+)?", value)
        value = float(match[0].replace(",", ".")) if match else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -1e9 < value < 1e9 and math.isfinite(value) else None


def _merged(mentions: list[Mention]) -> list[Mention]:
    """One mention per label: the same thing named twice is one thing, with all it does."""
    by_label: dict[str, Mention] = {}
    for mention in mentions:
        key = re.sub(r"^(?:a|an|the|one)\s+", "", mention.label.casefold())
        first = by_label.get(key)
        if first is None:
            by_label[key] = mention
            continue
        actions = [part for part in (first.action, mention.action) if part]
        if len(actions) == 2 and actions[1].casefold() in actions[0].casefold():
            actions.pop()
        by_label[key] = replace(
            first,
            action=short(", ".join(actions), _ACTION_CHARACTERS),
            score=_largest(first.score, mention.score),
            size_percent=_largest(first.size_percent, mention.size_percent),
        )
    return list(by_label.values())


def _largest(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return max(known) if known else None
