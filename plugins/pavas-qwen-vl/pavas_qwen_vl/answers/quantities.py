"""Masses in words: "500 g", "1,2 kg", "between 3 and 4 lbs", "2 ± 0.5 kg", "５公斤" to kilograms."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from pavas_qwen_vl.errors import AnswerFormatError

__all__ = ["Quantity", "read_mass", "unit_kg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A mass, with the range that came along.

    Attributes:
        mass_kg: Best value, or None when only a range was given.
        low_kg: Lower end, or None.
        high_kg: Upper end, or None.
    """

    mass_kg: float | None = None
    low_kg: float | None = None
    high_kg: float | None = None


_UNITS_KG = {
    1.0: "kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes kilogramm kilogramos "
    "kilogramo chilogrammi chilogrammo chili quilograma quilogramas quilos кг килограмм "
    "килограмма килограммов 公斤 千克 キログラム キロ 킬로그램 किलो",
    1e-3: "g gr gm gms gram grams gramme grammes gramm gramos gramo grammi grammo grama gramas г гр "
    "грамм грамма граммов 克 グラム 그램",
    1e-6: "mg milligram milligrams milligramme milligrammes мг 毫克",
    1e3: "t to ton tons tonne tonnes tonnen tonelada toneladas т тонн тонна тонны 吨 噸 トン 톤",
    0.45359237: "lb lbs pound pounds 磅 фунт фунтов",
    0.028349523125: "oz ounce ounces 盎司 унций",
    0.1: "hg etto etti ett",
    0.5: "斤",
    6.35029318: "st stone stones",
}
_SCALES = {word: scale for scale, words in _UNITS_KG.items() for word in words.split()}
# "to" means tonnes in German and joins ranges in English: only as a unit when nothing follows
_JOINS_RANGE = re.compile(
    r"\s*(?:-|–|—|−|~|〜|～|\.\.\.?|…|to|bis|until|à|a|до|至|到|から|und|and|y|et|и|e)\s*",
    re.IGNORECASE,
)
_PLUS_MINUS = re.compile(r"\s*(?:±|\+/-|\+-)\s*")
_NUMBER = (
    r"\d{1,3}(?:[ '’\u00a0\u202f]\d{3})+(?![\d])(?:[.,]\d+)?"  # 1 200,5
    r"|\d+(?:[.,]\d+)*|[.,]\d+"
)
_UNIT = "|".join(sorted(map(re.escape, _SCALES), key=len, reverse=True))
_TERM = re.compile(
    rf"(?P<sign>[-−–](?=[\d.,]))?(?P<number>{_NUMBER})"
    r"(?:e(?P<exponent>[-+]?\d{1,3})|\s*[x×*]\s*10\s*\^?\s*(?P<power>[-+]?\d{1,3}))?"
    r"(?:\s*/\s*(?P<divisor>\d+(?:\.\d+)?))?"
    rf"\s*(?:metric\s+)?(?P<unit>(?:{_UNIT})(?![^\W\d_一-鿿ぁ-ヿ가-힣]))?"
    r"(?P<other>\s*(?:[%°℃″\"]|[^\W\d_]+(?:/[^\W\d_]+)?))?",
    re.IGNORECASE,
)
_WORDS_BETWEEN = (
    "to bis until a à до 至 到 から und and y et и e or oder about approximately approx "
    "each for per plus minus range in at is of with total altogether roughly circa ca environ"
)
_FREE_WORDS = frozenset(_WORDS_BETWEEN.split())


def unit_kg(word: str) -> float | None:
    """Return how many kilograms a unit is, None when it is no unit of mass."""
    return _SCALES.get(unicodedata.normalize("NFKC", word).casefold().strip(" ._"))


def read_mass(value: Any, *, default_unit_kg: float = 1.0) -> Quantity:
    """Return the mass that a value of a JSON answer means.

    Args:
        value: A number, a text with or without unit, ``[low, high]``, or a mapping with "value"
            and "unit".
        default_unit_kg: Kilograms per unit where no unit is written.

    Raises:
        AnswerFormatError: No mass can be read: no number, another unit, contradicting numbers,
            not finite.
    """
    if isinstance(value, bool) or value is None:
        raise AnswerFormatError(f"{value!r} is no mass")
    if isinstance(value, (int, float)):
        return Quantity(mass_kg=_finite(value) * default_unit_kg)
    if isinstance(value, list):
        return _ends(value, default_unit_kg)
    if isinstance(value, dict):
        return _mapping(value, default_unit_kg)
    return _text(str(value), default_unit_kg)


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError as err:
        raise AnswerFormatError(f"{value!r} is no mass") from err
    if not math.isfinite(number):
        raise AnswerFormatError(f"{value!r} is no mass")
    return number


def _ends(value: list[Any], default_unit_kg: float) -> Quantity:
    if len(value) == 1:
        return read_mass(value[0], default_unit_kg=default_unit_kg)
    if len(value) != 2:
        raise AnswerFormatError(f"a range needs two ends, got {value!r}")
    low, high = (read_mass(end, default_unit_kg=default_unit_kg).mass_kg for end in value)
    if low is None or high is None:
        raise AnswerFormatError(f"a range needs two numbers, got {value!r}")
    return Quantity(low_kg=min(low, high), high_kg=max(low, high))


def _mapping(value: dict[str, Any], default_unit_kg: float) -> Quantity:
    keys = {str(key).casefold(): entry for key, entry in value.items()}
    unit = keys.get("unit", keys.get("units"))
    scale = default_unit_kg
    if unit is not None:
        known = unit_kg(str(unit))
        if known is None:
            raise AnswerFormatError(f"{unit!r} is no unit of mass")
        scale = known
    for name in ("value", "mass", "estimate", "amount", "number"):
        if name in keys:
            return read_mass(keys[name], default_unit_kg=scale)
    low, high = (keys.get(a, keys.get(b)) for a, b in (("low", "min"), ("high", "max")))
    if low is not None and high is not None:
        return _ends([low, high], scale)
    raise AnswerFormatError(f"no value in {value!r}")


@dataclass(frozen=True, slots=True)
class _Term:
    """A number in a text: value, unit (None: none written), where it is, whether it is negative."""

    value: float
    scale: float | None
    start: int
    end: int
    negative: bool


def _text(text: str, default_unit_kg: float) -> Quantity:
    plain = _normalised(text)
    terms, foreign = _terms(plain)
    if not terms:
        reason = "another unit" if foreign else "no number"
        raise AnswerFormatError(f"{text!r} is no mass: {reason}")
    terms = _share_units(terms, plain)
    if any(term.scale is not None for term in terms):
        terms = [term for term in terms if term.scale is not None]  # "2 balls of 300 g each"
    values = [t.value * (default_unit_kg if t.scale is None else t.scale) for t in terms]
    if terms[0].negative:
        raise AnswerFormatError(f"{text!r} is negative")
    for index in range(len(terms) - 1):
        between = plain[terms[index].end : terms[index + 1].start]
        first, second = values[index], values[index + 1]
        if _PLUS_MINUS.fullmatch(between):
            low = max(first - second, 0.1 * first)
            return Quantity(mass_kg=first, low_kg=low, high_kg=first + second)
        if _JOINS_RANGE.fullmatch(between):
            span = Quantity(low_kg=min(first, second), high_kg=max(first, second))
            # "5 kg (range 4-6 kg)"
            return replace(span, mass_kg=values[0]) if index == 1 else span
    return _agreed(text, values)


def _agreed(text: str, values: list[float]) -> Quantity:
    """One mass, said once or in several units ("12 lb (5.4 kg)")."""
    if max(values) > 1.15 * min(values):
        raise AnswerFormatError(f"{text!r} names several masses")
    return Quantity(mass_kg=values[-1])


def _normalised(text: str) -> str:
    for char in set(text):
        if unicodedata.category(char) == "No" and "VULGAR" in unicodedata.name(char, ""):
            part = unicodedata.numeric(char)
            for match in reversed(list(re.finditer(rf"(\d*){char}", text))):
                number = f"{float(match[1] or 0) + part:.6g}"
                text = text[: match.start()] + number + text[match.end() :]
    return unicodedata.normalize("NFKC", text).casefold().replace("−", "-")


def _terms(plain: str) -> tuple[list[_Term], bool]:
    """The numbers that may be masses, and whether there were others ("30 cm", "20 %")."""
    terms: list[_Term] = []
    foreign = False
    for match in _TERM.finditer(plain):
        scale = None if match["unit"] is None else _SCALES[match["unit"]]
        other = (match["other"] or "").strip()
        end = match.end("unit") if match["unit"] else match.start("other")
        end = match.end() if end < 0 else end
        rest = plain[end:]
        if match["unit"] == "to" and re.match(r"\s*[\d.,]", rest):
            scale, end = None, match.start("unit")
        if scale is None and other and other not in _FREE_WORDS:
            foreign = True  # a number of something else: a length, a share, a count
            continue
        number = _number(match["number"]) * 10.0 ** int(match["exponent"] or match["power"] or 0)
        if match["divisor"]:
            number /= float(match["divisor"]) or math.inf
        if not math.isfinite(number):
            raise AnswerFormatError(f"{match[0]!r} is no mass")
        before = plain[: match.start()].rstrip()
        joined = match["sign"] is not None and bool(before) and (before[-1].isalnum())
        negative = match["sign"] is not None and not joined
        start = match.start("sign") if negative else match.start("number")
        terms.append(_Term(number, scale, start, end, negative))
    return terms, foreign


def _share_units(terms: list[_Term], plain: str) -> list[_Term]:
    """Give the first end of a range the unit of the second ("0.5-0.7 kg")."""
    out = list(terms)
    for index in range(len(out) - 2, -1, -1):
        term, following = out[index], out[index + 1]
        between = plain[term.end : following.start]
        joined = _JOINS_RANGE.fullmatch(between) or _PLUS_MINUS.fullmatch(between)
        if joined and term.scale is None and following.scale is not None:
            out[index] = replace(term, scale=following.scale)
        elif joined and term.scale is not None and following.scale is None:
            out[index + 1] = replace(following, scale=term.scale)
    return out


def _number(text: str) -> float:
    """A number with decimal point or comma, and with or without marks between thousands."""
    text = re.sub(r"[ '’\u00a0\u202f]", "", text)
    if "," in text and "." in text:
        decimal = max(text.rfind(","), text.rfind("."))
        whole = re.sub(r"[.,]", "", text[:decimal])
        return float(f"{whole or 0}.{text[decimal + 1 :]}")
    mark = "," if "," in text else "."
    parts = text.split(mark)
    grouped = len(parts) > 1 and all(len(part) == 3 for part in parts[1:])
    leading = 1 <= len(parts[0]) <= 3 and not parts[0].startswith("0")
    if grouped and leading and (mark == "," or len(parts) > 2):
        return float("".join(parts))
    if len(parts) > 2:
        raise AnswerFormatError(f"{text!r} is no number")
    return float(f"{parts[0] or 0}.{parts[1] or 0}" if len(parts) == 2 else parts[0])
