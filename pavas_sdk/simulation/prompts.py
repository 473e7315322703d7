"""What a person would say about a scene; sometimes vague."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.simulation.materials import MATERIALS, SURFACES

if TYPE_CHECKING:
    import numpy as np

    from pavas_sdk.simulation.scene import Scene, SceneObject

__all__ = ["draw_prompt"]

_VERBS = {
    "drop": "dropped on",
    "throw": "thrown onto",
    "bounce": "bouncing off a wall on",
    "roll": "rolling on",
    "collide": "colliding on",
    "strike": "striking",
    "still": "lying on",
    "pendulum": "swinging on a string above",
    "glide": "rolling on",
    "settle": "laid down softly on",
    "pass": "lying on",
    "swing": "swinging above",
    "wave": "lying on",
}
_FLOOR_WORDS = {
    "wood": "a wooden floor",
    "concrete": "concrete",
    "metal": "a metal plate",
    "carpet": "carpet",
}


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _noun(item: SceneObject, detail: float) -> str:
    words = []
    if detail > 0.5 and item.hollow:
        words.append("hollow")
    if detail > 0.25:
        words.append(MATERIALS[item.material].adjective)
    words.append(item.label)
    return _with_article(" ".join(words))


def draw_prompt(rng: np.random.Generator, scene: Scene) -> str:
    """Draw a sentence about a scene."""
    detail = float(rng.random())
    if detail < 0.08:
        return ["", "an object", "impact sounds"][int(rng.integers(3))]
    first = 0 if scene.striker is None else 1
    things = list(scene.objects)
    if scene.action not in ("pendulum", "settle"):
        # what passes by is mentioned last
        passing = things[first : first + len(scene.guides)]
        things = things[:first] + things[first + len(scene.guides) :] + passing
    nouns = [_noun(item, detail) for item in things if item.counts][:2]
    subject = " and ".join(nouns)
    if detail < 0.25:
        return subject
    place = _FLOOR_WORDS[SURFACES[scene.room.floor].name]
    target = scene.target
    if target is not None and scene.action in ("strike", "swing"):
        place = target.label
        if place != "bag":
            place = f"{MATERIALS[target.material].adjective} {place}"
        place = _with_article(place)
    return f"{subject} {_VERBS[scene.action]} {place}"
