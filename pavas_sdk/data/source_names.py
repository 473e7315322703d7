"""How the source of weights is named in what others read: never by a path of this machine."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["public_source"]


def public_source(source: str | os.PathLike[str]) -> str:
    """Return a preset or Hub repository as it is, and of a file or folder its name alone.

    Args:
        source: As it was given.
    """
    text = os.fspath(source)
    path = Path(text).expanduser()
    if path.is_absolute() or text.startswith(("~", ".")) or path.exists():
        return Path(os.path.abspath(path)).name  # noqa: PTH100  # a link keeps its own name
    return text
