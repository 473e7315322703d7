"""Ask until the answer can be read, a bounded number of times."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pavas_qwen_vl import prompts
from pavas_qwen_vl.engine import Turn
from pavas_qwen_vl.errors import AnswerError, AnswerFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_qwen_vl.config import QwenVLConfig
    from pavas_qwen_vl.engine import Engine, Question

__all__ = ["ask"]

T = TypeVar("T")

_REMEMBERED_CHARACTERS = 1500


def ask(
    engine: Engine,
    question: Question,
    read: Callable[[str], T],
    *,
    config: QwenVLConfig,
    about: str,
) -> T:
    """Return what ``read`` makes of the answer.

    An answer that cannot be read is shown to the model again, with the reason.

    Args:
        engine: Whom to ask.
        question: What.
        read: Reads an answer; raises `AnswerFormatError` when it means nothing.
        config: Settings; ``retries`` bounds how often the question is repeated.
        about: What the question is about, for the message.

    Raises:
        AnswerError: No answer could be read; it carries them all.
    """
    answers: list[str] = []
    reason = ""
    for _ in range(config.retries + 1):
        raw = engine.answer(question, config)
        answers.append(raw)
        try:
            return read(raw)
        except AnswerFormatError as err:
            reason = str(err)
        reply = prompts.render(
            "repair", config.prompt_version, reason=prompts.plain(reason, limit=400)
        )
        shown = prompts.plain(raw, limit=_REMEMBERED_CHARACTERS)
        question = replace(question, turns=(*question.turns, Turn(shown, reply)))
    raise AnswerError(about, reason, tuple(answers))
