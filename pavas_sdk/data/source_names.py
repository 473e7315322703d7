"""How the source of weights is named in what others read: never by a path of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["public_source", "without_local_path_in", "without_local_paths"]

_ORIGIN = "_name_or_path"


def public_source(source: str | os.PathLike[str]) -> str:
    """Return a preset or Hub repository as it is, and of a file or folder its name alone.

    Args:
        source: As it was given.
    """
    text = os.fspath(source)
    path = expanded(text)
    if path.is_absolute() or text.startswith(("~", ".")) or path.exists():
        return Path(os.path.abspath(path)).name  # noqa: PTH100  # a link keeps its own name
    return text


@contextmanager
def without_local_paths(parts: Iterable[object]) -> Iterator[None]:
    """Blank the paths of this machine that parts were loaded from, while they are saved.

    diffusers records where a part came from (``_name_or_path``) and writes it into the part's
    configuration. Names on the Hub stay.

    Args:
        parts: Objects with a diffusers configuration; others are left alone.
    """
    blanked: list[tuple[Any, object]] = []
    for part in parts:
        config = getattr(part, "config", None)
        if not isinstance(config, Mapping) or not hasattr(part, "register_to_config"):
            continue
        origin = config.get(_ORIGIN)
        if is_local(origin):
            part.register_to_config(**{_ORIGIN: ""})
            blanked.append((part, origin))
    try:
        yield
    finally:
        for part, origin in blanked:
            part.register_to_config(**{_ORIGIN: origin})


def without_local_path_in(text: str) -> str:
    """Return a saved configuration without a path of this machine; other text as it is."""
    try:
        config = json.loads(text)
    except ValueError:
        return text
    if not isinstance(config, dict) or not is_local(config.get(_ORIGIN)):
        return text
    return json.dumps({**config, _ORIGIN: ""}, indent=2) + "\n"


def is_local(origin: object) -> bool:
    """Whether this is a path of this machine, as far as can be told."""
    return isinstance(origin, str | os.PathLike) and public_source(origin) != os.fspath(origin)
