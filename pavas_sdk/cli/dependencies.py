"""What is installed because pavas-sdk and its plugins need it, with licences: for ``pavas licences``."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["installed_dependencies"]

_UNKNOWN = ("", "UNKNOWN")


def installed_dependencies(roots: Iterable[str]) -> list[dict[str, str]]:
    """Return the distributions that others need, directly or not, and these themselves.

    Extras that are not asked for are left out, and so is what is not installed.

    Args:
        roots: Names of distributions.

    Returns:
        One row each, by name: ``name``, ``version``, ``licence`` (empty: it states none),
        ``homepage`` and ``required_by`` (one of those that need it; empty for a root).
    """
    rows: dict[str, dict[str, str]] = {}
    waiting = [(name, frozenset[str](), "") for name in roots]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras, required_by = waiting.pop(0)
        key = _normalised(name)
        if (key, extras) in seen:
            continue
        seen.add((key, extras))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        rows.setdefault(
            key,
            {
                "name": key,
                "version": found.version,
                "licence": _licence(found),
                "homepage": _homepage(found),
                "required_by": required_by,
            },
        )
        waiting += [(need.name, frozenset(need.extras), key) for need in _needs(found, extras)]
    return [rows[key] for key in sorted(rows)]


def _needs(found: Distribution, extras: frozenset[str]) -> list[Requirement]:
    needs = []
    for text in found.requires or ():
        try:
            need = Requirement(text)
        except InvalidRequirement:  # of an old package; the others count
            continue
        wanted = extras or frozenset({""})
        if need.marker is None or any(need.marker.evaluate({"extra": one}) for one in wanted):
            needs.append(need)
    return needs


def _licence(found: Distribution) -> str:
    """Licence as the package states it: SPDX expression, else its first line, else classifiers."""
    metadata = found.metadata
    for key in [key for key in ("License-Expression", "License") if key in metadata]:
        text = str(metadata[key]).strip().partition("\n")[0]
        if text not in _UNKNOWN and len(text) <= 80:
            return text
    named = [
        line.rpartition("::")[2].strip()
        for line in metadata.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    return ", ".join(dict.fromkeys(named))


def _homepage(found: Distribution) -> str:
    metadata = found.metadata
    if "Home-page" in metadata and metadata["Home-page"] not in _UNKNOWN:
        return str(metadata["Home-page"])
    urls = [str(line).partition(",") for line in metadata.get_all("Project-URL") or ()]
    return urls[0][2].strip() if urls else ""


def _normalised(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()
