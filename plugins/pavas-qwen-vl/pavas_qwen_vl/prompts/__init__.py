"""The prompts, one versioned text file each: ``NAME.vVERSION.txt``, with ``$fields``."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from string import Template

from pavas_sdk.errors import ConfigurationError

__all__ = ["plain", "render", "versions"]

# What the tokenizer would take for one of its own tokens (<|video_pad|>, <|im_end|>, ...).
_TOKEN = re.compile(r"<\|[^|>]{0,40}\|?>")


@cache
def versions(name: str) -> tuple[int, ...]:
    """Return the versions that exist of a prompt, in order."""
    pattern = re.compile(rf"{re.escape(name)}\.v(\d+)\.txt")
    found = (pattern.fullmatch(entry.name) for entry in resources.files(__name__).iterdir())
    return tuple(sorted(int(match[1]) for match in found if match))


def render(name: str, version: int, **fields: str) -> str:
    """Return a prompt with its fields filled in.

    Args:
        name: "moving_objects", "masses" or "repair".
        version: Which version of it.
        **fields: Text by field name, used as it is (see `plain` for what users wrote).

    Raises:
        ConfigurationError: There is no such version.
    """
    if version not in versions(name):
        known = ", ".join(map(str, versions(name)))
        raise ConfigurationError(f"prompt {name!r} has no version {version}; it has {known}")
    return Template(_text(name, version)).substitute(fields).strip()


def plain(text: str, *, limit: int = 2000) -> str:
    """Return what a user wrote as text that cannot be mistaken for tokens of the chat format."""
    return " ".join(_TOKEN.sub(" ", text).split())[:limit]


@cache
def _text(name: str, version: int) -> str:
    return (resources.files(__name__) / f"{name}.v{version}.txt").read_text("utf-8")
