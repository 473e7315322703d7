"""What words say about things: everyday things by name, shapes, densities of materials.

Masses and sizes of things come from the table of `pavas_sdk.data.everyday_things`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.data.everyday_things import find_everyday_thing, longest_name

if TYPE_CHECKING:
    from pavas_sdk.data import EverydayThing

__all__ = ["MATERIALS", "Material", "Words", "read_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A material as things are made of it.

    Attributes:
        density_kg_m3: Of the solid stuff.
        log_fill: Mean of ln(solid share of the volume).
        log_std: Standard deviation of ln(effective density).
    """

    density_kg_m3: float
    log_fill: float
    log_std: float


_GENERIC = {"ball": "ball", "sphere": "ball", "stick": "stick", "rod": "stick", "bar": "stick"}
_GENERIC |= {"mallet": "stick", "box": "box", "cube": "box", "block": "box", "crate": "box"}

MATERIALS: dict[str, Material] = {
    "rubber": Material(density_kg_m3=1100.0, log_fill=-1.1, log_std=0.8),
    "wood": Material(density_kg_m3=680.0, log_fill=-1.1, log_std=0.8),
    "metal": Material(density_kg_m3=7800.0, log_fill=-1.45, log_std=0.9),
    "steel": Material(density_kg_m3=7800.0, log_fill=-1.2, log_std=0.9),
    "iron": Material(density_kg_m3=7600.0, log_fill=-1.0, log_std=0.8),
    "aluminium": Material(density_kg_m3=2700.0, log_fill=-1.2, log_std=0.8),
    "glass": Material(density_kg_m3=2500.0, log_fill=-1.25, log_std=0.8),
    "plastic": Material(density_kg_m3=1050.0, log_fill=-1.3, log_std=0.8),
    "ceramic": Material(density_kg_m3=2400.0, log_fill=-1.15, log_std=0.8),
    "stone": Material(density_kg_m3=2600.0, log_fill=-0.1, log_std=0.2),
    "concrete": Material(density_kg_m3=2300.0, log_fill=-0.1, log_std=0.3),
    "foam": Material(density_kg_m3=60.0, log_fill=0.0, log_std=0.6),
    "leather": Material(density_kg_m3=300.0, log_fill=-0.7, log_std=0.6),
    "cardboard": Material(density_kg_m3=120.0, log_fill=-0.3, log_std=0.7),
}
"""Materials by name."""

_ADJECTIVES = {
    "wooden": "wood",
    "metallic": "metal",
    "aluminum": "aluminium",
    "porcelain": "ceramic",
}
_LONGEST_LABEL = 60
_MASS = re.compile(r"(\d+(?:[.,]\d+)?)[\s-]*(kilograms?|kilos?|kg|grams?|gr|g)\b", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"\b(?:on|onto|in|into|over|against|off|at|across|striking|hitting|hits|strikes|with|by)\b|[;!?]|\.(?!\d)"
)
_LIST = re.compile(r"\band\b|(?<!\d),|,(?!\d)|\+|&")  # not the comma or point of a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a phrase says about one thing.

    Attributes:
        phrase: The phrase without article, shortened to what names the thing.
        thing: A known thing, or None.
        shape: "ball", "stick", "box" or "" when it does not say.
        material: A key of `MATERIALS`, or None.
        hollow: Whether it says hollow or solid; None when it does not.
        mass_kg: A mass that it states, or None.
    """

    phrase: str
    thing: EverydayThing | None
    shape: str
    material: str | None
    hollow: bool | None
    mass_kg: float | None

    @property
    def names_something(self) -> bool:
        """Whether the phrase names a thing, a shape, or states a mass."""
        return self.thing is not None or bool(self.shape) or self.mass_kg is not None


def read_words(text: str) -> list[Words]:
    """Read the things that a sentence is about, in order: what stands before place and verb.

    Example:
        >>> [w.phrase for w in read_words("a wooden ball and a 2 kg metal box dropped on carpet")]
        ['wooden ball', '2 kg metal box']
    """
    clause = _CLAUSE_END.split(text.strip().lower(), maxsplit=1)[0]
    found = []
    for phrase in _LIST.split(clause):
        words = _read_phrase(phrase)
        if words.names_something:
            found.append(words)
    return found


def _last_words(phrase: str) -> str:
    """A phrase of any length as a label: its last words, which name the thing."""
    if len(phrase) <= _LONGEST_LABEL:
        return phrase
    end = phrase[-_LONGEST_LABEL:]
    return end.partition(" ")[2] or end


def _read_phrase(phrase: str) -> Words:
    phrase = re.sub(r"^\s*(?:an?|the|one|some)\s+", "", phrase.strip())
    generic = [name for name in _GENERIC if re.search(rf"\b{name}(?:e?s)?\b", phrase)]
    name = longest_name(phrase)
    if name in MATERIALS and generic:  # "a glass ball"
        name = None
    thing = None if name is None else find_everyday_thing(name)
    shape = (thing.shape or "") if thing else (_GENERIC[generic[-1]] if generic else "")
    materials = [
        _ADJECTIVES.get(word, word)
        for word in re.findall(r"[a-z]+", phrase)
        if (word in MATERIALS or word in _ADJECTIVES) and word != name
    ]
    hollow = True if re.search(r"\b(?:hollow|empty)\b", phrase) else None
    hollow = False if re.search(r"\b(?:solid|full)\b", phrase) else hollow
    stated = _MASS.search(phrase)
    mass = None
    if stated:
        mass = float(stated.group(1).replace(",", "."))
        mass *= 1.0 if stated.group(2).lower().startswith("k") else 1e-3
    head = name or (generic[-1] if generic else "")
    end = phrase.rfind(head) + len(head) if head else len(phrase)
    return Words(
        phrase=_last_words(phrase[:end].strip() or phrase.strip()),
        thing=thing,
        shape=shape,
        material=materials[0] if materials else None,
        hollow=hollow,
        mass_kg=mass if mass else None,
    )
