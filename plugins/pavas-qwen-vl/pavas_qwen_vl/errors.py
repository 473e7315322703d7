"""What can go wrong with a language model: an answer that means nothing, a server that fails."""

from __future__ import annotations

from pavas_sdk.errors import ComponentFailedError

__all__ = ["AnswerError", "AnswerFormatError", "ServerError"]

_SHOWN_CHARACTERS = 600


class AnswerFormatError(ValueError):
    """One answer cannot be read; asked again before the user hears of it."""


class AnswerError(ComponentFailedError):
    """The model was asked as often as allowed and no answer could be read.

    Attributes:
        answers: The raw answers, in the order in which they came.
    """

    def __init__(self, question: str, reason: str, answers: tuple[str, ...]) -> None:
        last = answers[-1] if answers else ""
        cut = "" if len(last) <= _SHOWN_CHARACTERS else f"... ({len(last)} characters)"
        super().__init__(
            f"no readable answer about {question} in {len(answers)} tries: {reason}. Expected JSON "
            f"as the prompt asks for. The last answer was: {last[:_SHOWN_CHARACTERS]!r}{cut}. "
            "Give it more tries (retries=...) or room (max_new_tokens=...), take a larger model, "
            "or install the grammar: pip install 'pavas-qwen-vl[grammar]'"
        )
        self.answers = answers


class ServerError(ComponentFailedError):
    """The server of the model refused, failed or did not answer in time.

    Attributes:
        status: HTTP status of the last reply, or None when there was none.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
