"""At which levels the sets of a training were prepared, and whether they go together."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError, PavasWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.training.datasets.mixture import Mixture

__all__ = ["check_levels", "known_levels", "levels_in_words"]

_UNKNOWN = "not recorded"


def check_levels(clips: Mixture, *, mixed_levels: bool = False) -> None:
    """Make sure that sets of different gains are not taken for one: equal sounds would differ.

    A set that does not record its level (MMAudio's own) goes with any.

    Args:
        clips: The sets.
        mixed_levels: Train on them as they are, and warn.

    Raises:
        ConfigurationError: They were prepared at different levels: all are named, with their clips.
    """
    if len(known_levels(clips)) < 2:
        return
    told = "; ".join(
        f"{level_words(part)} in {getattr(part, 'folder', 'a set')} ({len(part)} clips)"
        for part in clips.sets
    )
    first = next(part for part in clips.sets if level_words(part) != _UNKNOWN)
    said = f"the sets were prepared at different levels: {told}"
    if mixed_levels:
        warnings.warn(f"{said}; equal sounds differ between them", PavasWarning, stacklevel=3)
        return
    raise ConfigurationError(
        f"{said}. Prepare them alike, pavas prepare DATA -o FEATURES --level-from "
        f"{getattr(first, 'folder', 'FEATURES')} ..., or take them as they are: --mixed-levels "
        "(mixed_levels=True)"
    )


def known_levels(clips: Mixture) -> set[str]:
    """Return the level policies of the sets in words, without sets that do not record theirs."""
    return {level_words(part) for part in clips.sets} - {_UNKNOWN}


def levels_in_words(clips: Mixture) -> str:
    """Return the levels of all sets as one text, with clips where there are several."""
    counts: dict[str, int] = {}
    for part in clips.sets:
        words = level_words(part)
        counts[words] = counts.get(words, 0) + len(part)
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(f"{words} ({count} clips)" for words, count in sorted(counts.items()))


def level_words(part: Any) -> str:
    """Return the level policy of a set as people read it: "constant, +4.2 dB"."""
    level: Mapping[str, Any] = getattr(getattr(part, "description", None), "level", None) or {}
    policy, gain = str(level.get("policy", "")), level.get("gain")
    if not policy:
        return _UNKNOWN
    if policy != "constant" or not gain:
        return policy
    return f"{policy}, {20 * math.log10(gain):+.1f} dB"
