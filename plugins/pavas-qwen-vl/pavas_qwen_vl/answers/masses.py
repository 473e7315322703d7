"""Answers about masses."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_qwen_vl.answers.entries import field_of, key_name, short, value_lists, without_fences
from pavas_qwen_vl.answers.quantities import Quantity, read_mass, unit_kg
from pavas_qwen_vl.errors import AnswerFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MassAnswer", "log_std_of_range", "pool", "read_masses"]

_CONTAINERS = (
    "masses", "mass_estimates", "estimates", "objects", "items", "results", "result", "answer",
    "weights", "data", "output",
)  # fmt: skip
_ID = ("id", "object_id", "number", "index", "no", "nr", "idx", "编号", "номер")
_LABEL = (
    "object", "label", "name", "object_name", "thing", "item", "description", "objekt", "objeto",
    "objet", "объект", "物体", "对象", "名称",
)  # fmt: skip
_MASS = (
    "mass", "weight", "estimate", "estimated_mass", "estimated_weight", "value", "point",
    "mass_estimate", "best_estimate", "masse", "gewicht", "peso", "masa", "poids", "massa", "масса",
    "вес", "质量", "重量", "質量", "무게",
)  # fmt: skip
_LOW = ("low", "lower", "min", "minimum", "lower_bound", "low_mass", "mass_low", "min_mass")
_HIGH = ("high", "upper", "max", "maximum", "upper_bound", "high_mass", "mass_high", "max_mass")
_RANGE = ("range", "interval", "mass_range", "plausible_range", "bounds")
_WHY = ("why", "reason", "rationale", "explanation", "reasoning", "justification", "comment")
_NINE_OF_TEN = 1.6448536269514722
_MOST_WHY, _MOST_BARE = 300, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class MassAnswer:
    """The mass of one object.

    Attributes:
        mass_kg: Kilograms.
        log_std: Standard deviation of ln(mass) that the range says, or None without one.
        why: The reason given, or None.
    """

    mass_kg: float
    log_std: float | None = None
    why: str | None = None


def read_masses(
    text: str, labels: Sequence[str], *, min_kg: float = 1e-6, max_kg: float = 1e6
) -> dict[int, MassAnswer]:
    """Return the masses that an answer gives, by position in ``labels``.

    Args:
        text: What the model wrote.
        labels: The objects that were asked about, numbered from 1 in the question.
        min_kg: Lighter masses are not believed.
        max_kg: Heavier masses are not believed.

    Returns:
        Objects without a believable mass are missing.

    Raises:
        AnswerFormatError: Not one mass can be read.
    """
    reasons: list[str] = []
    best: dict[int, list[MassAnswer]] = {}
    for entries in value_lists(text, _CONTAINERS):
        found: dict[int, list[MassAnswer]] = {}
        for index, answer in _numbered(_spread(entries, labels), labels, reasons, (min_kg, max_kg)):
            found.setdefault(index, []).append(answer)
        if found and len(found) >= len(best):  # the last full list counts
            best = found
    if not best and len(labels) == 1:
        best = _bare(without_fences(text), reasons, (min_kg, max_kg))
    if not best:
        raise AnswerFormatError("; ".join(dict.fromkeys(reasons)) or "there is no JSON in it")
    return {index: pool(answers) for index, answers in sorted(best.items())}


def pool(answers: Sequence[MassAnswer]) -> MassAnswer:
    """Return several answers about one object as one: the median of the logarithm of the mass.

    Its ``log_std`` holds both the spread of the answers and the median of their own ranges. Of an
    even number the geometric mean of the middle two is taken.
    """
    logs = sorted(math.log(answer.mass_kg) for answer in answers)
    count = len(logs)
    centre = 0.5 * (logs[(count - 1) // 2] + logs[count // 2])
    own = sorted(answer.log_std for answer in answers if answer.log_std is not None)
    log_std = 0.5 * (own[(len(own) - 1) // 2] + own[len(own) // 2]) if own else None
    if count > 1:
        mean = sum(logs) / count
        spread = math.sqrt(sum((value - mean) ** 2 for value in logs) / (count - 1))
        log_std = math.hypot(log_std or 0.0, spread)
    nearest = min(answers, key=lambda answer: abs(math.log(answer.mass_kg) - centre))
    mass_kg = nearest.mass_kg if count % 2 else math.exp(centre)
    return MassAnswer(mass_kg=mass_kg, log_std=log_std, why=nearest.why)


def log_std_of_range(low_kg: float, high_kg: float) -> float:
    """Return the standard deviation of ln(mass) when nine in ten lie in the range."""
    return math.log(high_kg / low_kg) / (2 * _NINE_OF_TEN)


def _spread(entries: list[Any], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Entries as mappings: also ``{"hammer": "0.5 kg"}``, ``{"1": {...}}`` and ``[0.5, 2]``."""
    if len(entries) == len(labels) and not any(isinstance(e, (dict, list)) for e in entries):
        return [{"id": n, "mass": entry} for n, entry in enumerate(entries, 1)]
    out: list[dict[str, Any]] = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        if _fields(entry) or field_of(entry, _ID) is not None:
            out.append(entry)
            continue
        for key, value in entry.items():
            inner = value if isinstance(value, dict) else {"mass": value}
            number = re.fullmatch(r"\D{0,10}?#?(\d{1,3})", str(key).strip())
            name = {"id": int(number[1])} if number else {"object": key}
            out.append({**name, **inner})
    return out


def _fields(entry: dict[str, Any]) -> bool:
    return any(_measure(key) is not None for key in entry) or field_of(entry, _RANGE) is not None


def _measure(key: str) -> tuple[str, float] | None:
    """What a key measures ("mass", "low", "high") and its unit: "weight_lbs" is mass in pounds."""
    name = key_name(key)
    scale = 1.0
    head, _, tail = name.rpartition("_")
    if not head and unit_kg(tail) is not None and tail not in ("t", "to", "st"):
        return "mass", unit_kg(tail) or 1.0  # {"kg": 5}
    if head and unit_kg(tail) is not None:
        name, scale = head.removesuffix("_in"), unit_kg(tail) or 1.0
    for kind, names in (("mass", _MASS), ("low", _LOW), ("high", _HIGH)):
        if name in names:
            return kind, scale
    return None


def _numbered(
    entries: list[dict[str, Any]],
    labels: Sequence[str],
    reasons: list[str],
    bounds: tuple[float, float],
) -> list[tuple[int, MassAnswer]]:
    """The masses with the position of their object."""
    numbers = [_whole(field_of(entry, _ID)) for entry in entries]
    given = {number for number in numbers if number is not None}
    from_zero = 0 in given and len(labels) not in given
    out = []
    for place, (entry, number) in enumerate(zip(entries, numbers, strict=True)):
        index = _position(entry, number, place, len(entries), labels, from_zero=from_zero)
        if index is None:
            reasons.append(f"an entry fits none of the objects 1 to {len(labels)}")
            continue
        try:
            out.append((index, _answer(entry, bounds)))
        except AnswerFormatError as err:
            reasons.append(f"object {index + 1}: {err}")
    return out


def _position(
    entry: dict[str, Any],
    number: int | None,
    place: int,
    count: int,
    labels: Sequence[str],
    *,
    from_zero: bool,
) -> int | None:
    label = field_of(entry, _LABEL)
    if isinstance(label, str):
        named = [i for i, known in enumerate(labels) if _plain(known) == _plain(label)]
        if len(named) == 1:
            return named[0]
    if number is not None:
        index = number if from_zero else number - 1
        return index if 0 <= index < len(labels) else None
    if isinstance(label, str):
        near = [
            i
            for i, known in enumerate(labels)
            if _plain(known) and (_plain(known) in _plain(label) or _plain(label) in _plain(known))
        ]
        if len(near) == 1:
            return near[0]
        if count != len(labels) or near:
            return None
    return place if count == len(labels) else None


def _plain(label: str) -> str:
    return re.sub(r"^(?:a|an|the)\s+", "", " ".join(str(label).casefold().split()))


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        match = re.search(r"\d{1,4}", value)
        return int(match[0]) if match else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        return None
    return int(value)


def _answer(entry: dict[str, Any], bounds: tuple[float, float]) -> MassAnswer:
    """The mass of an entry, within bounds, with what its range says."""
    parts: dict[str, Quantity] = {}
    unit = field_of(entry, ("unit", "units"))
    for key, value in entry.items():
        kind = _measure(key)
        if kind is None or kind[0] in parts or value is None:
            continue
        scale = kind[1]
        if unit is not None and kind[1] == 1.0 and not key_name(key).endswith("kg"):
            scale = _unit(unit)
        read = read_mass if kind[0] == "mass" else _optional
        parts[kind[0]] = read(value, default_unit_kg=scale)
    interval = field_of(entry, _RANGE)
    span = Quantity()
    if interval is not None:
        span = _optional(interval, default_unit_kg=1.0 if unit is None else _unit(unit))
    mass = parts.get("mass", Quantity())
    low = _first(_one(parts.get("low")), mass.low_kg, span.low_kg)
    high = _first(_one(parts.get("high")), mass.high_kg, span.high_kg)
    point = mass.mass_kg
    if low is not None and high is not None and low > high:
        low, high = high, low
    if point is None:
        if low is None or high is None or low <= 0:
            raise AnswerFormatError("no mass")
        point = math.sqrt(low * high)
    if not bounds[0] <= point <= bounds[1]:
        raise AnswerFormatError(f"{point:g} kg is not between {bounds[0]:g} and {bounds[1]:g} kg")
    log_std = None
    if low is not None and high is not None and 0 < low <= high <= 1e3 * bounds[1]:
        # a range that leaves out its own mass is widened: the two disagree
        low, high = min(low, point), max(high, point)
        log_std = log_std_of_range(low, high) if high > low else None
    why = field_of(entry, _WHY)
    return MassAnswer(
        mass_kg=point,
        log_std=log_std,
        why=short(why, _MOST_WHY) or None if isinstance(why, str) else None,
    )


def _unit(unit: Any) -> float:
    scale = unit_kg(str(unit))
    if scale is None:
        raise AnswerFormatError(f"{unit!r} is no unit of mass")
    return scale


def _one(quantity: Quantity | None) -> float | None:
    """The number of a low or high end; an end that is itself a range says nothing."""
    return None if quantity is None else quantity.mass_kg


def _optional(value: Any, *, default_unit_kg: float) -> Quantity:
    """A range, or nothing when it cannot be read: the mass itself still counts."""
    try:
        return read_mass(value, default_unit_kg=default_unit_kg)
    except AnswerFormatError:
        return Quantity()


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _bare(
    text: str, reasons: list[str], bounds: tuple[float, float]
) -> dict[int, list[MassAnswer]]:
    """The mass of the only object, from a short answer without JSON ("about 0.5 kg")."""
    line = text.strip()
    if not line or len(line) > _MOST_BARE or re.search(r"[{}\[\]]", line):
        return {}
    try:
        return {0: [_answer({"mass": line}, bounds)]}
    except AnswerFormatError as err:
        reasons.append(str(err))
        return {}
