"""Texts of any length, as a message can show them."""

from __future__ import annotations

__all__ = ["short_text"]


def short_text(text: str, length: int = 60) -> str:
    """Return a text on one line, of at most so many characters; three dots say that it goes on.

    Args:
        text: Of any length, such as a prompt.
        length: At least 4 characters.
    """
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 3].rstrip() + "..."
