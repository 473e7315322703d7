"""Keeps folders of this machine out of what is saved and published."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["without_local_paths"]


@contextmanager
def without_local_paths(parts: Iterable[Any]) -> Iterator[None]:
    """Blank the absolute paths that parts were loaded from, while they are saved.

    diffusers records where a part came from (``_name_or_path``) and writes it into the part's
    configuration. Names on the Hub stay.

    Args:
        parts: Objects with a diffusers configuration; others are left alone.
    """
    blanked = []
    for part in parts:
        origin = getattr(part, "config", {}).get("_name_or_path")
        if isinstance(origin, str) and Path(origin).is_absolute():
            part.register_to_config(_name_or_path="")
            blanked.append((part, origin))
    try:
        yield
    finally:
        for part, origin in blanked:
            part.register_to_config(_name_or_path=origin)
