"""A bag of known words as a text encoder: enough for a model that knows a few dozen words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TINY_SYNONYMS", "TINY_VOCABULARY", "WordEmbedding", "known_words"]

TINY_VOCABULARY = (
    "ball",
    "block",
    "bounce",
    "box",
    "carpet",
    "ceramic",
    "collide",
    "concrete",
    "drop",
    "floor",
    "glass",
    "heavy",
    "hollow",
    "lie",
    "light",
    "mallet",
    "metal",
    "plastic",
    "roll",
    "rubber",
    "solid",
    "stick",
    "strike",
    "throw",
    "wall",
    "wood",
)
"""Words that pavas-tiny was trained on."""

TINY_SYNONYMS = {
    "bang": "strike",
    "bouncing": "bounce",
    "bounces": "bounce",
    "brass": "metal",
    "brick": "concrete",
    "cement": "concrete",
    "china": "ceramic",
    "colliding": "collide",
    "collision": "collide",
    "crash": "collide",
    "crate": "box",
    "cube": "box",
    "drops": "drop",
    "drumstick": "stick",
    "fall": "drop",
    "falling": "drop",
    "falls": "drop",
    "ground": "floor",
    "hammer": "mallet",
    "hit": "strike",
    "hits": "strike",
    "hitting": "strike",
    "iron": "metal",
    "knock": "strike",
    "lying": "lie",
    "marble": "glass",
    "metallic": "metal",
    "mug": "ceramic",
    "plate": "floor",
    "porcelain": "ceramic",
    "rod": "stick",
    "rolling": "roll",
    "rolls": "roll",
    "rug": "carpet",
    "sphere": "ball",
    "steel": "metal",
    "stone": "concrete",
    "striking": "strike",
    "tapping": "strike",
    "thrown": "throw",
    "wooden": "wood",
}
"""Other words for them."""


def known_words(
    text: str, vocabulary: Sequence[str], synonyms: dict[str, str], limit: int
) -> list[int]:
    """Return the places in ``vocabulary`` of the words of ``text``, in order, at most ``limit``.

    Unknown words are ignored; a repeated word counts once; an ending -ed, -ing or -s is dropped
    when the rest is known.
    """
    places = {word: place for place, word in enumerate(vocabulary)}
    found: list[int] = []
    for word in re.findall(r"[a-z]+", text.lower()):
        stems = [word, *(word.removesuffix(end) for end in ("s", "ed", "ing", "ped"))]
        for stem in stems:
            place = places.get(synonyms.get(stem, stem))
            if place is not None:
                if place not in found:
                    found.append(place)
                break
    return found[:limit]


class WordEmbedding(nn.Module):
    """Fixed random directions for known words; a text becomes a short row of them.

    Args:
        vocabulary: The words.
        dim: Width of a token.
        length: Tokens of a text; the rest is zero, and so is the empty text.
    """

    def __init__(self, vocabulary: Sequence[str], dim: int, length: int) -> None:
        super().__init__()
        self.vocabulary = tuple(vocabulary)
        self.length = length
        generator = torch.Generator().manual_seed(0)
        table = torch.randn(len(self.vocabulary), dim, generator=generator)
        self.table = nn.Parameter(table, requires_grad=False)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Return tokens (B, length, dim)."""
        out = self.table.new_zeros(len(texts), self.length, self.table.shape[1])
        for row, text in enumerate(texts):
            found = known_words(text, self.vocabulary, TINY_SYNONYMS, self.length)
            if found:
                out[row, : len(found)] = self.table[found]
        return out

    def note(self, text: str) -> str | None:
        """Return what should be known about a text, or None: whether no word of it is known."""
        found = known_words(text, self.vocabulary, TINY_SYNONYMS, self.length)
        if found or not text.strip():
            return None
        return (
            f"the text {text!r} has no effect: this model knows none of its words; it knows "
            f"{', '.join(self.vocabulary)}"
        )
