"""What an engine is: it takes a question about a clip and returns what the model writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pavas_qwen_vl.config import QwenVLConfig
    from pavas_qwen_vl.frames import Clip

__all__ = ["Engine", "Question", "Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer that could not be used, and what was said about it.

    Attributes:
        answer: What the model wrote.
        reply: What it is told.
    """

    answer: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question to the model.

    Attributes:
        clip: The frames.
        text: The prompt.
        schema: JSON schema of the answer.
        max_new_tokens: Length of the answer, at most.
        temperature: 0 for the likeliest answer, above 0 to draw one.
        top_p: Share of probability that is drawn from.
        seed: Of the draw.
        turns: What was answered and said before.
    """

    clip: Clip
    text: str
    schema: dict[str, Any]
    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    turns: tuple[Turn, ...] = field(default=())


class Engine(Protocol):
    """Answers questions about clips."""

    def answer(self, question: Question, config: QwenVLConfig) -> str:
        """Return what the model writes.

        Raises:
            PavasError: It cannot be asked.
        """

    @property
    def parallel(self) -> int:
        """How many questions may be asked at a time, from as many threads."""
