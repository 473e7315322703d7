"""Licences as data: which components may be used commercially."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from pavas_sdk.errors import LicenceError, PavasWarning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pavas_sdk.data import ComponentRef
    from pavas_sdk.registry.registered import RegisteredComponent

__all__ = ["check_licences", "is_non_commercial"]

_NON_COMMERCIAL = re.compile(
    r"\bcc-by-nc\b|\bnon-?commercial\b|\bresearch[- ](use[- ])?only\b|\bnc\b", re.IGNORECASE
)


def is_non_commercial(licence: str) -> bool:
    """Return whether a licence forbids commercial use.

    Args:
        licence: SPDX expression ("CC-BY-NC-SA-4.0", "MIT OR CC-BY-NC-4.0") or a short text. Of
            alternatives joined by OR one free choice is enough. An unknown licence is not
            "non-commercial": it is unknown.
    """
    alternatives = re.split(r"\s+OR\s+", licence.strip("() \t"))
    return all(_NON_COMMERCIAL.search(part) is not None for part in alternatives)


def check_licences(
    components: Iterable[ComponentRef | RegisteredComponent], *, commercial_use: bool
) -> None:
    """Refuse components whose licence forbids the declared use.

    Args:
        components: References or registered components.
        commercial_use: What the user declared; False allows everything.

    Raises:
        LicenceError: Non-commercial components, all named.

    Warns:
        PavasWarning: Components whose licence is unknown.
    """
    if not commercial_use:
        return
    entries = list(components)
    refused = [entry for entry in entries if is_non_commercial(entry.licence)]
    if refused:
        lines = "\n".join(
            f"  {entry.kind}   {entry.qualified_name}   {entry.licence}" for entry in refused
        )
        raise LicenceError(
            f"commercial_use=True, but these components are licensed for non-commercial use only:\n"
            f"{lines}\nReplace them, or get another licence from their authors"
        )
    unknown = sorted({entry.qualified_name for entry in entries if not entry.licence})
    if unknown:
        warnings.warn(
            f"commercial_use=True, but the licence of {', '.join(unknown)} is unknown",
            PavasWarning,
            stacklevel=2,
        )
