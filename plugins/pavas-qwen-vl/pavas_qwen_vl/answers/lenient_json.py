"""JSON as language models write it: in prose, in fences, with small mistakes, cut off.

`json_values` finds every JSON value in a text. Where the strict parser fails, a lenient one reads:
comments, trailing and missing commas, single and typographic quotes, unquoted keys and words,
full-width punctuation, a decimal comma in a number, quotes inside of strings, and text that ends in
the middle (what was being written then is dropped, what was complete is kept).

The library json-repair was compared on the 130 recorded answers and differs on 8: it finishes what
was cut off ("c" for "cat", 1 kg for 1...), and drops a unit that has no quotes (500 g is 500), which
is worse than no answer.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["MOST_CHARACTERS", "json_values"]

MOST_CHARACTERS = 200_000
"""What is behind is not read."""

_MOST_DEPTH = 12
_MOST_STARTS = 400
_CLOSING = {
    '"': '"', "'": "'", "“": "”", "”": "”", "„": "“”", "‘": "’", "«": "»", "「": "」", "`": "`",
}  # fmt: skip
_WORDS: dict[str, Any] = {
    "true": True, "false": False, "null": None, "none": None, "nan": float("nan"),
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_SKIPPED = re.compile(r"(?:\s+|//[^\n]*|/\*.*?(?:\*/|\Z)|#[^\n]*)+", re.DOTALL)
_BARE_KEY = re.compile(r"[^\s:：,，{}\[\]\"']+")
_DIGITS = re.compile(r"[-+~<>≈≤≥ ]*\d+")


class _UnreadableError(ValueError):
    """Not even the lenient reader takes this for JSON."""


class _Cut:
    """The text ended inside of this value."""


_CUT = _Cut()


def json_values(text: str) -> list[Any]:
    """Return the JSON objects and arrays in a text, in order, without those inside of others."""
    text = text[:MOST_CHARACTERS]
    found: list[Any] = []
    at = 0
    for _ in range(_MOST_STARTS):
        start = re.compile(r"[{\[｛［【]").search(text, at)
        if start is None:
            break
        try:
            value, at = _value_at(text, start.start())
        except _UnreadableError:
            at = start.start() + 1
            continue
        found.append(value)
    return found


def _value_at(text: str, start: int) -> tuple[Any, int]:
    try:
        return _STRICT.raw_decode(text, start)
    except (ValueError, RecursionError):
        reader = _Reader(text, start)
        return reader.value(0), reader.at


_STRICT = json.JSONDecoder(strict=False)


class _Reader:
    """Reads one value from ``at`` on, by recursive descent."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def value(self, depth: int, *, in_mapping: bool = False) -> Any:
        if depth > _MOST_DEPTH:
            raise _UnreadableError("too deep")
        self.skip()
        char = self.peek()
        if char in "{｛":
            return self.mapping(depth) if char else _CUT
        if char in "[［【":
            return self.sequence(depth)
        if char in _CLOSING:
            return self.string()
        return self.bare(in_mapping=in_mapping)

    def mapping(self, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        self.at += 1
        while True:
            self.skip(",，;")
            char = self.peek()
            if not char:
                return out
            if char in "}｝":
                self.at += 1
                return out
            if char in "]］】":  # the brace was forgotten
                return out
            key = self.string() if char in _CLOSING else self.bare_key()
            self.skip()
            if isinstance(key, _Cut) or not self.peek():
                return out
            if self.peek() not in ":：=":
                raise _UnreadableError(f"no colon behind {key!r}")
            self.at += 1
            value = self.value(depth + 1, in_mapping=True)
            if isinstance(value, _Cut):
                return out
            out[str(key)] = value

    def sequence(self, depth: int) -> list[Any]:
        out: list[Any] = []
        self.at += 1
        while True:
            self.skip(",，;、")
            char = self.peek()
            if not char:
                return out
            if char in "]］】":
                self.at += 1
                return out
            if char in "}｝":  # the bracket was forgotten
                return out
            value = self.value(depth + 1)
            if isinstance(value, _Cut):
                return out
            out.append(value)

    def string(self) -> str | _Cut:
        closing = _CLOSING[self.peek()]
        self.at += 1
        out: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\":
                out.append(self.escape())
                continue
            self.at += 1
            if char in closing and self.ends_string():
                return "".join(out)
            out.append(char)
        return _CUT

    def escape(self) -> str:
        code = self.text[self.at + 1 : self.at + 2]
        if code == "u":
            digits = self.text[self.at + 2 : self.at + 6]
            if re.fullmatch(r"[0-9a-fA-F]{4}", digits):
                self.at += 6
                return chr(int(digits, 16))
        self.at += 2
        return _ESCAPES.get(code, code)

    def ends_string(self) -> bool:
        """Whether the quote before ``at`` closes: a quote inside of a string has text behind it."""
        rest = self.text[self.at : self.at + 80]
        behind = rest.lstrip()
        if not behind or behind[0] in ",，:：;}｝]］】":
            return True
        # a comma was forgotten: the next key or value starts
        return behind[0] in _CLOSING and len(behind) < len(rest)

    def bare_key(self) -> str:
        match = _BARE_KEY.match(self.text, self.at)
        if match is None:
            raise _UnreadableError(f"no key at {self.at}")
        self.at = match.end()
        return match[0]

    def bare(self, *, in_mapping: bool) -> Any:
        """A number or words without quotes, up to the next comma, bracket or line."""
        start = self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            if in_mapping and char in ",，" and self.decimal_comma(start):
                self.at += 1
                continue
            if char in ",，{}｛｝[]［］\n":
                break
            if char in '"“”' or self.text.startswith("//", self.at):
                break
            self.at += 1
        else:
            return _CUT  # "1" at the end may have become "12"
        word = self.text[start : self.at].strip()
        if not word:
            raise _UnreadableError(f"no value at {start}")
        if word.lower() in _WORDS:
            return _WORDS[word.lower()]
        try:
            return float(word)
        except ValueError:
            return word

    def decimal_comma(self, start: int) -> bool:
        """Whether the comma at ``at`` belongs to a number: keys do not start with digits."""
        behind = self.text[self.at + 1 : self.at + 2]
        return behind.isdigit() and bool(_DIGITS.fullmatch(self.text[start : self.at]))

    def skip(self, more: str = "") -> None:
        while True:
            match = _SKIPPED.match(self.text, self.at)
            if match is not None:
                self.at = match.end()
            elif self.peek() and self.peek() in more:
                self.at += 1
            else:
                return

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]
