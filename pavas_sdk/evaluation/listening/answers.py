"""Answers of raters: reading them, and the written rule by which careless raters are dropped.

A rater is dropped, with every reason named, who

1. did not finish: fewer answers than the page asks for;
2. answered a check otherwise than it said, in any of the four rows;
3. answered the repeated sound differently: more than 1.5 points apart in the mean of the four rows;
4. gave the same answer in all rows of at least 90 % of eight or more sounds;
5. cannot have listened: more than a tenth of the sounds were answered in less time than they last.

The rule is applied before anything is known of the models, and is the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json
from pavas_sdk.data.documents import read_document
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.evaluation.listening.study import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.evaluation.listening.study import StudyKey

__all__ = ["RULE", "Answer", "Rater", "careless", "read_answers"]

FORMAT, FORMAT_VERSION = "pavas.listening.answers", 1
MOST_APART, SAME_SHARE, SAME_LEAST, HASTY_SHARE = 1.5, 0.9, 8, 0.1
RULE = (
    "dropped: not finished; a check answered wrongly; the repeated sound more than "
    f"{MOST_APART} points apart; one answer throughout in {SAME_SHARE:.0%} of {SAME_LEAST} or more "
    f"sounds; more than {HASTY_SHARE:.0%} of the sounds answered before they end"
)
_KINDS = ("sound", "repeat", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One page that was answered.

    Attributes:
        item: Opaque id of the sound.
        kind: "sound", "repeat" (heard before) or "check" (says what to answer).
        scores: 1 to 5 by question.
        seconds: From the page's opening to the answer.
        wanted: What a check asked for, or None.
    """

    item: str
    kind: str
    scores: Mapping[str, int]
    seconds: float
    wanted: int | None = None

    @property
    def mean(self) -> float:
        """Over the questions."""
        return sum(self.scores.values()) / len(self.scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rater:
    """One person's answers.

    Attributes:
        name: Random, made by the page.
        answers: In the order in which they were given.
    """

    name: str
    answers: tuple[Answer, ...]


def read_answers(paths: Sequence[Path], key: StudyKey) -> tuple[Rater, ...]:
    """Read files of answers to one study.

    Raises:
        FormatError: Not such a file, or impossible values.
        InputError: Of another study, no file, or two files of one rater that differ.
    """
    raters: dict[str, Rater] = {}
    for path in paths:
        data = read_document(
            path, format_name=FORMAT, newest=FORMAT_VERSION, what="file of answers"
        )
        if data.get("study") != key.study:
            raise InputError(
                f"{path} answers the study {data.get('study')!r}, the key is of {key.study!r}"
            )
        try:
            rater = _rater(data, key)
        except FormatError as err:
            raise FormatError(f"{path}: {err}") from err
        if raters.setdefault(rater.name, rater) != rater:
            raise InputError(f"{path}: there are other answers of the rater {rater.name}; keep one")
    if not raters:
        raise InputError("there are no answers; give the files that raters saved")
    return tuple(raters[name] for name in sorted(raters))


def _rater(data: Mapping[str, Any], key: StudyKey) -> Rater:
    name = _json.text(_json.required(data, "rater", "answers"), "rater")
    rows = _json.items(_json.required(data, "answers", "answers"), "answers")
    answers = tuple(_answer(_json.mapping(row, "an answer"), key) for row in rows)
    sounds = [answer.item for answer in answers if answer.kind == "sound"]
    if len(set(sounds)) != len(sounds):
        raise FormatError("a sound is answered twice")
    return Rater(name=name, answers=answers)


def _answer(row: Mapping[str, Any], key: StudyKey) -> Answer:
    item, kind = row.get("item"), row.get("kind")
    if item not in key.items or kind not in _KINDS:
        raise FormatError(f"no such page in this study: item {item!r}, kind {kind!r}")
    given = _json.mapping(_json.required(row, "answers", str(item)), f"{item}: answers")
    scores = {name: _json.integer(given.get(name), f"{item}: {name}") for name in QUESTIONS}
    wanted = row.get("wanted")
    numbers = [*scores.values(), *(() if wanted is None else (_json.integer(wanted, "wanted"),))]
    if not all(1 <= number <= 5 for number in numbers) or (kind == "check") != (wanted is not None):
        raise FormatError(f"{item}: expected answers from 1 to 5, got {numbers}")
    return Answer(
        item=str(item),
        kind=str(kind),
        scores=scores,
        seconds=_json.number(_json.required(row, "seconds", str(item)), f"{item}: seconds"),
        wanted=wanted,
    )


def careless(rater: Rater, key: StudyKey) -> tuple[str, ...]:
    """Return why a rater is dropped by the rule of this module; nothing for a careful one."""
    reasons = []
    if len(rater.answers) < key.trials:
        reasons.append(f"not finished: {len(rater.answers)} of {key.trials} answers")
    checks = [answer for answer in rater.answers if answer.kind == "check"]
    wrong = sum(any(s != answer.wanted for s in answer.scores.values()) for answer in checks)
    if wrong:
        reasons.append(f"{wrong} of {len(checks)} checks answered wrongly")
    sounds = [answer for answer in rater.answers if answer.kind == "sound"]
    first = {answer.item: answer for answer in sounds}
    for answer in rater.answers:
        if answer.kind == "repeat" and answer.item in first:
            apart = abs(answer.mean - first[answer.item].mean)
            if apart > MOST_APART:
                reasons.append(f"the repeated sound is {apart:.1f} points apart")
    same = sum(len(set(answer.scores.values())) == 1 for answer in sounds)
    if len(sounds) >= SAME_LEAST and same >= SAME_SHARE * len(sounds):
        reasons.append(f"one answer throughout in {same} of {len(sounds)} sounds")
    hasty = sum(answer.seconds < key.durations_s[answer.item] for answer in sounds)
    if sounds and hasty > HASTY_SHARE * len(sounds):
        reasons.append(f"{hasty} of {len(sounds)} sounds answered before they end")
    return tuple(reasons)
