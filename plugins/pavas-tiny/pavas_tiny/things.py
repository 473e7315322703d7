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


def _t(mass: float, size: float, std: float = 0.25, shape: str = "") -> Thing:
    return Thing(mass_kg=mass, size_m=size, log_std=std, shape=shape)


THINGS: dict[str, Thing] = {
    "tennis ball": _t(0.0577, 0.067, 0.05, "ball"),
    "table tennis ball": _t(0.0027, 0.040, 0.05, "ball"),
    "ping pong ball": _t(0.0027, 0.040, 0.05, "ball"),
    "golf ball": _t(0.0459, 0.0427, 0.05, "ball"),
    "basketball": _t(0.62, 0.243, 0.06, "ball"),
    "volleyball": _t(0.27, 0.21, 0.06, "ball"),
    "football": _t(0.43, 0.22, 0.08, "ball"),
    "soccer ball": _t(0.43, 0.22, 0.06, "ball"),
    "handball": _t(0.45, 0.19, 0.08, "ball"),
    "baseball": _t(0.145, 0.074, 0.06, "ball"),
    "cricket ball": _t(0.16, 0.072, 0.06, "ball"),
    "bowling ball": _t(6.0, 0.216, 0.25, "ball"),
    "billiard ball": _t(0.165, 0.057, 0.06, "ball"),
    "marble": _t(0.005, 0.016, 0.4, "ball"),
    "medicine ball": _t(4.0, 0.28, 0.4, "ball"),
    "beach ball": _t(0.1, 0.40, 0.5, "ball"),
    "apple": _t(0.18, 0.075, 0.25, "ball"),
    "orange": _t(0.2, 0.078, 0.25, "ball"),
    "egg": _t(0.06, 0.057, 0.15, "ball"),
    "stone": _t(0.3, 0.07, 1.0, ""),
    "rock": _t(0.5, 0.08, 1.0, ""),
    "brick": _t(2.3, 0.22, 0.25, "box"),
    "hammer": _t(0.6, 0.32, 0.4, "stick"),
    "sledgehammer": _t(4.5, 0.85, 0.3, "stick"),
    "mallet": _t(0.5, 0.30, 0.5, "stick"),
    "drumstick": _t(0.055, 0.40, 0.2, "stick"),
    "baseball bat": _t(0.9, 0.85, 0.15, "stick"),
    "hockey stick": _t(0.55, 0.95, 0.2, "stick"),
    "axe": _t(1.8, 0.75, 0.4, "stick"),
    "spoon": _t(0.045, 0.19, 0.4, "stick"),
    "fork": _t(0.045, 0.19, 0.4, "stick"),
    "knife": _t(0.09, 0.24, 0.5, "stick"),
    "pencil": _t(0.006, 0.18, 0.3, "stick"),
    "pen": _t(0.011, 0.145, 0.3, "stick"),
    "bottle": _t(0.4, 0.25, 0.8, ""),
    "cup": _t(0.3, 0.095, 0.5, ""),
    "mug": _t(0.35, 0.095, 0.3, ""),
    "glass": _t(0.25, 0.12, 0.4, ""),
    "plate": _t(0.6, 0.26, 0.4, ""),
    "pan": _t(1.2, 0.28, 0.5, ""),
    "can": _t(0.2, 0.12, 0.9, ""),
    "book": _t(0.5, 0.22, 0.6, "box"),
    "phone": _t(0.19, 0.15, 0.15, "box"),
    "coin": _t(0.006, 0.023, 0.3, ""),
    "key": _t(0.012, 0.06, 0.5, ""),
    "die": _t(0.005, 0.016, 0.3, "box"),
    "dice": _t(0.005, 0.016, 0.3, "box"),
    "puck": _t(0.165, 0.076, 0.08, ""),
    "frisbee": _t(0.175, 0.27, 0.1, ""),
    "shoe": _t(0.35, 0.29, 0.4, ""),
    "door": _t(25.0, 2.0, 0.4, "box"),
    "dog": _t(18.0, 0.8, 0.7, ""),
    "cat": _t(4.3, 0.5, 0.3, ""),
    "horse": _t(480.0, 2.3, 0.25, ""),
    "person": _t(70.0, 1.7, 0.3, ""),
    "man": _t(80.0, 1.75, 0.25, ""),
    "woman": _t(65.0, 1.63, 0.25, ""),
    "child": _t(28.0, 1.2, 0.5, ""),
    "boy": _t(30.0, 1.25, 0.5, ""),
    "girl": _t(28.0, 1.22, 0.5, ""),
    "runner": _t(68.0, 1.73, 0.2, ""),
    "bicycle": _t(14.0, 1.75, 0.3, ""),
    "skateboard": _t(2.5, 0.8, 0.2, ""),
    "car": _t(1400.0, 4.4, 0.3, ""),
    "motorcycle": _t(200.0, 2.1, 0.3, ""),
    "truck": _t(9000.0, 7.5, 0.7, ""),
    "hand": _t(0.45, 0.19, 0.3, ""),
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
    r"\b(?:on|onto|in|into|over|against|off|at|across|striking|hitting|hits|strikes|with|by)\b|[.;!?]"
)


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
    for phrase in re.split(r"\band\b|,|\+|&", clause):
        words = _read_phrase(phrase)
        if words.names_something:
            found.append(words)
    return found


def _read_phrase(phrase: str) -> Words:
    phrase = re.sub(r"^\s*(?:an?|the|one|some)\s+", "", phrase.strip())
    found = [name for name in THINGS if re.search(rf"\b{re.escape(name)}s?\b", phrase)]
    generic = [name for name in _GENERIC if re.search(rf"\b{name}(?:e?s)?\b", phrase)]
    name = max(found, key=len, default=None)
    if name == "glass" and generic:  # "a glass ball"
        name = None
    if name in MATERIALS and generic:
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
