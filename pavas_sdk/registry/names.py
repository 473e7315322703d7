"""What a component's name means, and what to say when it means nothing or too much."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pavas_sdk.errors import AmbiguousComponentError, ComponentNotFoundError
from pavas_sdk.registry.failures import failure_lines
from pavas_sdk.registry.loading import normalised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.registry.failures import PluginFailure
    from pavas_sdk.registry.registered import RegisteredComponent

__all__ = ["resolve"]


def resolve(
    kind: str,
    name: str,
    components: Sequence[RegisteredComponent],
    failures: Sequence[PluginFailure],
    *,
    restricted_to: str | None = None,
) -> RegisteredComponent:
    """Return the one component of ``kind`` that ``name`` means.

    Args:
        kind: Wanted kind.
        name: ``name`` or ``distribution/name``.
        components: Everything registered.
        failures: Plugins that failed, for the message.
        restricted_to: Value of ``PAVAS_PLUGINS``, for the message.

    Raises:
        ComponentNotFoundError: None has the name.
        AmbiguousComponentError: Several have.
    """
    distribution, slash, bare = name.rpartition("/")
    matches = [
        entry
        for entry in components
        if entry.kind == kind
        and entry.name == bare
        and (not slash or entry.distribution == normalised(distribution))
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = sorted(entry.qualified_name for entry in matches)
        raise AmbiguousComponentError(
            f"{len(names)} distributions have a {kind} named {bare!r}: {', '.join(names)}. "
            f"Say which one: {names[0]!r}"
        )
    message = _not_found(kind, name, components, failures, restricted_to)
    raise ComponentNotFoundError(message + failure_lines(failures))


def _not_found(
    kind: str,
    name: str,
    components: Sequence[RegisteredComponent],
    failures: Sequence[PluginFailure],
    restricted_to: str | None,
) -> str:
    distribution, slash, bare = name.rpartition("/")
    of_kind = {entry.qualified_name: entry for entry in components if entry.kind == kind}
    parts = [f"no {kind} named {name!r} is registered"]
    close = get_close_matches(name, list(of_kind), n=1) or [
        entry.qualified_name
        for entry in of_kind.values()
        if entry.name in get_close_matches(bare, [other.name for other in of_kind.values()], n=1)
    ]
    if close:
        parts.append(f"did you mean {' or '.join(repr(match) for match in sorted(close))}?")
    elif of_kind:
        parts.append(f"there are {', '.join(sorted(of_kind))}")
    others = sorted({entry.kind for entry in components if entry.name == bare} - {kind})
    if others:
        parts.append(f"{bare!r} is a {' and a '.join(others)}")
    if restricted_to is not None:
        parts.append(f"PAVAS_PLUGINS={restricted_to!r} restricts which plugins are loaded")
    elif slash:
        owner = normalised(distribution)
        if owner in {failure.distribution for failure in failures}:
            parts.append(f"{owner} is installed but failed to load")
        elif owner not in {entry.distribution for entry in components}:
            parts.append(f"install its plugin: pip install {owner}")
    return "; ".join(parts)
