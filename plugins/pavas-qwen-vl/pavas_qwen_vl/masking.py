"""Keeping the server's key out of everything that the server sends back."""

from __future__ import annotations

import re

__all__ = ["masked"]

_LEAST_CHARACTERS = 6  # what is shorter is no secret, and would be found in any text


def masked(text: str, key: str) -> str:
    r"""Return ``text`` with ``key`` replaced, also where it is written with JSON's escapes.

    ``sk-a/b`` is found as ``sk-a\/b`` and as ``sk\u002da/b``, in JSON within JSON, too.
    """
    if len(key) < _LEAST_CHARACTERS:
        return text
    pattern = "".join(rf"\\*(?:{re.escape(character)}|u{ord(character):04x})" for character in key)
    return re.sub(pattern, "***", text, flags=re.IGNORECASE)
