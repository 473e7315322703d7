"""Paths as people write them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["expanded"]


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` and ``~name`` replaced by the home folders.

    A name that nobody here has stays as it is (`pathlib.Path.expanduser` raises RuntimeError): then
    there is no such file, which is what is told.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111
