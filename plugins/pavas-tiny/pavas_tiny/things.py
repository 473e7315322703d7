"""What words say about things: masses and sizes of common objects, densities of materials.

Masses and sizes are of the ordinary article (a regulation ball, a household hammer). ``size_m`` is
the diameter of round things and the longest side of others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MATERIALS", "THINGS", "Material", "Thing", "Words", "read_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A common object.

    Attributes:
        mass_kg: Typical mass.
        size_m: Typical diameter or longest side.
        log_std: Standard deviation of ln(mass) among things of this name.
        shape: "ball", "stick", "box" or "".
    """

    mass_kg: float
    size_m: float
    log_std: float = 0.25
    shape: str = ""


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


def _thing(mass: float, size: float, std: float = 0.25, shape: str = "") -> Thing:
    return Thing(mass_kg=mass, size_m=size, log_std=std, shape=shape)


THINGS: dict[str, Thing] = {
    "tennis ball": _thing(0.0577, 0.067, 0.05, "ball"),
    "table tennis ball": _thing(0.0027, 0.040, 0.05, "ball"),
    "ping pong ball": _thing(0.0027, 0.040, 0.05, "ball"),
    "golf ball": _thing(0.0459, 0.0427, 0.05, "ball"),
    "basketball": _thing(0.62, 0.243, 0.06, "ball"),
    "volleyball": _thing(0.27, 0.21, 0.06, "ball"),
    "football": _thing(0.43, 0.22, 0.08, "ball"),
    "soccer ball": _thing(0.43, 0.22, 0.06, "ball"),
    "handball": _thing(0.45, 0.19, 0.08, "ball"),
    "baseball": _thing(0.145, 0.074, 0.06, "ball"),
    "cricket ball": _thing(0.16, 0.072, 0.06, "ball"),
    "bowling ball": _thing(6.0, 0.216, 0.25, "ball"),
    "billiard ball": _thing(0.165, 0.057, 0.06, "ball"),
    "marble": _thing(0.005, 0.016, 0.4, "ball"),
    "medicine ball": _thing(4.0, 0.28, 0.4, "ball"),
    "beach ball": _thing(0.1, 0.40, 0.5, "ball"),
    "apple": _thing(0.18, 0.075, 0.25, "ball"),
    "orange": _thing(0.2, 0.078, 0.25, "ball"),
    "egg": _thing(0.06, 0.057, 0.15, "ball"),
    "stone": _thing(0.3, 0.07, 1.0, ""),
    "rock": _thing(0.5, 0.08, 1.0, ""),
    "brick": _thing(2.3, 0.22, 0.25, "box"),
    "hammer": _thing(0.6, 0.32, 0.4, "stick"),
    "sledgehammer": _thing(4.5, 0.85, 0.3, "stick"),
    "mallet": _thing(0.5, 0.30, 0.5, "stick"),
    "drumstick": _thing(0.055, 0.40, 0.2, "stick"),
    "baseball bat": _thing(0.9, 0.85, 0.15, "stick"),
    "hockey stick": _thing(0.55, 0.95, 0.2, "stick"),
    "axe": _thing(1.8, 0.75, 0.4, "stick"),
    "spoon": _thing(0.045, 0.19, 0.4, "stick"),
    "fork": _thing(0.045, 0.19, 0.4, "stick"),
    "knife": _thing(0.09, 0.24, 0.5, "stick"),
    "pencil": _thing(0.006, 0.18, 0.3, "stick"),
    "pen": _thing(0.011, 0.145, 0.3, "stick"),
    "bottle": _thing(0.4, 0.25, 0.8, ""),
    "cup": _thing(0.3, 0.095, 0.5, ""),
    "mug": _thing(0.35, 0.095, 0.3, ""),
    "glass": _thing(0.25, 0.12, 0.4, ""),
    "plate": _thing(0.6, 0.26, 0.4, ""),
    "pan": _thing(1.2, 0.28, 0.5, ""),
    "can": _thing(0.2, 0.12, 0.9, ""),
    "book": _thing(0.5, 0.22, 0.6, "box"),
    "phone": _thing(0.19, 0.15, 0.15, "box"),
    "coin": _thing(0.006, 0.023, 0.3, ""),
    "key": _thing(0.012, 0.06, 0.5, ""),
    "die": _thing(0.005, 0.016, 0.3, "box"),
    "dice": _thing(0.005, 0.016, 0.3, "box"),
    "puck": _thing(0.165, 0.076, 0.08, ""),
    "frisbee": _thing(0.175, 0.27, 0.1, ""),
    "shoe": _thing(0.35, 0.29, 0.4, ""),
    "door": _thing(25.0, 2.0, 0.4, "box"),
    "dog": _thing(18.0, 0.8, 0.7, ""),
    "cat": _thing(4.3, 0.5, 0.3, ""),
    "horse": _thing(480.0, 2.3, 0.25, ""),
    "person": _thing(70.0, 1.7, 0.3, ""),
    "man": _thing(80.0, 1.75, 0.25, ""),
    "woman": _thing(65.0, 1.63, 0.25, ""),
    "child": _thing(28.0, 1.2, 0.5, ""),
    "boy": _thing(30.0, 1.25, 0.5, ""),
    "girl": _thing(28.0, 1.22, 0.5, ""),
    "runner": _thing(68.0, 1.73, 0.2, ""),
    "bicycle": _thing(14.0, 1.75, 0.3, ""),
    "skateboard": _thing(2.5, 0.8, 0.2, ""),
    "car": _thing(1400.0, 4.4, 0.3, ""),
    "motorcycle": _thing(200.0, 2.1, 0.3, ""),
    "truck": _thing(9000.0, 7.5, 0.7, ""),
    "hand": _thing(0.45, 0.19, 0.3, ""),
}
"""Things by name; the longest name found in a text wins."""

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
    thing: Thing | None
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


def _read_phrase(phrase: str) -> Words:
    phrase = re.sub(r"^\s*(?:an?|the|one|some)\s+", "", phrase.strip())
    found = [name for name in THINGS if re.search(rf"\b{re.escape(name)}s?\b", phrase)]
    generic = [name for name in _GENERIC if re.search(rf"\b{name}(?:e?s)?\b", phrase)]
    name = max(found, key=len, default=None)
    if name in MATERIALS and generic:  # "a glass ball"
        name = None
    thing = None if name is None else THINGS[name]
    shape = thing.shape if thing is not None else (_GENERIC[generic[-1]] if generic else "")
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
        phrase=phrase[:end].strip() or phrase.strip(),
        thing=thing,
        shape=shape,
        material=materials[0] if materials else None,
        hollow=hollow,
        mass_kg=mass if mass else None,
    )
