"""Which generated sound belongs to which reference: by name, and nothing is lost silently."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

__all__ = ["Pairing", "pair_names", "vggsound_name"]

# Length of a name to the part that is VGGSound's (11 of YouTube, underscore, start second).
_PARTS = {30: slice(10, 28), 20: slice(0, 18), 21: slice(1, 19)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Pairs of two lists of names.

    Attributes:
        pairs: (row of the reference, row of the generated), in the order of the generated.
        missing: Names of the reference that were not generated.
        unknown: Generated names that the reference has not.
    """

    pairs: tuple[tuple[int, int], ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def vggsound_name(stem: str) -> str:
    """Return the VGGSound name within a file's stem, going by its length as the public tool does.

    A name of 20, 21 or 30 characters that is not VGGSound's is cut all the same.
    """
    return stem[_PARTS.get(len(stem), slice(None))]


def pair_names(
    generated: Sequence[str],
    reference: Sequence[str],
    *,
    names: Literal["exact", "vggsound"] = "exact",
) -> Pairing:
    """Pair two lists of stems.

    Args:
        generated: Stems of one model's files.
        reference: Stems of the true sounds.
        names: ``exact``, or ``vggsound``: prefixes and suffixes around VGGSound's names are cut
            (see `vggsound_name`) on both sides.

    Raises:
        InputError: Two files of one side have the same name (after cutting).
    """
    sides = []
    for side, stems in (("generated", generated), ("reference", reference)):
        cleaned = [vggsound_name(stem) if names == "vggsound" else stem for stem in stems]
        twice = sorted(name for name, count in Counter(cleaned).items() if count > 1)
        if twice:
            raise InputError(
                f"{len(twice)} names occur twice among the {side} files, for example {twice[0]!r}; "
                "one file per clip is expected"
            )
        sides.append(cleaned)
    rows = {name: row for row, name in enumerate(sides[1])}
    made = set(sides[0])
    return Pairing(
        pairs=tuple((rows[name], row) for row, name in enumerate(sides[0]) if name in rows),
        missing=tuple(s for s, name in zip(reference, sides[1], strict=True) if name not in made),
        unknown=tuple(s for s, name in zip(generated, sides[0], strict=True) if name not in rows),
    )
